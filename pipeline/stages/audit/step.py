"""Step `audit`: what is wrong with rows and between splits; a rejected row keeps its reason and its partner.

Texts stay on disk: a split is read in portions, and only hashes of its texts are held for all rows.
"""

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from pipeline.dataset import language
from pipeline.dataset.normalize import sameness
from pipeline.dataset.parquet import portions
from pipeline.params import Params
from pipeline.params.audit import AuditParams
from pipeline.records import Audit, Shortcut, SplitAudit
from pipeline.records.tables import negative_columns, text_columns
from pipeline.stages.audit import (
    clean_rows,
    leakage,
    rejected_rows,
    row_checks,
    row_metadata,
    shortcut,
    token_lengths,
)
from pipeline.stages.audit.row_checks import ScannedSplit
from pipeline.stages.audit.token_lengths import Reader
from pipeline.workspace import lineage, paths

# The splits behind each one, in the order in which they are scanned: a row behind is kept, and its copy in
# front is the leak.
_BEHIND = {"test": (), "dev": ("test",), "train": ("dev", "test")}
_SPLITS = ("train", "dev", "test")
_HELD_OUT = ("dev", "test")


def run(workspace: Path, params: Params) -> Audit:
    """Audit `data/raw`, and write `data/clean`, `data/rejected.parquet` and `data/traits.parquet`.

    Raises:
        InvalidData: A split has no clean row left, a finding's policy is to refuse, or the base has no
            tokenizer that can be read.
    """
    before = lineage.opened(workspace, "audit")
    record = audit(
        workspace,
        params.audit,
        prompts=params.model.prompts.model_dump(),
        max_seq_length=params.model.max_seq_length,
        revision=params.dataset.revision,
        slices=params.dataset.slices,
        languages=params.dataset.languages,
    )
    return lineage.seal(workspace, before, record)


def summary(audit: Audit) -> str:
    """Return a line per split: the rows that were kept, and what was found in the others."""
    lines = []
    for name, split in audit.splits.items():
        found = {reason: count for reason, count in split.found.items() if count}
        told = ", ".join(f"{reason} {count}" for reason, count in found.items()) or "nothing"
        lines.append(f"{name:<6} {split.kept} of {split.rows} rows kept; found: {told}")
    return "\n".join(lines)


def audit(
    workspace: Path,
    params: AuditParams,
    *,
    prompts: Mapping[str, str],
    max_seq_length: int,
    revision: str,
    languages: tuple[str, ...],
    slices: tuple[str, ...] = (),
) -> Audit:
    """Find what is wrong, drop or refuse what `params.policies` says, and write what is left.

    Args:
        workspace: Holds the raw splits and the base, and gets the clean splits, the rejected rows and the
            traits.
        params: The section `audit` of params.yaml.
        prompts: What stands in front of a `query` and of a `document`.
        max_seq_length: Tokens that the model reads of a text.
        revision: Commit of the data set: rows that were first seen there are new.
        languages: Of the data set: when two texts are one, and what in them is personal.
        slices: Columns that go into the traits.

    Returns:
        The record, not sealed yet.

    Raises:
        InvalidData: As `run` does.
    """
    shutil.rmtree(workspace / paths.CLEAN, ignore_errors=True)
    (workspace / paths.CLEAN).mkdir(parents=True)
    foldings = language.foldings(languages)
    splits, near = _scan(workspace, params, foldings, languages)
    reader = Reader(token_lengths.tokenizer(workspace / paths.BASE), prompts, max_seq_length)
    reasons = {name: clean_rows.reasons(splits[name], params.policies) for name in _SPLITS}
    counted = _write_clean(workspace, splits, near, reasons, reader)
    traits, shortcuts = _describe_held_out(
        workspace, params, splits, near["train"], reasons, revision=revision, slices=slices, foldings=foldings
    )
    return _record(workspace, splits, counted, traits, shortcuts, languages, reasons["train"])


def _scan(
    workspace: Path, params: AuditParams, foldings: Sequence[str], languages: Sequence[str]
) -> tuple[dict[str, ScannedSplit], dict[str, pl.DataFrame]]:
    """Look at every row, and compare each split with those behind it.

    Returns:
        The splits with their findings, and near-duplicate pairs of those that were compared, by name.
    """
    texts = (
        rows[column]
        for name in _SPLITS
        for rows in portions(workspace / paths.RAW / f"{name}.parquet")
        for column in text_columns(rows.columns)
    )
    same = sameness(texts, foldings)
    splits: dict[str, ScannedSplit] = {}
    near: dict[str, pl.DataFrame] = {}
    for name, behind in _BEHIND.items():
        splits[name] = row_checks.scan(
            name, workspace / paths.RAW / f"{name}.parquet", params, same, languages
        )
        if behind:
            splits[name], near[name] = leakage.cross(
                splits[name], [splits[other] for other in behind], params.near_duplicates, foldings
            )
    return splits, near


