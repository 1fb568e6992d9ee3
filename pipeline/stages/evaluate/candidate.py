"""What only the candidate is asked: its weights, the card's example, stored vectors, and its mistakes."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import torch

from pipeline.embedding.vector_cache import Encoder
from pipeline.params import Params
from pipeline.params.card import Example as Asked
from pipeline.records import Example, HeldOut, Mistakes, ModelName, Reembed, Soundness, StoredVectors
from pipeline.records.tables import QuerySet, negative_columns
from pipeline.stages.evaluate import (
    error_analysis,
    quantization,
    result_tables,
    usage_example,
    weight_checks,
)
from pipeline.stages.evaluate.compatibility import reembed
from pipeline.stages.evaluate.quantization import VectorFormat
from pipeline.stages.evaluate.retrieval import means, measures, ranks
from pipeline.stages.evaluate.score_model import Scored, Texts


@dataclass(frozen=True)
class Inspected:
    """What only the candidate is asked, while it is loaded."""

    device: torch.device
    soundness: Soundness
    example: Example


def inspect(folder: Path, encoder: Encoder, asked: Asked) -> Inspected:
    """Look at the weights of the candidate, and let it answer the example of the card."""
    return Inspected(
        device=encoder.model.device,
        soundness=Soundness(
            weights_finite=weight_checks.weights_finite(folder),
            unit_norm=encoder.unit_norm,
            safetensors_only=weight_checks.safetensors_only(folder),
        ),
        example=usage_example.answer(encoder.model, asked),
    )


def stored_vectors(
    candidate: Scored, texts: Texts, params: Params, device: torch.device
) -> tuple[StoredVectors, ...]:
    """Measure the candidate's own texts at every width and precision; float32 is measured already."""
    quality: dict[VectorFormat, dict[HeldOut, float]] = {}
    for name, split in texts.splits.items():
        for dim in params.model.dims:
            vectors = candidate.spaces[name].at(dim, device)
            for precision in params.evaluate.precisions:
                stored = VectorFormat(dim, precision)
                if precision == "float32":
                    ndcg10 = candidate.scores.splits[name].retrieval[dim].ndcg10
                else:
                    found = quantization.quantized(*vectors, precision)
                    per_query = measures(split.own, ranks(split.own, *found))
                    ndcg10 = means(per_query).ndcg10
                    traits = result_tables.query_traits(split, split.rows["near_train"])
                    candidate.rows.retrieved.append(
                        result_tables.query_rows("candidate", QuerySet.own(name), stored, per_query, traits)
                    )
                quality.setdefault(stored, {})[name] = ndcg10
    documents = next(iter(candidate.spaces.values())).documents
    return quantization.stored_vectors(quality, documents, params.evaluate.search_vectors)


def compatibility(
    found: Mapping[ModelName, Scored], texts: Texts, params: Params, device: torch.device
) -> Reembed:
    """Compare the candidate's vectors of the split that decides with the live model's."""
    return reembed(
        texts.splits[texts.decides].own,
        found["candidate"].spaces[texts.decides],
        found["live"].spaces[texts.decides] if "live" in found else None,
        params.model.dims,
        params.evaluate.precisions,
        params.evaluate.compatible_loss,
        device=device,
    )


def mistakes(candidate: Scored, texts: Texts, dim: int) -> Mistakes | None:
    """Find where the candidate is wrong on the split that decides, at one width; pairs cannot say."""
    split = texts.splits[texts.decides]
    if not negative_columns(split.rows.columns):
        return None
    ours = pl.concat(candidate.rows.outcomes).filter(pl.col("split") == split.name, pl.col("dim") == dim)
    return error_analysis.find(split, ours.select("row", "cos_positive", "cos_negative"), dim)
