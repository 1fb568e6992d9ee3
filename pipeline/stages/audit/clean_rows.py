"""Which rows stay, and their files: a split is read and written a portion at a time."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from pipeline.dataset.normalize import folded
from pipeline.dataset.parquet import copied, portions
from pipeline.errors import InvalidData
from pipeline.params.audit import Policies
from pipeline.records.tables import text_columns
from pipeline.stages.audit.row_checks import ScannedSplit
from pipeline.stages.audit.token_lengths import Measure
from pipeline.workspace import digests

_RARE = 4096


def reasons(split: ScannedSplit, policies: Policies) -> pl.Series:
    """Return why each row leaves: the first of its findings whose policy is to drop; null where it stays.

    Raises:
        InvalidData: A finding whose policy is to refuse stands in the split, or no row stays.
    """
    wanted: dict[str, str] = policies.model_dump()
    findings = [name for name in wanted if name in split.flags.columns]
    for finding in findings:
        rows = split.flags[finding].arg_true()
        if wanted[finding] == "refuse" and len(rows):
            first = ", ".join(map(str, rows.head(5)))
            raise InvalidData(
                f"the split {split.name} has {len(rows)} rows with the finding {finding}, first at {first}, "
                f"and audit.policies.{finding} is to refuse; wanted none. Correct the data set, or the policy"
            )
    dropping = [pl.when(pl.col(name)).then(pl.lit(name)) for name in findings if wanted[name] == "drop"]
    found = split.flags.select(reason=pl.coalesce(*dropping, pl.lit(None, dtype=pl.String)))["reason"]
    if not found.is_null().any():
        raise InvalidData(
            f"of {len(found)} rows of the split {split.name} none is clean; wanted at least one. "
            f"Reasons: {counts(found)}. Correct the data set, or audit.policies"
        )
    return found


def counts(reasons: pl.Series) -> dict[str, int]:
    """Count the rows that leave, by reason."""
    return {reason: int(count) for reason, count in sorted(reasons.drop_nulls().value_counts().iter_rows())}


def write(
    split: ScannedSplit, reasons: pl.Series, path: Path, measures: Mapping[str, Measure]
) -> tuple[pl.DataFrame, int]:
    """Write the rows that stay, and measure their texts.

    Args:
        split: The raw split.
        reasons: Why each row leaves; null where it stays.
        path: The file to write.
        measures: Take the texts that stay, by column.

    Returns:
        The rows that leave (row, the texts, group, reason, and `place` in the raw split), and the
        number of groups among those that stay.
    """
    begin = 0
    leaving, groups = [], []
    writer: pq.ParquetWriter | None = None
    for rows in portions(split.path):
        written = ["row", *text_columns(rows.columns), "group"]
        marked = rows.select(written).with_columns(
            reason=reasons[begin : begin + rows.height],
            place=pl.int_range(begin, begin + rows.height, dtype=pl.UInt32, eager=True),
        )
        begin += rows.height
        leaving.append(copied(marked.filter(pl.col("reason").is_not_null())))
        clean = marked.filter(pl.col("reason").is_null()).select(written)
        groups.append(clean["group"].hash(seed=1))
        for column, measure in measures.items():
            measure.add(clean[column].drop_nulls())
        table = clean.to_arrow()
        if writer is None:
            writer = pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()
    return pl.concat(leaving), pl.concat(groups).n_unique()


def repeated(keys: pl.DataFrame, kept: pl.Series) -> dict[str, dict[int, int]]:
    """Count which texts stand often in a column of a split: texts by how many rows they stand in.

    Args:
        keys: Hashes of the folded texts, by column.
        kept: Which rows are clean.

    Returns:
        Of each column those that stand there at least twice, and in more than one row of 4,096: rarer ones
        find room in every batch of up to 4,096 rows, and the record stays short.
    """
    least = max(2, int(kept.sum()) // _RARE + 1)
    found = {}
    for column in keys.columns:
        times = keys[column].filter(kept).drop_nulls().value_counts(name="times")["times"]
        often = times.filter(times >= least).value_counts(name="texts").sort("times")
        if often.height:
            found[column] = {int(one): int(texts) for one, texts in often.iter_rows()}
    return found


def digest(path: Path, folding: str) -> str:
    """Name the rows of a clean split: equal rows have one digest, in whatever order, at whatever commit."""
    rows = pl.read_parquet(path)
    texts = rows.select(folded(pl.col(name), folding) for name in text_columns(rows.columns))
    return digests.of_list(texts.sort(texts.columns).iter_rows())