def _write_clean(
    workspace: Path,
    splits: Mapping[str, ScannedSplit],
    near: Mapping[str, pl.DataFrame],
    reasons: Mapping[str, pl.Series],
    reader: Reader,
) -> dict[str, SplitAudit]:
    """Write the clean splits, and every rejected row with its reason and its partner; count both."""
    counted: dict[str, SplitAudit] = {}
    rejected = []
    for name in _SPLITS:
        kept = int(reasons[name].is_null().sum())
        measures = {
            column: reader.measure(column, kept) for column in text_columns(splits[name].keys.columns)
        }
        path = paths.clean(workspace, name)
        leaving, groups = clean_rows.write(splits[name], reasons[name], path, measures)
        behind = [splits[other] for other in _BEHIND[name]]
        rejected.append(rejected_rows.find(leaving, splits[name], behind, near.get(name)))
        counted[name] = SplitAudit(
            rows=len(reasons[name]),
            kept=kept,
            groups=groups,
            components=0,  # counted of the held-out splits only
            found={finding: int(flags.sum()) for finding, flags in splits[name].flags.to_dict().items()},
            dropped=clean_rows.counts(reasons[name]),
            tokens={column: measure.lengths() for column, measure in measures.items()},
        )
    pl.concat(rejected).write_parquet(workspace / paths.REJECTED)
    return counted


def _describe_held_out(
    workspace: Path,
    params: AuditParams,
    splits: Mapping[str, ScannedSplit],
    near: pl.DataFrame,
    reasons: Mapping[str, pl.Series],
    *,
    revision: str,
    slices: Sequence[str],
    foldings: Sequence[str],
) -> tuple[dict[str, pl.DataFrame], dict[str, Shortcut]]:
    """Write what the verdict must know of each clean held-out row, and say how far the shortcuts come.

    Args:
        workspace: Holds the clean splits.
        params: The section `audit` of params.yaml.
        splits: By name.
        near: The near-duplicate pairs of train.
        reasons: Why each raw row left; null where it stays.
        revision: Rows first seen at this commit are new.
        slices: Columns that go into the traits.
        foldings: Of the data set's languages; words are compared as the first one folds them.
    """
    learnt = shortcut.sample(paths.clean(workspace, "train"), params.shortcut.max_train_rows)
    traits: dict[str, pl.DataFrame] = {}
    shortcuts: dict[str, Shortcut] = {}
    for name in _HELD_OUT:
        split, kept = splits[name], reasons[name].is_null()
        clean = pl.read_parquet(paths.clean(workspace, name))
        pairs = not negative_columns(clean.columns)
        margins, bm25 = shortcut.word_margins(learnt, clean, foldings[0]), shortcut.bm25(clean, foldings[0])
        words = margins > 0
        near_train = leakage.near_train(split, splits["train"], reasons["train"].is_null(), near)
        traits[name] = row_metadata.table(
            name,
            clean,
            pl.read_parquet(split.path, columns=["first_seen", *slices]).filter(kept),
            split.flags.select("personal_data").with_columns(near_train=near_train).filter(kept),
            shortcut.hard(words, bm25) & (not pairs),
            revision,
            slices,
            params.near_duplicates,
            foldings,
        )
        if pairs:
            continue  # there is nothing to tell positives from
        shares = float(words.mean()), float(bm25.mean())
        shortcuts[name] = Shortcut(
            bag_of_words=shares[0],
            misled=float((margins < 0).mean()),
            misled_by_chance=shortcut.misled_by_chance(clean.height, len(negative_columns(clean.columns))),
            bm25=shares[1],
            hard_rows=int(traits[name]["hard"].sum()),
            warn_above=params.shortcut.warn_above,
            warned=max(shares) > params.shortcut.warn_above,
        )
    pl.concat(traits.values()).write_parquet(workspace / paths.TRAITS)
    return traits, shortcuts


def _record(
    workspace: Path,
    splits: Mapping[str, ScannedSplit],
    counted: Mapping[str, SplitAudit],
    traits: Mapping[str, pl.DataFrame],
    shortcuts: dict[str, Shortcut],
    languages: Sequence[str],
    train_reasons: pl.Series,
) -> Audit:
    personal: Counter[str] = Counter()
    for name in _SPLITS:
        personal.update(splits[name].personal)
    components = {name: table["component"].n_unique() for name, table in traits.items()}
    rows = sum(one.rows for one in counted.values())
    return Audit(
        splits={
            name: one.model_copy(update={"components": components.get(name, one.components)})
            for name, one in counted.items()
        },
        shortcut=shortcuts,
        personal_data=dict(sorted(personal.items())),
        near_train={name: int(table["near_train"].sum()) for name, table in traits.items()},
        test_digest=clean_rows.digest(paths.clean(workspace, "test"), language.foldings(languages)[0]),
        rejected_share=(rows - sum(one.kept for one in counted.values())) / rows,
        languages_without_module=language.without_module(languages),
        repeated=clean_rows.repeated(splits["train"].keys, train_reasons.is_null()),
    )
