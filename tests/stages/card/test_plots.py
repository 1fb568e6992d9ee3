"""Pictures with the numbers of the records, the same bytes each time."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from pipeline.params import load
from pipeline.records import Metrics, ModelScores, SplitScores, Training
from pipeline.stages.card import plots
from pipeline.stages.evaluate.result_tables import accuracy
from pipeline.workspace.paths import RECORDS


@pytest.fixture
def metrics(finished: Path) -> Metrics:
    return Metrics.load(finished / RECORDS["evaluate"])


@pytest.fixture
def training(finished: Path) -> Training:
    return Training.load(finished / RECORDS["train"])


def words(path: Path) -> set[str]:
    root = ElementTree.fromstring(path.read_bytes())
    return {text.strip() for text in root.itertext() if text.strip()}


def test_pictures_of_equal_records_have_equal_bytes(
    metrics: Metrics, training: Training, finished: Path, tmp_path: Path
) -> None:
    dims = load(finished).model.dims
    for turn in ("a", "b"):
        plots.draw_scores(metrics, "test", tmp_path / turn / "scores.svg")
        plots.draw_training(training, dims, tmp_path / turn / "training.svg")
    for name in ("scores.svg", "training.svg"):
        drawn = (tmp_path / "a" / name).read_bytes()
        assert drawn == (tmp_path / "b" / name).read_bytes()
    drawn = (tmp_path / "a" / "scores.svg").read_bytes()
    assert drawn == (finished / "card" / "pictures" / "scores.svg").read_bytes()


def test_pictures_of_scores_name_every_model_and_width(metrics: Metrics, tmp_path: Path) -> None:
    triplets = {dim: accuracy(1, 4) for dim in (32, 16, 4)}
    scores = SplitScores(
        triplets=triplets, hard=None, slices={}, retrieval=metrics.candidate.splits["test"].retrieval
    )
    live = ModelScores(revision="1" * 40, splits={"test": scores}, service={}, probes={})
    judged = metrics.model_copy(update={"models": {**metrics.models, "live": live}})
    plots.draw_scores(judged, "test", tmp_path / "scores.svg")
    found = words(tmp_path / "scores.svg")
    among = f"nDCG@10, test among {next(iter(scores.retrieval.values())).documents} texts"
    assert {
        "base",
        "this model",
        "live",
        "4",
        "16",
        "32",
        "dimensions",
        among,
    } <= found
    assert "triplet accuracy, test" in found


def test_pictures_of_training_name_both_losses_and_every_width(
    training: Training, finished: Path, tmp_path: Path
) -> None:
    plots.draw_training(training, load(finished).model.dims, tmp_path / "training.svg")
    assert {"training loss", "validation loss", "32", "16", "4", "step"} <= words(tmp_path / "training.svg")


def test_pictures_of_a_training_without_evaluations_are_still_drawn(
    training: Training, tmp_path: Path
) -> None:
    bare = training.model_copy(
        update={
            "curve": tuple(
                point.model_copy(update={"validation_loss": None, "accuracy": None})
                for point in training.curve
            )
        }
    )
    plots.draw_training(bare, (32,), tmp_path / "training.svg")
    found = words(tmp_path / "training.svg")
    assert {"training loss", "step", "loss"} <= found
    nothing = {"validation loss", "dimensions", "triplet accuracy, dev"}
    assert not nothing & found, "nothing was measured of these"
    plots.draw_training(training.model_copy(update={"curve": ()}), (32,), tmp_path / "none.svg")
    found = words(tmp_path / "none.svg")
    assert {"step", "loss"} <= found
    assert not ({"training loss"} | nothing) & found


def test_pictures_show_through_on_a_dark_page(finished: Path) -> None:
    text = (finished / "card" / "pictures" / "scores.svg").read_text(encoding="utf-8")
    assert "fill: #ffffff" not in text
    assert "<script" not in text


def test_pictures_of_few_dots_are_none(metrics: Metrics, training: Training) -> None:
    def named(found: Metrics, points: int) -> set[str]:
        curve = (training.curve[0],) * points
        return set(plots.shown(found, training.model_copy(update={"curve": curve}), "test"))

    assert named(metrics, 5) == {"scores", "bytes", "training"}
    assert named(metrics, 4) == {"scores", "bytes"}
    ours = metrics.candidate.splits["test"]
    narrow = ours.model_copy(update={"retrieval": {32: ours.retrieval[32]}})
    candidate = metrics.candidate.model_copy(update={"splits": {"test": narrow}})
    one = {"models": {**metrics.models, "candidate": candidate}, "stored_vectors": metrics.stored_vectors[:4]}
    assert named(metrics.model_copy(update=one), 4) == set()
