"""Everything of a params.yaml that can be guessed, from a data set's first rows and a base's small files."""

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import polars as pl

from pipeline.device import installation
from pipeline.hub import RepoInfo
from pipeline.judging import power
from pipeline.params import Params
from pipeline.preflight import guess_base, guess_columns, guess_languages, guess_recipe
from pipeline.preflight.found_data import FoundData
from pipeline.preflight.guess_base import BaseFacts
from pipeline.preflight.guesses import Guesses
from pipeline.records.tables import negative_column

_SAMPLE_TEXTS = 500


def guessed(
    names: Mapping[str, str], plain: Params, found: FoundData, base: RepoInfo, facts: BaseFacts, folder: Path
) -> Guesses:
    """Guess values of params.yaml.

    Args:
        names: Repositories and the data set's branch, by dotted key.
        plain: What the template says.
        found: The data set.
        base: The base at its commit.
        facts: Of the base.
        folder: Holds the base's configuration and tokenizer.

    Raises:
        InvalidData: The data set has no texts or no split to train on, or the base no tokenizer.
    """
    guesses = Guesses()
    guesses.known({**names, "base.revision": base.commit, "dataset.revision": found.commit})
    train = _data(guesses, found, names["dataset.repo"])
    _model(guesses, found, base, facts, train, folder)
    _training(guesses, train, found.rows[guesses.values["dataset.splits"]["train"]])
    _gate(guesses, found, train, plain)
    _card(guesses, found, train, names["dataset.repo"])
    return guesses


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
    unread = guess_columns.labels(table, columns)
    if unread:
        why += f"; nobody reads {unread}: rows of all its values count"
    guesses.guess("dataset.columns", columns, why)
    negative = columns["negative"]
    theirs = [negative] if isinstance(negative, str) else negative or []
    negatives = []
    for name in theirs:
        lists = table.schema[name].is_nested()
        most = int(table.select(pl.col(name).list.len().max()).item() or 0) if lists else 1
        negatives += (
            [pl.col(name).list.get(place, null_on_oob=True) for place in range(most)]
            if lists
            else [pl.col(name)]
        )
    train = table.select(
        query=pl.col(str(columns["query"])),
        positive=pl.col(str(columns["positive"])),
        **{negative_column(place + 1): one for place, one in enumerate(negatives)},
    )
    languages, why = guess_languages.stated(found.languages), "the data set's card"
    if not languages:
        some = train["positive"].drop_nulls().head(_SAMPLE_TEXTS).to_list()
        languages, why = [guess_languages.of(some)], "the commonest words of its texts"
    guesses.guess("dataset.languages", languages, why)
    guesses.guess("model.language", [one for one in languages if one != "und"], why)
    return train


def _model(
    guesses: Guesses, found: FoundData, info: RepoInfo, facts: BaseFacts, train: pl.DataFrame, folder: Path
) -> None:
    dims = guess_base.widths(facts.width)
    guesses.known({"model.name": guesses.values["release.repo"].partition("/")[2]})
    says = f"the base states {info.license or 'none'}, the data set {found.license or 'none'}"
    guesses.guess("model.license", None, says)
    guesses.guess("model.dims", dims, f"the base has {facts.width}, and halves")
    guesses.known({"train.loss.matryoshka_weights": [1] * len(dims)})
    negatives = len(train.columns) - 2
    why = "what guessing reaches; `katman plan` names the base's own once it is measured"
    floor = power.chance(negatives)
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
    whole = train.drop_nulls(["query", "positive"]).filter(pl.col("query").str.strip_chars() != "").head(3)
    if found.private or whole.height < 3:
        guesses.why["card.example"] = "write your own texts"
        return
    example = {"queries": whole["query"][:2].to_list(), "documents": whole["positive"].to_list()}
    if all(text.strip() for some in example.values() for text in some):
        guesses.guess("card.example", example, "rows of train; it is shown, so write your own texts")
