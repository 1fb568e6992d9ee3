"""What moved in the data set between the commit that is pinned and the branch's head, split by split."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import polars as pl

from pipeline.dataset import personal_data
from pipeline.errors import BrokenChain, InvalidData
from pipeline.hub import Hub
from pipeline.params import Params
from pipeline.params.card import policy
from pipeline.records import Pin
from pipeline.records.tables import text_columns
from pipeline.stages.pin import dataset_rows
from pipeline.stages.pin.tables import splits
from pipeline.workspace import holdout, paths
from pipeline.workspace.files import write_text

# For whoever shows it: the run that called `refresh`.
FILE = Path(".dvc", "tmp", "moved_rows.json")
_EXAMPLES = 10


@dataclass(frozen=True)
class SplitMoves:
    """What moved in one split, by the texts of its rows.

    Attributes:
        added: Rows whose texts were not there, and whose query neither.
        removed: Rows whose texts are gone, and whose query too.
        changed: Rows whose query stays with other texts.
        before: Rows at the pinned commit, equal ones counted once.
        after: The same at the head.
    """

    added: int
    removed: int
    changed: int
    before: int
    after: int


@dataclass(frozen=True)
class MovedRows:
    """What moved.

    Attributes:
        before: The pinned commit.
        after: The head.
        splits: By split.
        examples: Texts of rows that are new, as far as the card may show rows of this data set.
    """

    before: str
    after: str
    splits: dict[str, SplitMoves]
    examples: list[list[str]]

    @property
    def new(self) -> int:
        """How many rows are new: added or changed."""
        return sum(one.added + one.changed for one in self.splits.values())


def compare(workspace: Path, params: Params, hub: Hub, head: str) -> MovedRows | None:
    """Read the head's rows and hold them against those that `pin` left here.

    Returns:
        None where `pin` has not left the rows of the pinned commit, or the head's cannot be read, of which
        `pin` says why.

    Raises:
        HubError: The Hub was not reached.
    """
    try:
        pinned = Pin.load(workspace / paths.RECORDS["pin"])
        old = {name: pl.read_parquet(workspace / paths.RAW / f"{name}.parquet") for name in splits.SPLITS}
    except (BrokenChain, OSError, pl.exceptions.PolarsError):
        return None
    if pinned.dataset.ref().revision != params.dataset.revision:
        return None
    dataset = params.dataset.model_copy(update={"revision": head})
    try:
        found = dataset_rows.fetch(hub, dataset, params.pin, holdout.known(workspace))
    except InvalidData:
        return None
    new = found.division.frames
    shown = policy(params.card, found.download.pinned.private) == "all"
    return MovedRows(
        before=params.dataset.revision,
        after=head,
        splits={name: between(old[name], new[name]) for name in splits.SPLITS},
        examples=_examples(old, new, params) if shown else [],
    )


def between(old: pl.DataFrame, new: pl.DataFrame) -> SplitMoves:
    """Count what moved in one split."""
    before, after = _contents(old), _contents(new)
    gone = before.join(after, on="content", how="anti").group_by("query").len("gone")
    come = after.join(before, on="content", how="anti").group_by("query").len("come")
    both = gone.join(come, on="query", how="inner")
    changed = int(both.select(pl.min_horizontal("gone", "come").sum()).item())
    return SplitMoves(
        added=int(come["come"].sum()) - changed,
        removed=int(gone["gone"].sum()) - changed,
        changed=changed,
        before=before.height,
        after=after.height,
    )


def keep(workspace: Path, moved: MovedRows | None) -> None:
    """Write what moved where a run finds it; nothing where nobody knows."""
    path = workspace / FILE
    path.unlink(missing_ok=True)
    if moved is not None and path.parent.parent.is_dir():
        write_text(path, json.dumps(asdict(moved), ensure_ascii=False))


def read(workspace: Path) -> MovedRows | None:
    """Return what `keep` wrote; None where it wrote nothing."""
    try:
        found = json.loads((workspace / FILE).read_text("utf-8"))
        parts = {name: SplitMoves(**one) for name, one in found.pop("splits").items()}
        return MovedRows(splits=parts, **found)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _contents(frame: pl.DataFrame) -> pl.DataFrame:
    """Return query and all texts of each row, equal rows once."""
    texts = [pl.col(column).fill_null("") for column in text_columns(frame.columns)]
    return frame.select("query", content=pl.concat_str(texts, separator="\x1f")).unique("content")


def _examples(
    old: Mapping[str, pl.DataFrame], new: Mapping[str, pl.DataFrame], params: Params
) -> list[list[str]]:
    """Return new rows without personal data."""
    found: list[list[str]] = []
    for name in splits.SPLITS:
        come = _contents(new[name]).join(_contents(old[name]), on="content", how="anti").sort("content")
        for content in come["content"]:
            texts = content.split("\x1f")
            if len(found) < _EXAMPLES and not any(
                personal_data.found(text, params.dataset.languages) for text in texts
            ):
                found.append([name, *texts])
    return found
