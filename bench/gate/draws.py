"""Test splits and models whose truth is known, drawn as the records and tables that the gate reads.

Rows come in clusters that win or lose together; triplet accuracy is near 0.998, nDCG@10 near 0.85. There is a
hard subset, there are slices, and each model was trained on something near one cluster in a hundred.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.judging.spending import Count
from pipeline.judging.verdict import Evidence
from pipeline.params import load
from pipeline.records import (
    Accuracy,
    Audit,
    EncodedTexts,
    Example,
    Metrics,
    Mistakes,
    ModelName,
    ModelScores,
    Reembed,
    Retrieval,
    Soundness,
    SplitAudit,
    SplitScores,
    StoredVectors,
)
from pipeline.records.tables import OUTCOMES, RETRIEVED, TRAITS, QuerySet, slice_column

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DIMS = (64, 32)
PROJECT = Path(__file__).parents[2]
GATE = load(PROJECT).gate
# As params.yaml has it, but for the widths, and for fewer resamples: twice what the level of a look takes.
PARAMS = GATE.model_copy(
    update={
        "floors": dict.fromkeys(DIMS, 0.5),
        "resamples": 2080,
        "min_clusters": 100,
        "retention": 0.5,
        "retention_of": None,
    }
)
SMALL = (1, 1, 1, 1, 2, 3)
# One cluster in a hundred is of ten rows, which hold a sixteenth of all.
LARGE = (*SMALL * 16, 10)
FIRST_LOOK = Count(number=1, spent=0.0, candidates=0, lost=False)


@dataclass(frozen=True)
class Truth:
    """How a model truly differs from the anchor: what it loses, in each metric's unit."""

    accuracy: float = 0.0
    ndcg: float = 0.0
    hard: float = 0.0


EQUAL: dict[ModelName, Truth] = {"candidate": Truth(), "live": Truth(), "anchor": Truth()}
BASE = Truth(0.3, 0.3)


