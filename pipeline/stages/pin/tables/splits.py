"""The data set's rows as train, dev and test: mapped, cut, and held to the ledger."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from pipeline.dataset import language
from pipeline.dataset.normalize import linked, replaced
from pipeline.errors import InvalidData
from pipeline.params.pin import CutParams, DatasetParams
from pipeline.records import PinnedSplit
from pipeline.records.tables import negative_columns, text_columns
from pipeline.stages.pin.tables.rows import Loaded
from pipeline.stages.pin.tables.split_columns import key_column, read, unused

# In this order a group that the data set has in two splits belongs to the later one.
SPLITS = ("train", "dev", "test")
_TRAIN = SPLITS.index("train")


@dataclass(frozen=True)
class Division:
    """The three splits, where their rows come from, and the groups that are held out for the first time.

    Attributes:
        frames: By split: `row`, the texts, `group`, `first_seen` and the columns of `dataset.slices`.
        origins: By split, for the record.
        newly_held: `group`, `split` and `folding`, to be appended to the ledger.
        unused: Columns of the data set that no step reads.
    """

    frames: dict[str, pl.DataFrame]
    origins: dict[str, PinnedSplit]
    newly_held: pl.DataFrame
    unused: tuple[str, ...]


def divide(found: Loaded, params: DatasetParams, cut: CutParams, ledger: pl.DataFrame) -> Division:
    """Map the data set's splits to ours, cut those that it does not have, and hold all to the ledger.

    A cut takes whole groups out of train, by a salted hash: no query stands in two splits, and the same rows
    give the same splits on any machine. A group that the ledger knows from another commit stands where the
    ledger says, all its rows with it. One that this commit held out first stays as the data set has it, rows
    of it in train included: those are leaks, which `audit` reports with their partner.

    Args:
        found: The data set.
        params: The section `dataset`.
        cut: Shares and salt of the splits that are cut.
        ledger: As `pipeline.workspace.holdout.known` gives it.

    Raises:
        InvalidData: A split or column is missing, a split is empty, or a column holds no strings.
    """
    names: dict[str, str | None] = params.splits.model_dump()
    sources = {ours: theirs for ours, theirs in names.items() if theirs is not None}
    parts = []
    for ours, theirs in sources.items():
        if theirs not in found.splits:
            _refuse_absent(found, ours, theirs, params)
        part = read(found.splits[theirs], theirs, params)
        here = pl.lit(SPLITS.index(ours), dtype=pl.UInt8)
        parts.append(part.with_columns(source=here, given=here))
    heights = {ours: part.height for ours, part in zip(sources, parts, strict=True)}
    foldings = language.foldings(params.languages)
    rows = _grouped(_together(parts), foldings)
    cut_out = _cut(rows["group"].head(heights["train"]), cut, names)
    rows = rows.with_columns(given=cut_out.append(rows["given"].slice(heights["train"])))
    known = _known(rows, ledger, foldings)
    rows = _placed(rows, known, params.revision)
    return Division(
        {name: _numbered(rows, name, names, heights, params) for name in SPLITS},
        {
            name: PinnedSplit(
                source=names[name] or params.splits.train,
                cut=names[name] is None,
                files=found.files[names[name] or params.splits.train],
                rows=rows.filter(pl.col("place") == place).height,
                moved_in=rows.filter((pl.col("place") == place) & (pl.col("given") != place)).height,
                moved_out=rows.filter((pl.col("place") != place) & (pl.col("given") == place)).height,
            )
            for place, name in enumerate(SPLITS)
        },
        _newly_held(rows, known, ledger, foldings),
        tuple(sorted(set.union(*(unused(found.splits[one], params) for one in sources.values())))),
    )


def _grouped(rows: pl.DataFrame, foldings: Sequence[str]) -> pl.DataFrame:
    """Return the rows with their `group`, named by the smallest first key of those that are one group."""
    keys = rows.select(pl.col(key_column(one)).alias(one) for one in foldings)
    return rows.with_columns(group=replaced(keys[foldings[0]], linked(keys)))


def _known(rows: pl.DataFrame, ledger: pl.DataFrame, foldings: Sequence[str]) -> pl.DataFrame:
    """Return what the ledger says of the rows' groups: `group`, `commit` of its oldest line, and `held`.

    Of groups that the ledger knows apart, and a language that came later makes one, the later split has all.
    """
    held = pl.col("split").replace_strict(
        {name: place for place, name in enumerate(SPLITS)}, return_dtype=pl.UInt8
    )
    lines = ledger.with_row_index("line").with_columns(held=held)
    found = [
        lines.filter(pl.col("folding") == one)
        .rename({"group": "key"})
        .join(rows.select("group", key=key_column(one)).unique(), on="key")
        .select("line", "group", "commit", "held")
        for one in foldings
    ]
    return (
        pl.concat(found)
        .sort("line")
        .group_by("group", maintain_order=True)
        .agg(pl.col("commit").first(), pl.col("held").max())
    )


def _newly_held(
    rows: pl.DataFrame, known: pl.DataFrame, ledger: pl.DataFrame, foldings: Sequence[str]
) -> pl.DataFrame:
    """Return the lines that the ledger lacks of the groups that are held out from now on."""
    listed = rows.filter("listed")
    new = (
        listed.filter(pl.col("commit").is_null() & (pl.col("given") > _TRAIN))
        .group_by("group")
        .agg(held=pl.col("given").max())
    )
    splits = pl.concat([known.select("group", "held"), new])
    return pl.concat(
        listed.select("group", key=key_column(one))
        .unique()
        .join(splits, on="group")
        .select(group="key", split=_name(pl.col("held")), folding=pl.lit(one))
        .join(ledger, on=["group", "folding"], how="anti")
        for one in foldings
    )


def _refuse_absent(found: Loaded, ours: str, theirs: str, params: DatasetParams) -> None:
    """Say which splits there are; where the names of the files made them, also of which files."""
    there = ", ".join(
        name if found.declared else f"{name} (of {_named(files)})"
        for name, files in sorted(found.files.items())
    )
    remedies = [f"Correct dataset.splits.{ours}"]
    if ours != "train":
        remedies.append("set it to null to cut it out of train")
    if not found.declared:
        remedies.append(
            "say in the data set's README which files make which split, under `configs`: "
            "`data_files: [{split: …, path: …}]`"
        )
    raise InvalidData(
        f"data set {params.repo} has the splits {there}; wanted {theirs!r} for {ours}. "
        f"{', or '.join(remedies)}"
    )


def _named(files: Sequence[str]) -> str:
    more = f" and {len(files) - 5} more" if len(files) > 5 else ""
    return f"{', '.join(files[:5])}{more}"


def _together(parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Put the splits one behind the other; one whose rows have fewer negatives has nulls for the others."""
    names = max((negative_columns(part.columns) for part in parts), key=len)
    nothing = pl.lit(None, dtype=pl.String)
    filled = [
        part.with_columns(nothing.alias(name) for name in names if name not in part.columns) for part in parts
    ]
    return pl.concat([part.select(filled[0].columns) for part in filled], rechunk=False)


