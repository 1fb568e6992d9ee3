"""Which rows a card may show."""

import json
from pathlib import Path

import polars as pl
import pytest

from pipeline.params.card import CardParams, policy
from pipeline.stages.card.shown_rows import numbered, samples


def params(rows: str | None, **approved: list[int]) -> CardParams:
    example = {"queries": ["a"], "documents": ["b"]}
    values = {"domain": "d", "example": example, "rows": rows, "approved_rows": approved, "citations": True}
    return CardParams.model_validate_json(json.dumps(values))


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    texts = [f"metin {place}" for place in range(6)]
    texts[1] = "ara: 0532 123 45 67"
    rows = {"row": range(0, 12, 2), "query": texts, "positive": texts, "negative": texts}
    for split in ("train", "test"):
        pl.DataFrame(rows).write_parquet(tmp_path / f"{split}.parquet")
    return tmp_path


def test_card_shows_rows_of_a_public_data_set_unless_told_otherwise() -> None:
    assert [policy(params(None), private) for private in (False, True)] == ["all", "none"]
    assert [policy(params("none"), private) for private in (False, True)] == ["none", "none"]


def test_card_samples_are_the_first_rows_without_personal_data(clean: Path) -> None:
    shown = samples(clean, "train", params("all"), private=False, languages=["tr"])
    assert [row[0] for row in shown] == ["metin 0", "metin 2", "metin 3"]
    assert samples(clean, "train", params(None), private=True, languages=["tr"]) == []


def test_card_shows_approved_rows_alone(clean: Path) -> None:
    some = params("approved", train=[8, 2], test=[4])
    assert [row[0] for row in samples(clean, "train", some, private=True, languages=["tr"])] == ["metin 4"]
    assert numbered(clean, "test", [2, 4, 6], some, private=True, languages=["tr"]) == {4: ["metin 2"] * 3}
    assert samples(clean, "train", params("approved"), private=True, languages=["tr"]) == []


def test_card_shows_no_mistake_with_personal_data(clean: Path) -> None:
    assert list(numbered(clean, "test", [2, 10, 6], params("all"), private=False, languages=["tr"])) == [
        10,
        6,
    ]
    assert numbered(clean, "test", [6], params("none"), private=False, languages=["tr"]) == {}
