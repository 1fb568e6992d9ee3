"""Step `evaluate`: score every model on the same rows in one process, each split from one encoding."""

import math
from pathlib import Path

import polars as pl
import torch
from sentence_transformers import SentenceTransformer

from pipeline import digests, models, stages
from pipeline.encoding import TripletScores, score_triplets
from pipeline.engine import hardware as machine
from pipeline.errors import InvalidParams
from pipeline.params import Params
from pipeline.records import Accuracy, Metrics, Pin

_Z95 = 1.959963984540054


def run(workspace: Path, params: Params) -> Metrics:
    """Score base, candidate and live, and write `outcomes.parquet` and the metrics."""
    pin = Pin.load(workspace / stages.RECORDS["pin"])
    threads = params.hardware.threads
    torch.set_num_threads(machine.granted_threads() if threads is None else threads)
    revisions = {"base": pin.base.revision, "candidate": digests.digest(workspace / "model")}
    if pin.live is not None:
        revisions["live"] = pin.live.revision
    clean = workspace / "data" / "clean"
    splits = {name: pl.read_parquet(clean / f"{name}.parquet") for name in params.evaluate.splits}

    outcomes: list[pl.DataFrame] = []
    scores: dict[str, dict[str, dict[int, Accuracy]]] = {}
    for name in revisions:
        model = _load(workspace, name, params)
        bf16 = params.evaluate.bf16 and machine.fast_bfloat16(model.device)
        scores[name] = {}
        for split, rows in splits.items():
            scored = score_triplets(
                model,
                rows["query"].to_list(),
                rows["positive"].to_list(),
                rows["negative"].to_list(),
                params.model.dims,
                query_prompt=model.prompts.get("query") or None,
                document_prompt=model.prompts.get("document") or None,
                bf16=bf16,
                batch_tokens=params.evaluate.batch_tokens,
            )
            outcomes.append(_outcomes(name, split, rows, scored))
            # Counted, not a mean in float32: there 19 of 20 are less than a floor of 0.95.
            hits = (scored.positive > scored.negative).sum(axis=1)
            scores[name][split] = {
                dim: accuracy(int(hits[place]), rows.height) for place, dim in enumerate(scored.dims)
            }
            first = params.model.dims[0]
            print(f"{name} {split}: {scores[name][split][first].accuracy:.4f} at {first}", flush=True)  # noqa: T201
    pl.concat(outcomes).write_parquet(workspace / "outcomes.parquet")
    return stages.seal(
        workspace,
        "evaluate",
        Metrics(candidate=revisions["candidate"], revisions=revisions, bf16=bf16, models=scores),
    )


def _load(workspace: Path, name: str, params: Params) -> SentenceTransformer:
    if name == "base":
        return models.load_as(workspace / "data" / "base", params.model)
    # The candidate and the live model are judged as a user loads them: with what they were saved with.
    model = models.load(workspace / ("model" if name == "candidate" else "data/live"))
    width = int(model.get_embedding_dimension() or 0)
    if width < params.model.dims[0]:
        raise InvalidParams(
            f"the {name} model has {width} dimensions and model.dims asks for {params.model.dims[0]}; "
            "they cannot be compared there. Correct model.dims"
        )
    return model


def accuracy(hits: int, rows: int) -> Accuracy:
    """Give the share of hits with its 95% interval (Wilson 1927), which also holds near 0 and 1."""
    share = hits / rows
    spread = _Z95**2 / rows
    centre = (share + spread / 2) / (1 + spread)
    half = _Z95 / (1 + spread) * math.sqrt(share * (1 - share) / rows + spread / (4 * rows))
    return Accuracy(accuracy=share, low=max(0.0, centre - half), high=min(1.0, centre + half), rows=rows)


def _outcomes(model: str, split: str, rows: pl.DataFrame, scored: TripletScores) -> pl.DataFrame:
    """Give one row per triplet and width: model, split, row, group, dim, cos_positive, cos_negative."""
    return pl.concat(
        rows.select(
            pl.lit(model).alias("model"),
            pl.lit(split).alias("split"),
            "row",
            "group",
            pl.lit(dim).cast(pl.UInt16).alias("dim"),
            pl.Series("cos_positive", scored.positive[place]),
            pl.Series("cos_negative", scored.negative[place]),
        )
        for place, dim in enumerate(scored.dims)
    )
