"""The metadata of a card is what the Hub reads, with a result for each measure."""

from typing import Any

from pipeline.stages.card.front_matter import front_matter
from tests.support.golden_records import GOLDEN, PARAMS


def metadata(**changes: Any) -> dict[str, Any]:
    metrics = GOLDEN.metrics.model_copy(update=changes)
    made: Any = front_matter(PARAMS, GOLDEN.pin, GOLDEN.training, metrics, "apache-2.0")
    found: dict[str, Any] = made.to_dict()
    return found


def test_each_width_of_each_split_has_accuracy_and_ndcg() -> None:
    found = metadata()
    results = [
        (result["dataset"]["split"], metric["type"])
        for result in found["model-index"][0]["results"]
        for metric in result["metrics"]
    ]
    widths = len(PARAMS.model.dims)
    for split in ("dev", "test"):
        for kind in ("cosine_accuracy", "cosine_ndcg@10"):
            assert results.count((split, kind)) == widths
    assert found["metrics"] == ["cosine_accuracy", "cosine_ndcg@10"]


def test_base_and_data_set_are_named_at_their_commits() -> None:
    found = metadata()
    assert (found["base_model"], found["base_model_relation"]) == (GOLDEN.pin.base.repo, "finetune")
    assert found["base_model_revision"] == GOLDEN.pin.base.revision
    assert found["datasets"] == [GOLDEN.pin.dataset.repo]
    assert f"dataset_size:{GOLDEN.training.trained_on}" in found["tags"]


def test_languages_that_nobody_knows_are_left_out() -> None:
    pin = GOLDEN.pin.model_copy(update={"languages": ("und",)})
    params = PARAMS.model_copy(update={"model": PARAMS.model.model_copy(update={"language": None})})
    made: Any = front_matter(params, pin, GOLDEN.training, GOLDEN.metrics, "mit")
    assert "language" not in made.to_dict()
