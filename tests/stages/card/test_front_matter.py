"""The metadata of a card is what the Hub reads, with a result for each measure."""

from typing import Any

from huggingface_hub import EvalResult, ModelCardData
from ruamel.yaml import YAML

from pipeline.records import ProbeSet
from pipeline.stages.card.front_matter import front_matter
from tests.support.golden_records import GOLDEN, PARAMS, twofold, with_task


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


def with_probes(pin: Any, metrics: Any) -> list[EvalResult]:
    text = front_matter(PARAMS, pin, GOLDEN.training, metrics, "apache-2.0").to_yaml()
    results = ModelCardData(**YAML(typ="safe").load(text), ignore_metadata_errors=False).eval_results
    assert results is not None
    return results


def test_two_probes_of_one_data_set_are_told_apart() -> None:
    repo = GOLDEN.pin.dataset.model_copy(update={"repo": "o/sts", "revision": "1" * 40})
    pin = GOLDEN.pin.model_copy(update={"probes": {"news": repo, "law": repo}})
    scores = {"news": 0.25, "law": 0.75}
    metrics = GOLDEN.metrics.model_copy(
        update={
            "probe_measures": dict.fromkeys(scores, "spearman"),
            "probe_sets": {name: ProbeSet(dim=384, queries=9, documents=None) for name in scores},
            "models": {
                name: one.model_copy(update={"probes": scores}) for name, one in GOLDEN.metrics.models.items()
            },
        }
    )
    found = [one for one in with_probes(pin, metrics) if one.dataset_type == "o/sts"]
    assert {one.dataset_name for one in found} == {"the probe news and the probe law"}
    assert {one.metric_name: one.metric_value for one in found} == {
        "Spearman's correlation of the cosine on news at 384 dimensions": 0.25,
        "Spearman's correlation of the cosine on law at 384 dimensions": 0.75,
    }


def test_task_of_two_probes_stands_once() -> None:
    pin, metrics = with_task("tr-tr", "en-en", whole=True)
    twice, once = twofold(pin, metrics), with_probes(pin, metrics)
    assert [one for one in with_probes(*twice) if "MTEB" in one.dataset_name] == [
        one for one in once if "MTEB" in one.dataset_name
    ]
