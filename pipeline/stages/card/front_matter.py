"""The metadata of a card, as the Hub reads it."""

from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from pipeline.params import Params
from pipeline.records import Metrics, Pin, SplitScores, Training


def front_matter(
    params: Params, pin: Pin, training: Training, metrics: Metrics, licence: str
) -> ModelCardData:
    """Return the card's metadata, with one result per split and width of the candidate.

    Triplet accuracy; of pairs, nDCG@10 among the split's own texts.
    """
    results = [
        EvalResult(
            **said,
            dataset_type=pin.dataset.repo,
            dataset_name=f"{pin.dataset.repo.split('/')[1]} {split}",
            dataset_split=split,
            dataset_revision=pin.dataset.revision,
        )
        for split, scores in metrics.candidate.splits.items()
        for said in _scores(scores)
    ]
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


def _scores(scores: SplitScores) -> list[dict[str, Any]]:
    """Return what is measured of one split, by width."""
    if scores.triplets:
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
    return [
        {
            "task_type": "information-retrieval",
            "task_name": "Information Retrieval",
            "metric_type": "cosine_ndcg@10",
            "metric_name": f"Cosine nDCG@10 at {dim} dimensions",
            "metric_value": found.ndcg10,
        }
        for dim, found in scores.retrieval.items()
    ]
