"""Every reason for which a row leaves, and what stays."""

import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline import audit as step
from pipeline.audit import audit
from pipeline.errors import InvalidData
from pipeline.params import load
from pipeline.params.audit import AuditParams
from pipeline.records import Audit
from pipeline.stages import RECORDS

REASONS = (
    "empty",
    "too_long",
    "same_query_positive",
    "same_query_negative",
    "same_positive_negative",
    "duplicate",
    "contradiction",
    "leak",
)
Row = tuple[str, str, str]


def params(*drop: str, max_characters: int = 100) -> AuditParams:
    values: dict[str, Any] = {"max_characters": max_characters, "drop": drop or REASONS}
    return AuditParams(**values)


def frame(*rows: Row) -> pl.DataFrame:
    columns = {name: [row[place] for row in rows] for place, name in enumerate(step.COLUMNS)}
    groups = pl.Series("group", [row[0].lower() for row in rows])
    return pl.DataFrame(columns).with_row_index("row").with_columns(groups)


def splits(*train: Row, dev: tuple[Row, ...] = (), test: tuple[Row, ...] = ()) -> dict[str, pl.DataFrame]:
    good = ("eğitim", "evet eğitim", "hayır eğitim")
    return {
        "train": frame(good, *train),
        "dev": frame(("doğrulama", "evet doğrulama", "hayır doğrulama"), *dev),
        "test": frame(("deneme", "evet deneme", "hayır deneme"), *test),
    }


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (("", "p", "n"), "empty"),
        (("q", " \t", "n"), "empty"),
        (("q", "p", "\u00a0\u2003"), "empty"),
        (("q", "p" * 101, "n"), "too_long"),
        (("KAMPANYASI ", "kampanyası", "n"), "same_query_positive"),
        (("iptal", "p", "İPTAL"), "same_query_negative"),
        (("q", "çok  iyi", "Çok iyi"), "same_positive_negative"),
        (("Eğitim", "evet  eğitim", "HAYIR EĞİTİM"), "duplicate"),
        (("DENEME", "p", "n"), "leak"),
        (("doğrulama", "p", "n"), "leak"),
    ],
)
def test_audit_rejects_a_row_with_its_reason(row: Row, reason: str) -> None:
    clean, rejected, record = audit(splits(row), params())
    assert clean["train"].height == 1
    assert rejected.select("split", "reason", "row", *step.COLUMNS).rows() == [("train", reason, 1, *row)]
    assert record.splits["train"].dropped == {reason: 1}
    assert record.splits["train"].found[reason] == 1


def test_audit_keeps_a_row_of_the_longest_length_that_is_allowed() -> None:
    clean, _, _ = audit(splits(("q", "p" * 100, "n")), params())
    assert clean["train"].height == 2


def test_audit_rejects_both_rows_of_a_contradiction() -> None:
    rows = (("iptal", "ücretsiz", "ücretli"), ("İPTAL", "bilinmiyor", "ÜCRETSİZ"))
    clean, rejected, record = audit(splits(*rows), params())
    assert clean["train"].height == 1
    assert rejected["reason"].to_list() == ["contradiction", "contradiction"]
    assert record.splits["train"].found["contradiction"] == 2


def test_audit_sees_no_contradiction_between_different_queries() -> None:
    clean, _, _ = audit(splits(("iptal", "a", "b"), ("tarife", "c", "a")), params())
    assert clean["train"].height == 3


def test_audit_leak_leaves_the_split_that_is_trained_on() -> None:
    shared = ("ortak", "p", "n")
    clean, rejected, _ = audit(splits(shared, dev=(shared,), test=(shared,)), params())
    assert [clean[name].height for name in ("train", "dev", "test")] == [1, 1, 2]
    assert rejected.select("split", "reason").rows() == [("train", "leak"), ("dev", "leak")]


def test_audit_leaves_no_query_in_two_splits() -> None:
    rows = tuple((f"soru {place % 7}", f"p {place}", f"n {place}") for place in range(30))
    clean, _, _ = audit(splits(*rows[:10], dev=rows[10:20], test=rows[20:]), params())
    groups = [set(clean[name]["group"]) for name in ("train", "dev", "test")]
    assert not (groups[0] & groups[1] | groups[0] & groups[2] | groups[1] & groups[2])


def test_audit_gives_the_first_reason_that_applies_and_counts_every_finding() -> None:
    _, rejected, record = audit(splits(("", "", "")), params())
    assert rejected["reason"].to_list() == ["empty"]
    found = record.splits["train"].found
    assert {reason for reason, count in found.items() if count} >= {
        "empty",
        "same_query_positive",
        "same_query_negative",
        "same_positive_negative",
    }


