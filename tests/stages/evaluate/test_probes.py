"""Probes and retrieval sets as pin leaves them, and what is wrong with some."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import spearmanr  # type: ignore[import-untyped]

from pipeline.errors import InvalidData
from pipeline.stages.evaluate.probes import Pairs, nothing, read_collection, read_pairs, read_probes, spearman
from pipeline.stages.evaluate.retrieval import Collection

SETS: dict[str, dict[str, list[Any]]] = {
    "corpus": {"id": ["a", "b"], "text": ["bir", "iki"]},
    "queries": {"id": ["x", "y"], "text": ["soru", "başka"]},
    "qrels": {"query": ["x", "x", "y"], "document": ["a", "b", "a"], "score": [2.0, 1.0, 0.0]},
}


def write(folder: Path, **tables: dict[str, list[Any]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, columns in tables.items():
        pl.DataFrame(columns).write_parquet(folder / f"{name}.parquet")
    return folder


def pairs(score: list[Any]) -> dict[str, list[Any]]:
    return {"first": ["a"] * len(score), "second": ["b"] * len(score), "score": score}


def test_probes_are_read_by_kind(tmp_path: Path) -> None:
    write(tmp_path / "arama", **SETS)
    write(tmp_path / "benzer", pairs=pairs([1.0, 2.0]))
    found = read_probes(tmp_path)
    assert list(found) == ["arama", "benzer"]
    assert found["benzer"] == Pairs(["a", "a"], ["b", "b"], [1.0, 2.0])
    arama = found["arama"]
    assert isinstance(arama, Collection)
    assert (arama.ids, arama.queries) == (("x",), ("soru",))  # y has no relevant document
    assert {arama.documents[place]: gain for place, gain in zip(arama.document, arama.gain, strict=True)} == {
        "bir": 2.0,
        "iki": 1.0,
    }


def test_probes_are_none_where_the_folder_says_so(tmp_path: Path) -> None:
    assert nothing(tmp_path / "missing")
    (tmp_path / "none").touch()
    assert nothing(tmp_path)
    assert read_probes(tmp_path) == {}


@pytest.mark.parametrize("score", [[3.0, 3.0, 3.0], [1.0], []])
def test_probes_refuse_scores_without_an_order(tmp_path: Path, score: list[float]) -> None:
    write(tmp_path / "probes" / "sabit", pairs=pairs(score))
    with pytest.raises(InvalidData, match=r"of the probe sabit have [01] different .* Correct probes.sabit"):
        read_pairs(tmp_path / "probes" / "sabit")


def test_probes_refuse_pairs_without_a_score_column(tmp_path: Path) -> None:
    write(tmp_path / "probes" / "eksik", pairs={"first": ["a"], "second": ["b"]})
    with pytest.raises(InvalidData, match=r"has the columns first, second; wanted score too"):
        read_pairs(tmp_path / "probes" / "eksik")


@pytest.mark.parametrize("name", ["corpus", "queries", "qrels"])
def test_probes_refuse_a_retrieval_set_without_a_file(tmp_path: Path, name: str) -> None:
    folder = write(tmp_path / "retrieval", **SETS)
    (folder / f"{name}.parquet").unlink()
    with pytest.raises(InvalidData, match=rf"{name}.parquet is missing; .* Correct retrieval in params.yaml"):
        read_collection(folder)


@pytest.mark.parametrize(
    ("qrels", "message"),
    [
        ({"query": ["x"], "document": ["c"], "score": [1]}, "1 judgements name a document that is not there"),
        ({"query": ["w"], "document": ["a"], "score": [1]}, "name a query that is not there, the first 'w'"),
        ({"query": ["x"], "document": ["a"], "score": [0]}, "none of 1 judgements has a score above 0"),
        ({"query": ["x"], "document": ["a"]}, "has the columns query, document; wanted score too"),
    ],
)
def test_probes_refuse_judgements_of_nothing(
    tmp_path: Path, qrels: dict[str, list[Any]], message: str
) -> None:
    folder = write(tmp_path / "probes" / "arama", **(SETS | {"qrels": qrels}))
    with pytest.raises(InvalidData, match=message):
        read_collection(folder)


def test_probes_spearman_is_scipys_with_and_without_ties() -> None:
    draw = np.random.default_rng(0)
    for scores in (draw.random(50), draw.integers(0, 5, 50)):
        cosines = scores + draw.normal(0, 0.5, 50)
        assert spearman(scores, cosines) == pytest.approx(spearmanr(scores, cosines).statistic, abs=1e-12)
    assert spearman([1, 2, 3], [0.1, 0.2, 0.9]) == pytest.approx(1)


def test_probes_spearman_of_a_model_that_sees_no_difference_is_zero() -> None:
    assert spearman([1, 2, 3], [0.5, 0.5, 0.5]) == 0
