"""One model measured: the anchor has rows of its own name, and both texts of a pair are queries."""

from pathlib import Path

import polars as pl
import pytest

from pipeline.embedding.vector_cache import Cache, Encoder
from pipeline.records import ModelScores
from pipeline.stages.evaluate import score_model
from pipeline.stages.evaluate.probes import Pairs
from pipeline.stages.evaluate.retrieval import collection
from pipeline.stages.evaluate.score_model import Rows, Scored, Subject
from tests.support import tiny


@pytest.fixture
def subject(encoder: Path, tmp_path: Path) -> Subject:
    model = tiny.load(encoder, normalize=True)
    model.prompts = {"query": "w30 ", "document": "w31 "}
    vectors = Encoder(model, "d", Cache(tmp_path / "cache"), bf16=False, batch_tokens=512)
    return Subject("candidate", vectors, "space", (16, 8))


def texts(count: int) -> dict[str, str]:
    return {str(number): tiny.text([number, number + 1]) for number in range(count)}


def test_service_set_is_searched_at_every_width_and_keeps_its_rows(subject: Subject) -> None:
    found = collection(texts(6), texts(9), [(str(n), str(n), 1.0) for n in range(6)])
    rows = Rows()
    scores = score_model.score_service(subject, found, pl.Series([False] * 6), rows)
    assert list(scores) == [16, 8]
    assert {one.queries for one in scores.values()} == {6}
    assert {one.documents for one in scores.values()} == {9}
    assert [table["dim"].unique().to_list() for table in rows.retrieved] == [[16], [8]]
    assert rows.retrieved[0]["ndcg10"].mean() == pytest.approx(scores[16].ndcg10)
    assert rows.retrieved[0]["component"].n_unique() == 6  # nobody says that two of them are alike


def test_probe_is_measured_at_one_width(subject: Subject) -> None:
    rows = Rows()
    found = collection(texts(6), texts(6), [(str(n), str(n), 1.0) for n in range(6)])
    assert 0 <= score_model.score_probe(subject, "history", found, 8, rows) <= 1
    assert [table["dim"].unique().to_list() for table in rows.retrieved] == [[8]]
    first = [tiny.text([n]) for n in range(5)]
    alike = Pairs(first, [*first[:3], "w30", "w31"], [5.0, 5.0, 5.0, 0.0, 0.0])
    assert score_model.score_probe(subject, "sts", alike, 8, rows) > 0.5
    assert len(rows.retrieved) == 1


def test_anchor_that_is_live_has_its_rows_under_its_own_name_and_no_probe() -> None:
    table = pl.DataFrame({"model": ["live"], "row": [1]})
    scores = ModelScores(revision="r" * 40, splits={}, service={}, probes={"sts": 0.5})
    live = Scored(scores, Rows([table], [table]), {}, {"query": "", "document": ""})
    anchor = live.as_anchor()
    assert anchor.scores.probes == {}
    assert (
        anchor.rows.outcomes[0]["model"].to_list()
        == anchor.rows.retrieved[0]["model"].to_list()
        == ["anchor"]
    )
    assert live.rows.outcomes[0]["model"].to_list() == ["live"]