def _cut(groups: pl.Series, cut: CutParams, names: Mapping[str, str | None]) -> pl.Series:
    """Return for each row of the data set's train split where it goes."""
    given = pl.repeat(_TRAIN, len(groups), dtype=pl.UInt8)
    edge = 0.0
    for ours, share in (("dev", cut.dev_share), ("test", cut.test_share)):
        if names[ours] is None:
            inside = (pl.col("hash") >= edge) & (pl.col("hash") < edge + share)
            given = pl.when(inside).then(pl.lit(SPLITS.index(ours), dtype=pl.UInt8)).otherwise(given)
            edge += share
    hashes = [_unit_hash(group, cut.salt) for group in groups] if edge else [1.0] * len(groups)
    return pl.DataFrame({"hash": hashes}).select(given=given)["given"]


def _unit_hash(group: str, salt: str) -> float:
    """Return the place of a group in [0, 1), the same for ever."""
    return int.from_bytes(hashlib.sha256(f"{salt}:{group}".encode()).digest()[:6]) / 2**48


def _placed(rows: pl.DataFrame, known: pl.DataFrame, revision: str) -> pl.DataFrame:
    """Return each row with where it stands (`place`), and what the ledger knows of its group (`commit`).

    A group that this very commit held out first is the data set's own to place, as long as it still holds it
    out there: after another cut or other split names the ledger decides.
    """
    highest = rows.group_by("group").agg(highest=pl.col("given").max())
    known = known.join(highest, on="group", how="inner")
    as_given = (pl.col("commit") == revision) & (pl.col("highest") == pl.col("held"))
    known = known.select("group", "commit", held=pl.when(as_given).then(None).otherwise(pl.col("held")))
    joined = rows.join(known, on="group", how="left", maintain_order="left")
    return joined.with_columns(place=pl.coalesce("held", "given"))


def _numbered(
    rows: pl.DataFrame,
    name: str,
    names: Mapping[str, str | None],
    heights: Mapping[str, int],
    params: DatasetParams,
) -> pl.DataFrame:
    """Return one split's frame; a row out of another split of the data set is numbered on behind its own."""
    own = name if names[name] is not None else "train"
    offsets, behind = {SPLITS.index(own): 0}, heights[own]
    for source, height in heights.items():
        if source != own:
            offsets[SPLITS.index(source)] = behind
            behind += height
    found = rows.filter(pl.col("place") == SPLITS.index(name))
    if found.is_empty():
        raise InvalidData(
            f"the split {name} of data set {params.repo} has no rows; wanted at least one. "
            "Pin a commit that has some, or enlarge the shares in pin.cut"
        )
    first_seen = (
        pl.lit(None, dtype=pl.String) if name == "train" else pl.col("commit").fill_null(params.revision)
    )
    number = pl.col("row") + pl.col("source").replace_strict(offsets, return_dtype=pl.UInt32)
    return (
        found.with_columns(row=number.cast(pl.UInt32), first_seen=first_seen)
        .select("row", *text_columns(found.columns), "group", "first_seen", *params.slices)
        .sort("row")
    )


def _name(place: pl.Expr) -> pl.Expr:
    return place.replace_strict(dict(enumerate(SPLITS)), return_dtype=pl.String)
