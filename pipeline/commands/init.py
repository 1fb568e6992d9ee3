"""`init`: a complete, commented params.yaml for a data set, a base and a release, from what the Hub has.

It asks for the three where they are not given, guesses the rest from content, and marks each guess.
"""

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import polars as pl

from pipeline.engine import installation
from pipeline.errors import InvalidParams, InvalidWorkspace
from pipeline.hub import Hub, RepoInfo
from pipeline.judging import feasibility
from pipeline.params import Params
from pipeline.params.document import check, parse_yaml
from pipeline.params.key_changes import complete
from pipeline.params.rewrite import filled, has, remark
from pipeline.preflight import (
    found_data,
    guess_base,
    guess_columns,
    guess_languages,
    guess_recipe,
    resources,
)
from pipeline.preflight.found_data import FoundData
from pipeline.preflight.guess_base import BaseFacts
from pipeline.preflight.guesses import Guesses
from pipeline.workspace import holdout, log, paths, receipts
from pipeline.workspace.files import write_text

TEMPLATE = Path(guess_base.__file__).with_name("template.yaml")
_ASKED = {
    "dataset": "the data set on the Hub, as OWNER/NAME",
    "base": "the model to start from, as OWNER/NAME",
    "release": "the repository that candidates will be released to, as OWNER/NAME",
}
_SAMPLE_TEXTS, _SHOWN_LETTERS = 500, 80


@dataclass(frozen=True)
class Started:
    """What was written.

    Attributes:
        path: The file.
        why: What was guessed, by dotted key, with the value and the reason.
        rows: Of the data set's splits.
        read: What was read of data set and base.
    """

    path: Path
    why: dict[str, str]
    rows: dict[str, int]
    read: str


def arguments(parser: ArgumentParser) -> None:
    """Register what `init` starts from."""
    for name, said in _ASKED.items():
        parser.add_argument(f"--{name}", metavar="OWNER/NAME", help=said)
    parser.add_argument("--subset", metavar="NAME", help="the subset of the data set, where it has several")
    parser.add_argument("--branch", default="main", metavar="BRANCH", help="of the data set (default: main)")
    parser.epilog = (
        "example:\n  katman init --dataset acme/support-triplets --base intfloat/multilingual-e5-small "
        "--release acme/support-embeddings"
    )


def run(
    workspace: Path,
    dataset: str | None = None,
    base: str | None = None,
    release: str | None = None,
    subset: str | None = None,
    branch: str = "main",
) -> Started:
    """Write params.yaml, from the first rows of the data set and the small files of the base.

    Raises:
        InvalidWorkspace: The workspace has held out, judged or released something already.
        InvalidParams: A name is missing and nobody is there to be asked, or is none; the same of a subset.
        HubError: The Hub was not reached, or has no such repository.
        InvalidData: Data set or base cannot be used.
    """
    _refuse_begun(workspace)
    given = _asked({"dataset": dataset, "base": base, "release": release})
    template = complete(TEMPLATE.read_text(encoding="utf-8"))
    names = {
        "dataset.repo": given["dataset"],
        "dataset.branch": branch,
        "base.repo": given["base"],
        "live.repo": given["release"],
        "release.repo": given["release"],
    }
    start = filled(template, names)
    plain = _checked(start, "Say OWNER/NAME for each")
    hub = Hub(plain.hub)
    found = found_data.find(hub, given["dataset"], branch, subset, _choose)
    info = hub.info(given["base"], "model")
    listed = hub.files(given["base"], "model", info.commit)
    folder, _ = hub.download(given["base"], "model", info.commit, guess_base.small)
    facts = guess_base.read(folder, listed, f"model {given['base']}")

    guesses = Guesses()
    guesses.known(names | {"base.revision": info.commit, "dataset.revision": found.commit})
    train = _data(guesses, found, given["dataset"])
    _model(guesses, found, info, facts, given, train, folder)
    _training(guesses, train, found.rows[guesses.values["dataset.splits"]["train"]])
    _gate(guesses, found, train, plain)
    _card(guesses, found, train, given["dataset"])
    sizes = resources.listed(hub.files(given["dataset"], "dataset", found.commit), listed, 2)
    needed = sum(resources.disk(sizes, plain).values())
    guesses.guess("hardware.min_free_disk_bytes", max(10**9, needed), "what all steps take, about")

    values = {key: value for key, value in guesses.values.items() if has(template, key)}
    text = filled(template, values)
    for key, why in guesses.why.items():
        if has(template, key):
            text = remark(text, key, f"guessed: {why}")
    _checked(text, "That is not of your making: say so with the names of data set and base")
    write_text(workspace / paths.PARAMS, text)
    shown = {
        key: f"{_short(values[key])}: {why}" if key in values else why
        for key, why in guesses.why.items()
        if has(template, key)
    }
    weights = resources.shown(sizes.weights)
    read = f"of the data set {found.read}; of the base its configuration and tokenizer, not its {weights}"
    return Started(workspace / paths.PARAMS, shown, dict(found.rows), read)


