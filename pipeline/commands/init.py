"""`init`: a complete, commented params.yaml for a data set, a base and a release, from what the Hub has.

It asks for the three where they are not given, guesses the rest from content, and marks each guess.
"""

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import InvalidParams, InvalidWorkspace
from pipeline.hub import Hub
from pipeline.params import Params
from pipeline.params.document import check, parse_yaml
from pipeline.params.key_changes import complete
from pipeline.params.rewrite import as_written, filled, has, remark
from pipeline.preflight import found_data, guess_base, guess_params, resources
from pipeline.stages.pin import downloads
from pipeline.workspace import holdout, log, paths, receipts
from pipeline.workspace.files import write_text

TEMPLATE = Path(guess_base.__file__).with_name("template.yaml")
_ASKED = {
    "dataset": "the data set on the Hub, as OWNER/NAME",
    "base": "the model to start from, as OWNER/NAME",
    "release": "the repository that candidates will be released to, as OWNER/NAME",
}
_SHOWN_LETTERS = 80


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
        InvalidData: Data set or base cannot be used, as `check` would say.
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
    found = found_data.find(hub, given["dataset"], branch, subset, _choose, plain.pin.limits)
    info = hub.info(given["base"], "model")
    listed = hub.files(given["base"], "model", info.commit)
    folder, _ = hub.download(given["base"], "model", info.commit, guess_base.small)
    facts = guess_base.read(folder, listed, f"model {given['base']}")

    guesses = guess_params.guessed(names, plain, found, info, facts, folder)
    sizes = resources.listed(found.listed, listed, 2)
    needed = sum(resources.disk(sizes, plain).values())
    guesses.guess("hardware.min_free_disk_bytes", max(10**9, needed), "what all steps take, about")
    values = {key: value for key, value in guesses.values.items() if has(template, key)}
    text = filled(template, values)
    for key, why in guesses.why.items():
        if has(template, key):
            text = remark(text, key, f"guessed: {why}")
    params = _checked(text, "That is not of your making: say so with the names of data set and base")
    downloads.look(hub, params.base, params.model)
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
    said = as_written(value)
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
    return {name: value or _typed(_ASKED[name]) for name, value in given.items()}


def _typed(asked: str) -> str:
    """Return what somebody typed; nothing where they ended the input instead."""
    try:
        return input(f"{asked}: ").strip()
    except EOFError:
        return ""


def _choose(subsets: Sequence[str]) -> str | None:
    """Ask for one of several subsets, where somebody is there."""
    if not sys.stdin.isatty():
        return None
    return _typed(f"the subset of the data set, one of {', '.join(subsets)}") or None


def _checked(text: str, missing: str) -> Params:
    path = Path(paths.PARAMS)
    return check(parse_yaml(text, path), path, missing)
