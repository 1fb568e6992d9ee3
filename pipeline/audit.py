"""Step `audit`: exact checks on every row; a rejected row keeps its reason and leaves its split."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from pipeline import stages
from pipeline.errors import InvalidData
from pipeline.folding import folded
from pipeline.params import Params
from pipeline.params.audit import AuditParams
from pipeline.records import Audit, Lengths, SplitAudit

COLUMNS = ("query", "positive", "negative")
# A row of one of these splits is kept, and its copy in an earlier one is the leak.
HELD_OUT = {"train": ("dev", "test"), "dev": ("test",), "test": ()}


def run(workspace: Path, params: Params) -> Audit:
    """Audit `data/raw`, and write `data/clean` and `data/rejected.parquet`."""
    raw = {name: pl.read_parquet(workspace / "data" / "raw" / f"{name}.parquet") for name in HELD_OUT}
    clean, rejected, record = audit(raw, params.audit)
    folder = workspace / "data" / "clean"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, rows in clean.items():
        rows.write_parquet(folder / f"{name}.parquet")
    rejected.write_parquet(workspace / "data" / "rejected.parquet")
    return stages.seal(workspace, "audit", record)


def audit(
    raw: dict[str, pl.DataFrame], params: AuditParams
) -> tuple[dict[str, pl.DataFrame], pl.DataFrame, Audit]:
    """Find what is wrong with rows, and drop those whose reason `params.drop` names.

    Args:
        raw: Per split: row, query, positive, negative, group.
        params: The section `audit` of params.yaml.

    Returns:
        The clean splits, the rejected rows (with `split` and `reason`, the first that applied), the record.

    Raises:
        InvalidData: A split has no clean row left.
    """
    keys = {name: _keyed(rows) for name, rows in raw.items()}
    clean: dict[str, pl.DataFrame] = {}
    rejected: list[pl.DataFrame] = []
    splits: dict[str, SplitAudit] = {}
    for name, rows in keys.items():
        flags = _flags(rows, [keys[other] for other in HELD_OUT[name]], params.max_characters)
        reasons = [pl.when(pl.col(kind)).then(pl.lit(kind)) for kind in flags.columns if kind in params.drop]
        reason = pl.coalesce(*reasons, pl.lit(None, dtype=pl.String))
        marked = raw[name].with_columns(reason=flags.with_columns(reason.alias("reason"))["reason"])
        clean[name] = marked.filter(pl.col("reason").is_null()).drop("reason")
        out = marked.filter(pl.col("reason").is_not_null()).with_columns(split=pl.lit(name))
        rejected.append(out)
        if clean[name].is_empty():
            raise InvalidData(
                f"of {rows.height} rows of the split {name} none is clean; wanted at least one. "
                f"Reasons: {_counts(out['reason'])}. Correct the data set, or audit.drop"
            )
        splits[name] = SplitAudit(
            rows=rows.height,
            kept=clean[name].height,
            groups=clean[name]["group"].n_unique(),
            found={kind: int(flags[kind].sum()) for kind in flags.columns},
            dropped=_counts(out["reason"]),
            characters={column: _lengths(clean[name][column]) for column in COLUMNS},
        )
    rows_in = sum(one.rows for one in splits.values())
    kept = sum(one.kept for one in splits.values())
    return clean, pl.concat(rejected), Audit(splits=splits, rejected_share=(rows_in - kept) / rows_in)


def _keyed(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(folded(pl.col(column)).alias(f"{column}_key") for column in COLUMNS)


def _flags(rows: pl.DataFrame, held_out: Sequence[pl.DataFrame], max_characters: int) -> pl.DataFrame:
    """Give one boolean column per reason, in the order in which they are asked."""
    query, positive, negative = (pl.col(f"{column}_key") for column in COLUMNS)
    elsewhere_queries = pl.concat([other["query_key"] for other in held_out]) if held_out else None
    pairs = rows.select(query.alias("query_key"), negative.alias("positive_key")).unique()
    contradicted = rows.join(pairs, on=["query_key", "positive_key"], how="semi")["row"]
    # Both rows of a contradiction are suspect: the one that calls the pair positive, and the other.
    positives = rows.select(query.alias("query_key"), positive.alias("negative_key")).unique()
    contradicting = rows.join(positives, on=["query_key", "negative_key"], how="semi")["row"]
    return rows.select(
        empty=pl.any_horizontal(pl.col(f"{column}_key") == "" for column in COLUMNS),
        too_long=pl.any_horizontal(pl.col(column).str.len_chars() > max_characters for column in COLUMNS),
        same_query_positive=query == positive,
        same_query_negative=query == negative,
        same_positive_negative=positive == negative,
        duplicate=~pl.struct(query, positive, negative).is_first_distinct(),
        contradiction=pl.col("row").is_in(pl.concat([contradicted, contradicting]).implode()),
        leak=query.is_in(elsewhere_queries.implode()) if elsewhere_queries is not None else pl.lit(False),
    )


def _counts(reasons: pl.Series) -> dict[str, int]:
    return {reason: int(count) for reason, count in sorted(reasons.value_counts().iter_rows())}


def _lengths(texts: pl.Series) -> Lengths:
    lengths = texts.str.len_chars().cast(pl.Int64).to_list()
    return Lengths(min=min(lengths), mean=sum(lengths) / len(lengths), max=max(lengths))