def summary(started: Started) -> str:
    """Return what to look at, and the next command."""
    rows = ", ".join(f"{name} {count:,}" for name, count in started.rows.items())
    lines = [f"{started.path} is written, for {rows} rows.", f"Read: {started.read}."]
    lines.append("Guessed, so look at these lines of it:")
    lines += [f"  {key:<{max(map(len, started.why))}}  {why}" for key, why in started.why.items()]
    lines += [
        "Then",
        "  git add params.yaml && git commit -m Start",
        "  katman check       what is wrong is said before anything is spent",
        "  dvc repro audit    counts what the data set allows; nothing is trained",
        "  katman plan        the margins and floors that it allows",
    ]
    return "\n".join(lines)


def _short(value: object) -> str:
    said = str(value)
    return said if len(said) <= _SHOWN_LETTERS else f"{said[:_SHOWN_LETTERS]}…"


def _refuse_begun(workspace: Path) -> None:
    begun = {
        "splits.ledger holds rows out": holdout.read(workspace).height > 0,
        "its log knows what was judged or deployed": bool(log.entries(workspace)),
        "it has receipts of releases": bool(receipts.read_all(workspace)),
    }
    if any(begun.values()):
        said = "; ".join(what for what, is_so in begun.items() if is_so)
        raise InvalidWorkspace(
            f"{workspace} is a workspace that has begun: {said}. `init` would start it anew under them; "
            "wanted a fresh fork. Edit params.yaml instead, `katman upgrade` brings new keys"
        )


def _asked(given: dict[str, str | None]) -> dict[str, str]:
    """Return the three names, asked for one by one where somebody is there."""
    missing = [name for name, value in given.items() if not value]
    if missing and not sys.stdin.isatty():
        raise InvalidParams(
            f"{', '.join(f'--{name}' for name in missing)} was not given, and nobody is there to be asked; "
            "wanted OWNER/NAME for each"
        )
    return {name: value or input(f"{_ASKED[name]}: ").strip() for name, value in given.items()}


def _choose(subsets: Sequence[str]) -> str | None:
    """Ask for one of several subsets, where somebody is there."""
    if not sys.stdin.isatty():
        return None
    return input(f"the subset of the data set, one of {', '.join(subsets)}: ").strip() or None


def _checked(text: str, missing: str) -> Params:
    path = Path(paths.PARAMS)
    return check(parse_yaml(text, path), path, missing)


def _data(guesses: Guesses, found: FoundData, repo: str) -> pl.DataFrame:
    """Guess splits, columns and languages; return the train split's texts under our names."""
    names = guess_columns.splits(found.rows)
    cut = [ours for ours, theirs in names.items() if theirs is None]
    why = f"{' and '.join(cut)} cut out of train" if cut else "by their names"
    guesses.guess("dataset.splits", names, why)
    if found.subset is not None:
        guesses.guess("dataset.subset", found.subset, f"one of {', '.join(found.subsets)}")
    table = found.tables[str(names["train"])]
    columns, why = guess_columns.columns(table, f"data set {repo}")
    guesses.guess("dataset.columns", columns, why)
    negative = columns["negative"]
    unread = guess_columns.labels(table, columns)
    if unread:
        why += f"; nobody reads {unread}: rows of all its values count"
    theirs = [negative] if isinstance(negative, str) else negative or []
    train = table.select(
        query=pl.col(str(columns["query"])),
        positive=pl.col(str(columns["positive"])),
        **{f"negative_{place}": pl.col(name) for place, name in enumerate(theirs)},
    )
    lists = [name for name, kind in train.schema.items() if kind == pl.List(pl.String)]
    train = train.with_columns(pl.col(name).list.first() for name in lists)
    languages, why = guess_languages.stated(found.languages), "the data set's card"
    if not languages:
        some = train["positive"].drop_nulls().head(_SAMPLE_TEXTS).to_list()
        languages, why = [guess_languages.of(some)], "the commonest words of its texts"
    guesses.guess("dataset.languages", languages, why)
    guesses.guess("model.language", [one for one in languages if one != "und"], why)
    return train


