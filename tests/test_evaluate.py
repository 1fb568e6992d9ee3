"""Accuracies that sentence-transformers' own evaluator gives, with rows and intervals behind them."""

import shutil
from pathlib import Path

import polars as pl
import pytest
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.evaluation import TripletEvaluator

from pipeline import digests, evaluate
from pipeline.errors import InvalidParams
from pipeline.evaluate import accuracy
from pipeline.params import load
from pipeline.records import Metrics, Pin, PinnedRepo
from pipeline.stages import RECORDS
from tests import workspace

DIMS = (32, 16, 4)


@pytest.fixture(scope="module")
def metrics(finished: Path) -> Metrics:
    return Metrics.load(finished / RECORDS["evaluate"])


def reference(
    model: SentenceTransformer, folder: Path, split: str, dim: int, query: str, document: str
) -> float:
    """Score a split with sentence-transformers, the prompts written into the texts."""
    rows = pl.read_parquet(folder / "data" / "clean" / f"{split}.parquet")
    model.prompts = dict.fromkeys(model.prompts, "")
    evaluator = TripletEvaluator(
        anchors=[query + text for text in rows["query"]],
        positives=[document + text for text in rows["positive"]],
        negatives=[document + text for text in rows["negative"]],
        truncate_dim=dim,
        name="x",
    )
    return float(evaluator(model)["x_cosine_accuracy"])


@pytest.mark.parametrize(("name", "place"), [("base", "data/base"), ("candidate", "model")])
@pytest.mark.parametrize("split", ["dev", "test"])
def test_evaluate_gives_the_accuracies_of_triplet_evaluator(
    finished: Path, metrics: Metrics, name: str, place: str, split: str
) -> None:
    model = SentenceTransformer(str(finished / place), device="cpu")
    model.max_seq_length = 16
    for dim in DIMS:
        wanted = reference(model, finished, split, dim, "mi ", "evet ")
        assert metrics.models[name][split][dim].accuracy == pytest.approx(wanted, abs=1e-6)


def test_evaluate_scores_are_neither_all_nor_nothing(metrics: Metrics) -> None:
    # Else the test above could pass with anything.
    scores = [metrics.models[name]["test"][dim].accuracy for name in metrics.models for dim in DIMS]
    assert len(set(scores)) > 3
    assert all(0 < score < 1 for score in scores)


def test_evaluate_outcomes_have_a_row_per_model_split_triplet_and_width(
    finished: Path, metrics: Metrics
) -> None:
    outcomes = pl.read_parquet(finished / "outcomes.parquet")
    assert outcomes.columns == ["model", "split", "row", "group", "dim", "cos_positive", "cos_negative"]
    assert outcomes.height == 2 * (30 + 40) * len(DIMS)
    assert outcomes.select("model", "split", "row", "dim").is_duplicated().sum() == 0
    assert outcomes.null_count().sum_horizontal().item() == 0
    assert outcomes["cos_positive"].is_between(-1.0001, 1.0001).all()
    hits = outcomes.group_by("model", "split", "dim").agg(
        hits=(pl.col("cos_positive") > pl.col("cos_negative")).sum(), rows=pl.len()
    )
    for model, split, dim, count, rows in hits.iter_rows():
        assert metrics.models[model][split][dim] == accuracy(count, rows)
    clean = pl.read_parquet(finished / "data" / "clean" / "test.parquet").select("row", "group")
    one = outcomes.filter(pl.col("model") == "base", pl.col("split") == "test", pl.col("dim") == 4)
    assert one.select("row", "group").equals(clean)


def test_evaluate_names_what_it_scored(finished: Path, metrics: Metrics) -> None:
    pin = Pin.load(finished / RECORDS["pin"])
    assert metrics.candidate == digests.digest(finished / "model")
    assert metrics.revisions == {"base": pin.base.revision, "candidate": metrics.candidate}
    assert list(metrics.models) == ["base", "candidate"]


def test_evaluate_again_gives_the_same_bytes(line: Path, finished: Path) -> None:
    evaluate.run(line, load(line))
    for path in (RECORDS["evaluate"], "outcomes.parquet"):
        assert (line / path).read_bytes() == (finished / path).read_bytes()


@pytest.fixture
def with_live(line: Path) -> Path:
    """A workspace whose live model is the base, as it was saved: 32 tokens and no prompts."""
    shutil.rmtree(line / "data" / "live")
    shutil.copytree(line / "data" / "base", line / "data" / "live")
    name_live(line)
    return line


def name_live(folder: Path) -> None:
    path = folder / RECORDS["pin"]
    live = PinnedRepo(repo="tester/live", revision="1" * 40, private=False, license=None, files={})
    path.write_text(Pin.load(path).model_copy(update={"live": live}).dump(), encoding="utf-8")


def test_evaluate_scores_the_live_model_as_its_users_load_it(with_live: Path) -> None:
    found = evaluate.run(with_live, load(with_live))
    assert list(found.models) == ["base", "candidate", "live"]
    assert found.revisions["live"] == "1" * 40
    model = SentenceTransformer(str(with_live / "data" / "live"), device="cpu")
    for split in ("dev", "test"):
        for dim in DIMS:
            wanted = reference(model, with_live, split, dim, "", "")
            assert found.models["live"][split][dim].accuracy == pytest.approx(wanted, abs=1e-6)
    assert found.models["live"] != found.models["base"]
    assert pl.read_parquet(with_live / "outcomes.parquet")["model"].n_unique() == 3


def test_evaluate_refuses_a_live_model_that_is_narrower(line: Path) -> None:
    before = (line / RECORDS["evaluate"]).read_bytes()
    shutil.rmtree(line / "data" / "live")
    workspace.tiny_model(line / "data" / "live", width=16)
    name_live(line)
    with pytest.raises(InvalidParams, match=r"the live model has 16 dimensions and model.dims asks for 32"):
        evaluate.run(line, load(line))
    assert (line / RECORDS["evaluate"]).read_bytes() == before


@pytest.mark.parametrize(
    # Newcombe 1998, Statistics in Medicine 17, table I, method 3 (Wilson without continuity correction).
    ("hits", "rows", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_evaluate_intervals_are_the_published_ones(hits: int, rows: int, low: float, high: float) -> None:
    found = accuracy(hits, rows)
    assert found.accuracy == hits / rows
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)
    mirrored = accuracy(rows - hits, rows)
    assert (mirrored.low, mirrored.high) == pytest.approx((1 - found.high, 1 - found.low))


def test_evaluate_interval_of_all_rows_ends_at_one() -> None:
    assert accuracy(20, 20).high == 1.0
    assert accuracy(0, 20).low == 0.0
    assert accuracy(1, 1).low > 0


def test_evaluate_accuracy_of_19_in_20_is_no_less_than_95_percent() -> None:
    # As a mean in float32 it is 0.949999988, which a floor of 0.95 refused.
    assert accuracy(19, 20).accuracy >= 0.95
