"""Step `audit`: what is wrong with rows and between splits; a rejected row keeps its reason and its partner.

Texts stay on disk: a split is read in portions, and only hashes of its texts are held for all rows.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from pipeline.dataset.normalize import folded
from pipeline.dataset.parquet import copied, portions
from pipeline.errors import InvalidData
from pipeline.params import Params
from pipeline.params.audit import AuditParams, Policies
from pipeline.params.pin import COLUMNS
from pipeline.records import Audit, Shortcut, SplitAudit
from pipeline.stages.audit import leakage, rejected_rows, row_checks, row_metadata, shortcut, token_lengths
from pipeline.stages.audit.row_checks import Split
from pipeline.workspace import digests, lineage

# A row of one of these splits is kept, and its copy in an earlier one is the leak.
HELD_OUT = {"test": (), "dev": ("test",), "train": ("dev", "test")}
_CLEAN = ("row", *COLUMNS, "group")


def run(workspace: Path, params: Params) -> Audit:
    """Audit `data/raw`, and write `data/clean`, `data/rejected.parquet` and `data/traits.parquet`."""
    prompts = params.model.prompts
    record = audit(
        workspace / "data" / "raw",
        workspace / "data",
        params.audit,
        base=workspace / "data" / "base",
        prompts={"query": prompts.query, "positive": prompts.document, "negative": prompts.document},
        max_seq_length=params.model.max_seq_length,
        revision=params.dataset.revision,
        slices=params.dataset.slices,
    )
    return lineage.seal(workspace, "audit", record)


def summary(audit: Audit) -> str:
    """Return a line per split: the rows that were kept, and what was found in the others."""
    lines = []
    for name, split in audit.splits.items():
        found = {reason: count for reason, count in split.found.items() if count}
        lines.append(f"{name:<6} {split.kept} of {split.rows} rows kept; found {json.dumps(found)}")
    return "\n".join(lines)


def audit(
    raw: Path,
    out: Path,
    params: AuditParams,
    *,
    base: Path,
    prompts: Mapping[str, str],
    max_seq_length: int,
    revision: str,
    slices: tuple[str, ...] = (),
) -> Audit:
    """Find what is wrong, drop or refuse what `params.policies` says, and write what is left.

    Args:
        raw: Folder of train, dev and test as `pin` wrote them.
        out: Gets `clean/`, `rejected.parquet` and `traits.parquet`.
        params: The section `audit` of params.yaml.
        base: Folder of the base, whose tokens are counted.
        prompts: What stands in front of a text, by column.
        max_seq_length: Tokens that the model reads of a text.
        revision: Commit of the data set: rows that were first seen there are new.
        slices: Columns that go into the traits.

    Returns:
        The record, not sealed yet.

    Raises:
        InvalidData: A split has no clean row left, or a finding's policy is to refuse.
    """
    shutil.rmtree(out / "clean", ignore_errors=True)
    (out / "clean").mkdir(parents=True)
    found: dict[str, Split] = {}
    pairs: dict[str, pl.DataFrame] = {}
    for name, later in HELD_OUT.items():
        found[name] = row_checks.scan(name, raw / f"{name}.parquet", params)
        if later:
            found[name], pairs[name] = leakage.cross(
                found[name], [found[other] for other in later], params.near_duplicates
            )
    tokenizer = token_lengths.tokenizer(base)
    reasons = {name: reason(found[name], params.policies) for name in found}
    splits: dict[str, SplitAudit] = {}
    rejected: list[pl.DataFrame] = []
    for name in ("train", "dev", "test"):
        kept = reasons[name].is_null()
        if not kept.any():
            raise InvalidData(
                f"of {len(kept)} rows of the split {name} none is clean; wanted at least one. "
                f"Reasons: {_counts(reasons[name])}. Correct the data set, or audit.policies"
            )
        measures = {
            column: token_lengths.Measure(tokenizer, prompts[column], max_seq_length, rows=int(kept.sum()))
            for column in COLUMNS
        }
        out_rows, groups = _write(found[name], reasons[name], out / "clean" / f"{name}.parquet", measures)
        others = [found[other] for other in HELD_OUT[name]]
        rejected.append(rejected_rows.find(out_rows, found[name], others, pairs.get(name)))
        splits[name] = SplitAudit(
            rows=len(kept),
            kept=int(kept.sum()),
            groups=groups,
            components=0,
            found={kind: int(found[name].flags[kind].sum()) for kind in found[name].flags.columns},
            dropped=_counts(reasons[name]),
            tokens={column: measure.lengths() for column, measure in measures.items()},
        )
    pl.concat(rejected).write_parquet(out / "rejected.parquet")

    learnt = shortcut.sample(out / "clean" / "train.parquet", params.shortcut.max_train_rows)
    tables = {}
    shortcuts = {}
    for name in ("dev", "test"):
        kept = reasons[name].is_null()
        clean = pl.read_parquet(out / "clean" / f"{name}.parquet")
        words, bm25 = shortcut.bag_of_words(learnt, clean), shortcut.bm25(clean)
        near = leakage.near_train(found[name], found["train"], reasons["train"].is_null(), pairs["train"])
        flags = found[name].flags.select("personal_data").with_columns(near_train=near)
        tables[name] = row_metadata.table(
            name,
            clean,
            pl.read_parquet(raw / f"{name}.parquet", columns=["first_seen", *slices]).filter(kept),
            flags.filter(kept),
            ~(words | bm25),
            revision,
            slices,
            params.near_duplicates,
        )
        splits[name] = splits[name].model_copy(update={"components": tables[name]["component"].n_unique()})
        shares = float(words.mean()), float(bm25.mean())
        shortcuts[name] = Shortcut(
            bag_of_words=shares[0],
            bm25=shares[1],
            hard_rows=int(tables[name]["hard"].sum()),
            warn_above=params.shortcut.warn_above,
            warned=max(shares) > params.shortcut.warn_above,
        )
    pl.concat(tables.values()).write_parquet(out / "traits.parquet")
    rows_in = sum(one.rows for one in splits.values())
    kinds = sorted({kind for split in found.values() for kind in split.personal})
    return Audit(
        splits=splits,
        shortcut=shortcuts,
        personal_data={kind: sum(split.personal.get(kind, 0) for split in found.values()) for kind in kinds},
        near_train={name: int(table["near_train"].sum()) for name, table in tables.items()},
        test_digest=_digest(out / "clean" / "test.parquet"),
        rejected_share=(rows_in - sum(one.kept for one in splits.values())) / rows_in,
    )


def reason(split: Split, policies: Policies) -> pl.Series:
    """Name why each row leaves: the first of its findings whose policy is to drop; null where it stays.

    Raises:
        InvalidData: A finding whose policy is to refuse stands in the split.
    """
    wanted: dict[str, str] = policies.model_dump()
    kinds = [kind for kind in wanted if kind in split.flags.columns]
    for kind in kinds:
        rows = split.flags[kind].arg_true()
        if wanted[kind] == "refuse" and len(rows):
            first = ", ".join(map(str, rows.head(5)))
            raise InvalidData(
                f"the split {split.name} has {len(rows)} rows with the finding {kind}, first at {first}, and "
                f"audit.policies.{kind} is to refuse; wanted none. Correct the data set, or the policy"
            )
    dropping = [pl.when(pl.col(kind)).then(pl.lit(kind)) for kind in kinds if wanted[kind] == "drop"]
    return split.flags.select(reason=pl.coalesce(*dropping, pl.lit(None, dtype=pl.String)))["reason"]


def _write(
    split: Split, reasons: pl.Series, path: Path, measures: Mapping[str, token_lengths.Measure]
) -> tuple[pl.DataFrame, int]:
    """Write the clean rows, portion by portion; give the others with their reasons, and count the groups."""
    begin = 0
    leaving, groups = [], []
    writer: pq.ParquetWriter | None = None
    for rows in portions(split.path):
        marked = rows.select(_CLEAN).with_columns(
            reason=reasons[begin : begin + rows.height],
            place=pl.int_range(begin, begin + rows.height, dtype=pl.UInt32, eager=True),
        )
        begin += rows.height
        leaving.append(copied(marked.filter(pl.col("reason").is_not_null())))
        clean = marked.filter(pl.col("reason").is_null()).select(_CLEAN)
        groups.append(clean["group"].hash(seed=1))
        for column, measure in measures.items():
            measure.add(clean[column])
        table = clean.to_arrow()
        if writer is None:
            writer = pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()
    return pl.concat(leaving), pl.concat(groups).n_unique()


def _counts(reasons: pl.Series) -> dict[str, int]:
    return {reason: int(count) for reason, count in sorted(reasons.drop_nulls().value_counts().iter_rows())}


def _digest(test: Path) -> str:
    """Name the test rows: equal rows have one digest, in whatever order and at whatever commit."""
    texts = pl.read_parquet(test, columns=list(COLUMNS)).select(folded(pl.col(name)) for name in COLUMNS)
    return digests.of_list(texts.sort(COLUMNS).iter_rows())