@dataclass(frozen=True)
class Rows:
    """A test split: what its rows are, whichever model is asked.

    Attributes:
        cluster: Number of each row's cluster, in their order from 0 on.
        hard: Whether a row is hard.
        right: Whether a model that loses nothing gets the triplet right.
        quality: What such a model's nDCG@10 is, but for noise.
        new: Whether a row is new in this revision.
        region: A slice.
    """

    cluster: Ints
    hard: Bools
    right: Bools
    quality: Floats
    new: Bools
    region: NDArray[np.str_]

    def first(self, rows: int) -> "Rows":
        """Return the split as it was when it had fewer rows."""
        return Rows(*(getattr(self, name)[:rows] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Answers:
    """What one model makes of a split, by width.

    Attributes:
        seen: Rows near a text that the model was trained on.
        won: Triplets that it gets right.
        ndcg: nDCG@10 of each query.
    """

    seen: Bools
    won: Mapping[int, Bools]
    ndcg: Mapping[int, Floats]

    def first(self, rows: int) -> "Answers":
        """Return the answers on the first rows."""
        return Answers(
            seen=self.seen[:rows],
            won={dim: won[:rows] for dim, won in self.won.items()},
            ndcg={dim: ndcg[:rows] for dim, ndcg in self.ndcg.items()},
        )


def draw(rows: int, truths: Mapping[ModelName, Truth], seed: int, sizes: Sequence[int] = SMALL) -> Evidence:
    """Draw a test split and what every model makes of it.

    Args:
        rows: Triplets.
        truths: Of the candidate, and of live and anchor where there are such; the base is far worse.
        seed: Of the draw.
        sizes: Of clusters, each as likely as the others.
    """
    random = np.random.default_rng(seed)
    split = draw_rows(np.repeat(np.arange(rows), random.choice(sizes, size=rows))[:rows], random)
    models: dict[ModelName, Truth] = {"base": BASE, **truths}
    return evidence(split, {name: answer(split, truth, DIMS, random) for name, truth in models.items()})


def draw_rows(cluster: Ints, random: np.random.Generator) -> Rows:
    """Draw the rows of a split whose clusters are given."""
    hard = _clusters(cluster, 0.1, random)
    right = np.where(hard, _clusters(cluster, 0.99, random), _clusters(cluster, 0.9995, random))
    return Rows(
        cluster=cluster,
        hard=hard,
        right=right,
        quality=np.clip(random.beta(6, 1, len(cluster))[cluster], 0, 1),
        new=_clusters(cluster, 0.1, random),
        region=random.choice(list("abcdefgh"), len(cluster))[cluster],
    )


def answer(rows: Rows, truth: Truth, dims: Sequence[int], random: np.random.Generator) -> Answers:
    """Draw a model's answers; widths err on rows of their own."""
    seen = _clusters(rows.cluster, 0.01, random)
    won = {dim: _won(rows, truth, random) for dim in dims}
    return Answers(seen, won, {dim: _ndcg(rows, truth, random) for dim in dims})


def answer_triplets(rows: Rows, truth: Truth, dim: int, random: np.random.Generator) -> Answers:
    """Draw what `answer` would draw first, for one width: no nDCG@10, which is what takes longest."""
    return Answers(_clusters(rows.cluster, 0.01, random), {dim: _won(rows, truth, random)}, {})


def _clusters(cluster: Ints, share: float, random: np.random.Generator) -> Bools:
    """Draw whole clusters."""
    drawn: Bools = (random.random(int(cluster[-1]) + 1) < share)[cluster]
    return drawn


def _won(rows: Rows, truth: Truth, random: np.random.Generator) -> Bools:
    # In two of a thousand clusters every model tosses a coin.
    tossed = _clusters(rows.cluster, 0.002, random)
    won: Bools = np.where(tossed, _clusters(rows.cluster, 0.5, random), rows.right)
    return won & (random.random(len(won)) >= truth.accuracy / 0.9975 + truth.hard * rows.hard)


def _ndcg(rows: Rows, truth: Truth, random: np.random.Generator) -> Floats:
    count = len(rows.cluster)
    noise = np.where(_clusters(rows.cluster, 0.15, random), random.normal(0, 0.15, count), 0)
    # Whole queries are lost, so that the loss is on average as large as it shall be.
    lost = random.random(count) < truth.ndcg / (6 / 7)
    found: Floats = np.where(lost, 0.0, np.clip(rows.quality + noise, 0, 1))
    return found


def evidence(rows: Rows, models: Mapping[ModelName, Answers], count: Count = FIRST_LOOK) -> Evidence:
    """Return the records and tables that `evaluate` and `audit` would have written of these answers."""
    total = len(rows.cluster)
    groups = [f"{place:016x}" for place in range(total)]
    outcomes = pl.concat(
        _outcomes(name, dim, groups, won, said.seen)
        for name, said in models.items()
        for dim, won in said.won.items()
    )
    retrieved = pl.concat(
        _retrieved(name, dim, groups, ndcg, rows.cluster, said.seen)
        for name, said in models.items()
        for dim, ndcg in said.ndcg.items()
    )
    traits = pl.DataFrame(
        {
            "row": range(total),
            "group": groups,
            "component": rows.cluster,
            "hard": rows.hard,
            "new": rows.new,
            slice_column("region"): rows.region,
        }
    ).with_columns(split=pl.lit("test"), near_train=pl.lit(value=False), personal=pl.lit(value=False))
    return Evidence(
        audit=_audit(total),
        metrics=_metrics(models, outcomes, retrieved),
        reembed=_reembed(),
        outcomes=outcomes,
        retrieved=retrieved,
        traits=TRAITS.shape(traits),
        count=count,
    )


def _outcomes(model: ModelName, dim: int, groups: list[str], won: Bools, seen: Bools) -> pl.DataFrame:
    rows = pl.DataFrame({"row": range(len(won)), "group": groups, "cos_positive": won, "seen": seen})
    return OUTCOMES.shape(
        rows.with_columns(
            model=pl.lit(model), split=pl.lit("test"), dim=pl.lit(dim), cos_negative=pl.lit(0.5)
        )
    )


def _retrieved(
    model: ModelName, dim: int, groups: list[str], ndcg: Floats, cluster: Ints, seen: Bools
) -> pl.DataFrame:
    rows = pl.DataFrame({"query": groups, "ndcg10": ndcg, "component": cluster, "seen": seen})
    own = QuerySet.own("test")
    return RETRIEVED.shape(
        rows.with_columns(
            # The gate reads nDCG@10 alone.
            *(pl.col("ndcg10").alias(name) for name in ("mrr10", "recall10", "recall100")),
            model=pl.lit(model),
            set=pl.lit(own.name),
            split=pl.lit(own.split),
            dim=pl.lit(dim),
            precision=pl.lit("float32"),
        )
    )


def _metrics(models: Iterable[ModelName], outcomes: pl.DataFrame, retrieved: pl.DataFrame) -> Metrics:
    largest = int(outcomes["dim"].to_numpy().max())
    recommended = StoredVectors(
        dim=largest, precision="float32", ndcg10={}, bytes_per_vector=4 * largest, search_ms=0.0
    )
    return Metrics(
        bf16=False,
        models={
            name: ModelScores(
                revision=name[0] * (64 if name == "candidate" else 40),
                splits={
                    "test": _scores(
                        *(table.filter(pl.col("model") == name) for table in (outcomes, retrieved))
                    )
                },
                service={},
                probes={},
            )
            for name in models
        },
        service=None,
        probe_measures={},
        stored_vectors=(recommended,),
        recommended=recommended,
        soundness=Soundness(weights_finite=True, unit_norm=True, safetensors_only=True),
        example=Example(queries=(), documents=(), similarities=()),
        mistakes=Mistakes(split="test", dim=largest, wrong=0, kinds={}, worst={}),
        encoded=EncodedTexts(encoded=0, cached=0),
    )


def _scores(outcomes: pl.DataFrame, retrieved: pl.DataFrame) -> SplitScores:
    triplets, retrieval = {}, {}
    for dim in sorted(outcomes["dim"].unique(), reverse=True):
        at = outcomes.filter(pl.col("dim") == dim)
        share = float((at["cos_positive"] > at["cos_negative"]).to_numpy().mean())
        triplets[dim] = Accuracy(accuracy=share, low=share, high=share, rows=at.height)
        mean: Any = retrieved.filter(pl.col("dim") == dim)["ndcg10"].mean()
        retrieval[dim] = Retrieval(ndcg10=mean, mrr10=mean, recall10=mean, recall100=mean, queries=at.height)
    return SplitScores(triplets=triplets, hard=None, slices={}, retrieval=retrieval)


def _audit(rows: int) -> Audit:
    split = SplitAudit(rows=rows, kept=rows, groups=rows, components=rows, found={}, dropped={}, tokens={})
    return Audit(
        splits={"test": split},
        shortcut={},
        personal_data={},
        near_train={"test": 0},
        test_digest="t" * 64,
        rejected_share=0.0,
    )


def _reembed() -> Reembed:
    return Reembed(
        compatible=True,
        space="s",
        live_space="s",
        ndcg10={},
        score_shift={},
        vectors_per_hour=1.0,
        gigabytes_per_million={},
    )