def _model(
    guesses: Guesses,
    found: FoundData,
    info: RepoInfo,
    facts: BaseFacts,
    given: dict[str, str],
    train: pl.DataFrame,
    folder: Path,
) -> None:
    dims = guess_base.widths(facts.width)
    guesses.known({"model.name": given["release"].partition("/")[2]})
    says = f"the base states {info.license or 'none'}, the data set {found.license or 'none'}"
    guesses.guess("model.license", None, says)
    guesses.guess("model.dims", dims, f"the base has {facts.width}, and halves")
    guesses.known({"train.loss.matryoshka_weights": [1] * len(dims)})
    negatives = len(train.columns) - 2
    why = "what guessing reaches; `katman plan` names the base's own once it is measured"
    floor = feasibility.chance(negatives)
    guesses.guess("gate.floors", dict.fromkeys(dims, floor), why if negatives else "pairs have no accuracy")
    why = "those of the base" if any(facts.prompts.values()) else "the base has none"
    guesses.guess("model.prompts", facts.prompts, why)
    documents = [name for name in train.columns if name != "query"]
    texts = {"query": train["query"].drop_nulls().to_list()}
    by_prompt: dict[str, list[str]] = {facts.prompts["query"]: texts["query"]}
    several = [text for name in documents for text in train[name].drop_nulls().to_list()]
    by_prompt[facts.prompts["document"]] = by_prompt.get(facts.prompts["document"], []) + several
    length, why = guess_recipe.max_length(folder, by_prompt, facts.max_seq_length)
    guesses.guess("model.max_seq_length", length, why)
    if facts.pickles:
        why = "the only weights of this commit; without trust in it, take another base"
        guesses.guess("base.allow_pickle", facts.pickles, why)


def _training(guesses: Guesses, train: pl.DataFrame, rows: int) -> None:
    kind = installation.device_type()
    size, why = guess_recipe.batch(train, rows, kind)
    guesses.guess("train.batch_size", size, why)
    steps = max(1, rows // size)
    guesses.known(
        {
            "train.mini_batch_size": min(32, size),
            "train.eval_batch_size": min(256, max(size, 16)),
            "train.eval_steps": max(1, steps // 5),
            "train.save_steps": max(1, steps // 5),
            "train.bf16": kind == "cuda",
            "train.versions.torch": version("torch").partition("+")[0],
            "train.versions.sentence_transformers": version("sentence-transformers").partition("+")[0],
        }
    )


def _gate(guesses: Guesses, found: FoundData, train: pl.DataFrame, plain: Params) -> None:
    names, query = guesses.values["dataset.splits"], guesses.values["dataset.columns"]["query"]
    if names["test"] is None:
        rows = round(found.rows[names["train"]] * plain.pin.cut.test_share)
        guess_recipe.limits(guesses, train["query"], rows, plain.gate)
    else:
        test = found.tables[names["test"]]
        queries = test[query] if query in test.columns else train["query"]
        guess_recipe.limits(guesses, queries, found.rows[names["test"]], plain.gate)
    why = f"of what the {plain.gate.retention_of or 'largest width'} keeps, which `katman plan` names"
    guesses.guess("gate.retention", plain.gate.retention, why)


def _card(guesses: Guesses, found: FoundData, train: pl.DataFrame, repo: str) -> None:
    guesses.guess("card.domain", repo.partition("/")[2], "the data set's name")
    guesses.known({"release.private": found.private})
    whole = train.drop_nulls().filter(pl.col("query").str.strip_chars() != "").head(3)
    if found.private or whole.height < 3:
        guesses.why["card.example"] = "write your own texts"
        return
    example = {"queries": whole["query"][:2].to_list(), "documents": whole["positive"].to_list()}
    if all(text.strip() for some in example.values() for text in some):
        guesses.guess("card.example", example, "rows of train; it is shown, so write your own texts")