def test_audit_only_counts_what_drop_does_not_name() -> None:
    clean, rejected, record = audit(splits(("q", "q", "n"), ("", "p", "n")), params("empty"))
    assert clean["train"].height == 2
    assert rejected["reason"].to_list() == ["empty"]
    assert record.splits["train"].found["same_query_positive"] == 1
    assert "same_query_positive" not in record.splits["train"].dropped


def test_audit_takes_the_next_reason_where_the_first_is_not_dropped() -> None:
    _, rejected, _ = audit(splits(("q", "q", "q")), params("same_positive_negative"))
    assert rejected["reason"].to_list() == ["same_positive_negative"]


def test_audit_that_drops_nothing_keeps_every_row() -> None:
    nothing = AuditParams(max_characters=100, drop=())
    clean, rejected, record = audit(splits(("", "", ""), ("q", "q", "q")), nothing)
    assert clean["train"].height == 3
    assert rejected.is_empty()
    assert record.rejected_share == 0
    assert record.splits["train"].found["empty"] == 1


@pytest.mark.parametrize("reason", REASONS)
def test_audit_drops_for_each_reason_alone(reason: str) -> None:
    bad: tuple[Row, ...] = (
        ("", "p", "n"),
        ("q", "p" * 101, "n"),
        ("x", "x", "n"),
        ("y", "p", "y"),
        ("z", "p", "p"),
        ("eğitim", "evet eğitim", "hayır eğitim"),
        ("w", "a", "b"),
        ("w", "c", "a"),
        ("deneme", "p", "n"),
    )
    _, rejected, record = audit(splits(*bad), params(reason))
    assert set(rejected["reason"]) == {reason}
    assert rejected.height == record.splits["train"].found[reason]


def test_audit_refuses_a_split_without_a_clean_row() -> None:
    raw = splits() | {"dev": frame(("", "p", "n"), ("q", "q", "n"))}
    with pytest.raises(InvalidData, match="of 2 rows of the split dev none is clean") as caught:
        audit(raw, params())
    assert "'empty': 1" in str(caught.value)
    assert "'same_query_positive': 1" in str(caught.value)


def test_audit_share_of_rejected_rows_is_exact() -> None:
    rows = tuple((f"soru {place}", f"p {place}", f"n {place}") for place in range(96))
    _, _, record = audit(splits(*rows, ("", "p", "n")), params())
    assert record.rejected_share == 1 / 100


def test_audit_record_counts_what_was_written(finished: Path) -> None:
    record = Audit.load(finished / RECORDS["audit"])
    rejected = pl.read_parquet(finished / "data" / "rejected.parquet")
    for name, split in record.splits.items():
        raw = pl.read_parquet(finished / "data" / "raw" / f"{name}.parquet")
        clean = pl.read_parquet(finished / "data" / "clean" / f"{name}.parquet")
        out = rejected.filter(pl.col("split") == name)
        assert (split.rows, split.kept) == (raw.height, clean.height)
        assert sum(split.dropped.values()) == out.height == raw.height - clean.height
        assert split.groups == clean["group"].n_unique()
        assert set(clean["row"]) | set(out["row"]) == set(raw["row"])
        lengths = clean["query"].str.len_chars()
        assert split.characters["query"].min == lengths.min()
        assert split.characters["query"].max == lengths.max()
        assert split.characters["query"].mean == pytest.approx(lengths.mean())
    assert record.splits["train"].dropped == {
        "duplicate": 1,
        "empty": 1,
        "leak": 1,
        "same_positive_negative": 1,
    }


def test_audit_twice_gives_the_same_bytes(line: Path) -> None:
    before = {path: path.read_bytes() for path in (line / "data" / "clean").iterdir()}
    (line / "data" / "clean" / "old.parquet").write_bytes(b"")
    record = (line / RECORDS["audit"]).read_bytes()
    step.run(line, load(line))
    assert {path: path.read_bytes() for path in (line / "data" / "clean").iterdir()} == before
    assert (line / RECORDS["audit"]).read_bytes() == record


def test_audit_that_fails_leaves_the_record_of_before(line: Path) -> None:
    record = (line / RECORDS["audit"]).read_bytes()
    path = line / "data" / "raw" / "dev.parquet"
    pl.read_parquet(path).with_columns(query=pl.lit("")).write_parquet(path)
    with pytest.raises(InvalidData):
        step.run(line, load(line))
    assert (line / RECORDS["audit"]).read_bytes() == record
    shutil.rmtree(line)
