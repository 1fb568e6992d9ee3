"""What a model was trained on is told without its texts."""

import random
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pipeline.dataset.near_duplicates import index, pairs
from pipeline.dataset.training_fingerprint import RELEASED, near, trained_rows
from pipeline.errors import InvalidData
from tests.support.telecom_texts import fold, insert

TR = "tr"


def test_trained_rows_tell_what_a_model_has_seen(tmp_path: Path, long_texts: list[str]) -> None:
    path = tmp_path / "trained_rows.parquet"
    trained, unseen = long_texts[:300], long_texts[300:]
    trained_rows(trained, [TR]).write_parquet(path)
    draw = random.Random(2)
    assert near(path, [text.upper() for text in trained]).all()
    assert near(path, [insert(text, draw) for text in trained]).mean() >= 0.9
    truly = pairs(index(fold(trained), RELEASED, TR), fold(unseen))
    assert near(path, unseen).mean() <= len(np.unique(truly[:, 0])) / len(unseen) + 0.04


def test_trained_rows_do_not_add_up_bands_of_different_rows(tmp_path: Path, long_texts: list[str]) -> None:
    asked = trained_rows(long_texts[:1], [TR])
    found = asked["bands"][0].to_list()
    spread = [[band if place == row else 0 for place, band in enumerate(found)] for row in range(len(found))]
    columns = {"key": [0] * len(spread), "bands": spread, "folding": [TR] * len(spread)}
    pl.DataFrame(columns, schema=asked.schema).write_parquet(tmp_path / "spread.parquet")
    assert not near(tmp_path / "spread.parquet", long_texts[:1]).any()


def test_trained_rows_are_a_format_that_releases_share() -> None:
    row = trained_rows(["Faturamı 25,5 TL olarak nasıl öderim?"], [TR])
    assert row["key"].to_list() == [12088379687098831531]
    assert row["bands"][0].to_list()[:4] == [762978844, 174759135, 1441687933, 3041514863]


def test_trained_rows_of_nothing_have_seen_nothing(tmp_path: Path) -> None:
    trained_rows([], [TR]).write_parquet(tmp_path / "none.parquet")
    assert not near(tmp_path / "none.parquet", ["fatura"]).any()


def test_trained_rows_of_several_languages_are_found_by_any_of_them(tmp_path: Path) -> None:
    path = tmp_path / "trained_rows.parquet"
    trained_rows(["Which invoice is in my inbox"], ["tr", "en"]).write_parquet(path)
    assert pl.read_parquet(path)["folding"].to_list() == ["tr", "en"]
    assert near(path, ["WHICH INVOICE IS IN MY INBOX", "How do I pay"]).tolist() == [True, False]


def test_trained_rows_are_read_by_the_folding_that_they_name(tmp_path: Path, long_texts: list[str]) -> None:
    text = "LIMIT"
    for folding, other in (("tr", "lımıt"), ("en", "limit")):
        trained_rows([text], [folding]).write_parquet(tmp_path / "rows.parquet")
        assert near(tmp_path / "rows.parquet", [other]).tolist() == [True]
    # A release of before foldings were named.
    trained_rows(long_texts[:5], [TR]).drop("folding").write_parquet(tmp_path / "old.parquet")
    assert near(tmp_path / "old.parquet", [long_texts[0].replace("i", "İ").upper()]).all()


def test_trained_rows_of_an_unknown_folding_are_refused(tmp_path: Path) -> None:
    rows = trained_rows(["fatura"], [TR]).with_columns(folding=pl.lit("tlh"))
    rows.write_parquet(tmp_path / "rows.parquet")
    with pytest.raises(InvalidData, match=r"folded as 'tlh'; wanted one of tr, en,"):
        near(tmp_path / "rows.parquet", ["fatura"])
