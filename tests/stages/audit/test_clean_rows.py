"""Why a row leaves, and what is written of the others."""

from pathlib import Path

import polars as pl
import pytest

from pipeline.errors import InvalidData
from pipeline.params.audit import Policies
from pipeline.stages.audit import clean_rows
from pipeline.stages.audit.row_checks import ScannedSplit

REPORT = dict.fromkeys(Policies.model_fields, "report") | {"not_text": "drop"}


def scanned(path: Path, **flags: list[bool]) -> ScannedSplit:
    return ScannedSplit("train", path, pl.DataFrame(), pl.DataFrame(flags), {})


def policies(**said: str) -> Policies:
    return Policies.model_validate(REPORT | said)


def test_audit_names_the_first_finding_that_is_dropped(tmp_path: Path) -> None:
    split = scanned(tmp_path, empty=[True, True, False], too_long=[True, False, False])
    assert clean_rows.reasons(split, policies(too_long="drop")).to_list() == ["too_long", None, None]
    both = clean_rows.reasons(split, policies(empty="drop", too_long="drop"))
    assert both.to_list() == ["empty", "empty", None]
    assert clean_rows.counts(both) == {"empty": 2}


def test_audit_refuses_a_finding_or_a_split_of_which_no_row_stays(tmp_path: Path) -> None:
    split = scanned(tmp_path, empty=[True, True])
    with pytest.raises(InvalidData, match="2 rows with the finding empty, first at 0, 1"):
        clean_rows.reasons(split, policies(empty="refuse"))
    with pytest.raises(InvalidData, match="none is clean"):
        clean_rows.reasons(split, policies(empty="drop"))
    assert clean_rows.reasons(split, policies()).is_null().all()


def test_audit_writes_what_stays_and_gives_what_leaves_with_its_place(tmp_path: Path) -> None:
    texts = {name: [f"{name} {place}" for place in range(4)] for name in ("query", "positive", "negative")}
    rows = pl.DataFrame({"row": [7, 8, 9, 10], **texts, "group": ["a", "a", "b", "c"]})
    rows.write_parquet(tmp_path / "raw.parquet")
    reasons = pl.Series([None, "empty", None, None], dtype=pl.String)
    split = scanned(tmp_path / "raw.parquet", empty=[False, True, False, False])
    leaving, groups = clean_rows.write(split, reasons, tmp_path / "clean.parquet", {})
    assert leaving.select("row", "place", "reason").rows() == [(8, 1, "empty")]
    assert groups == 3
    clean = pl.read_parquet(tmp_path / "clean.parquet")
    assert clean["row"].to_list() == [7, 9, 10]
    clean.reverse().write_parquet(tmp_path / "turned.parquet")
    first, turned = (clean_rows.digest(tmp_path / f"{name}.parquet", "tr") for name in ("clean", "turned"))
    assert first == turned
