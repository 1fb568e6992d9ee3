"""The metadata of a card, as the Hub reads it."""

from dataclasses import replace
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from pipeline.params import Params
from pipeline.records import Metrics, Pin, ProbeMeasure, SplitScores, Training
from pipeline.stages.card.sections.score_tables import of_documents


def front_matter(
    params: Params, pin: Pin, training: Training, metrics: Metrics, licence: str
) -> ModelCardData:
    """Return the card's metadata, with a result for each measure of the candidate.

    Triplet accuracy and nDCG@10 among the split's own texts by width, and what each probe measures.
    """
    results = _together([*_own(pin, metrics), *_probes(pin, metrics), *_tasks(pin, metrics)])
    return ModelCardData(
        model_name=params.model.name,
        language=params.model.languages(pin.languages) or None,
        license=licence,
        library_name="sentence-transformers",
        pipeline_tag="sentence-similarity",
        tags=[
            "sentence-transformers",
            "sentence-similarity",
            "feature-extraction",
            "generated_from_trainer",
            f"dataset_size:{training.trained_on}",
            "loss:MatryoshkaLoss",
            "loss:CachedMultipleNegativesRankingLoss",
        ],
        base_model=pin.base.repo,
        base_model_relation="finetune",
        base_model_revision=pin.base.revision,
        datasets=[pin.dataset.repo],
        metrics=sorted({one.metric_type for one in results}),
        widget=[
            {"source_sentence": query, "sentences": list(metrics.example.documents)}
            for query in metrics.example.queries
        ],
        eval_results=results,
    )


def _together(results: list[EvalResult]) -> list[EvalResult]:
    """Give results that stand in one entry its whole name, and each of them once.

    The Hub has one entry for a kind of task on a subset and split, whose first result names the data set.
    """
    names: dict[tuple[Any, ...], list[str]] = {}
    for one in results:
        known = names.setdefault(one.unique_identifier, [])
        if one.dataset_name not in known:
            known.append(one.dataset_name)
    once = {(one.unique_identifier, one.metric_name): one for one in results}
    return [replace(one, dataset_name=" and ".join(names[one.unique_identifier])) for one in once.values()]


def _own(pin: Pin, metrics: Metrics) -> list[EvalResult]:
    """Return what is measured of the data set's splits."""
    return [
        EvalResult(
            **said,
            dataset_type=pin.dataset.repo,
            dataset_name=f"{pin.dataset.repo.split('/')[1]} {split}",
            dataset_split=split,
            dataset_revision=pin.dataset.revision,
        )
        for split, scores in metrics.candidate.splits.items()
        for said in (*_triplets(scores), *_retrieval(scores))
    ]


def _triplets(scores: SplitScores) -> list[dict[str, Any]]:
    return [
        {
            "task_type": "sentence-similarity",
            "task_name": "Triplet",
            "metric_type": "cosine_accuracy",
            "metric_name": f"Cosine accuracy at {dim} dimensions",
            "metric_value": score.accuracy,
        }
        for dim, score in scores.triplets.items()
    ]


def _retrieval(scores: SplitScores) -> list[dict[str, Any]]:
    return [
        {
            "task_type": "information-retrieval",
            "task_name": "Information Retrieval",
            "metric_type": "cosine_ndcg@10",
            "metric_name": f"Cosine nDCG@10 at {dim} dimensions{of_documents(found.documents)}",
            "metric_value": found.ndcg10,
        }
        for dim, found in scores.retrieval.items()
    ]


def _probes(pin: Pin, metrics: Metrics) -> list[EvalResult]:
    """Return what the probes measure, at the model's largest width."""
    kinds: dict[ProbeMeasure, dict[str, Any]] = {
        "spearman": {
            "task_type": "semantic-similarity",
            "task_name": "Semantic Similarity",
            "metric_type": "spearman_cosine",
            "metric_name": "Spearman's correlation of the cosine",
        },
        "ndcg10": {
            "task_type": "information-retrieval",
            "task_name": "Information Retrieval",
            "metric_type": "cosine_ndcg@10",
            "metric_name": "Cosine nDCG@10",
        },
    }
    return [
        EvalResult(
            **{**kinds[measure], "metric_name": f"{kinds[measure]['metric_name']} on {_on(name, metrics)}"},
            metric_value=metrics.candidate.probes[name],
            dataset_type=pin.probes[name].repo,
            dataset_name=f"the probe {name}",
            dataset_revision=pin.probes[name].revision,
        )
        for name, measure in metrics.probe_measures.items()
        if measure in kinds and name in pin.probes and name in metrics.candidate.probes
    ]


def _on(probe: str, metrics: Metrics) -> str:
    """Name a probe, the width that it was measured at, and among how many texts."""
    found = metrics.probe_sets.get(probe)
    return probe if found is None else f"{probe} at {found.dim} dimensions{of_documents(found.documents)}"


def _tasks(pin: Pin, metrics: Metrics) -> list[EvalResult]:
    """Return what mteb's tasks measure, at the model's largest width, by subset and split."""
    return [
        EvalResult(
            task_type=task.kind,
            metric_type=task.metric,
            metric_name=f"{task.metric} of {task.name} by mteb {metrics.mteb_version}",
            metric_value=one.score,
            dataset_type=pin.probes[name].repo,
            dataset_name=f"MTEB {task.name} ({one.subset})",
            dataset_config=one.subset,
            dataset_split=one.split,
            dataset_revision=pin.probes[name].revision,
        )
        for name, task in pin.mteb.items()
        for one in metrics.candidate.mteb.get(name, ())
    ]
