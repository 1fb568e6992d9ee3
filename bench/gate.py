"""How often the gate is wrong: simulated releases through the gate's own code, clusters included.

    python -m bench.gate                     # half an hour; --draws for tighter bounds
    python -m bench.gate --picture docs/gate.svg

Rows are drawn in clusters that win or lose together, for four models at two widths, with the margins of
params.yaml; triplet accuracy is near 0.998, nDCG@10 near 0.85. There is a hard subset, there are slices, and
each model was trained on something near one cluster in a hundred. Each rate has its upper 99% bound (Clopper
and Pearson 1934):

- a candidate that is truly equal to live and anchor, on a test set as large as the gate asks for: refused?
- one that is truly worse than live by twice a margin, or by exactly the margin, in one metric: let through?
- chains of releases, each truly worse than the one before by a part of a margin, each judged on rows of its
  own: does one get through that is truly worse than the anchor by the anchor's margin or more?

Ends with one line of JSON, and with exit code 1 if a rate misses what is wanted.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import beta  # type: ignore[import-untyped]

from pipeline.embedding.hardware import device_name, granted_threads
from pipeline.judging.spending import Count
from pipeline.judging.verdict import Evidence, gate
from pipeline.params import load
from pipeline.params.gate import GateParams
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

DIMS = (64, 32)
PROJECT = Path(__file__).parents[1]
# As params.yaml has it, but for the widths, and for fewer resamples.
PARAMS = load(PROJECT).gate.model_copy(
    update={"floors": dict.fromkeys(DIMS, 0.5), "resamples": 2000, "min_clusters": 100, "retention": 0.5}
)
SMALL = (1, 1, 1, 1, 2, 3)
# One cluster in a hundred is of ten rows, which hold a sixteenth of all.
LARGE = (*SMALL * 16, 10)


@dataclass(frozen=True)
class Truth:
    """How a model truly differs from the anchor: what it loses, in each metric's unit."""

    accuracy: float = 0.0
    ndcg: float = 0.0
    hard: float = 0.0


EQUAL: dict[ModelName, Truth] = {"candidate": Truth(), "live": Truth(), "anchor": Truth()}


def draw(rows: int, truths: Mapping[ModelName, Truth], seed: int, sizes: Sequence[int] = SMALL) -> Evidence:
    """Draw a test split and what every model makes of it.

    Args:
        rows: Triplets.
        truths: Of the candidate, and of live and anchor where there are such; the base is far worse.
        seed: Of the draw.
        sizes: Of clusters, each as likely as the others.
    """
    random = np.random.default_rng(seed)
    cluster = np.repeat(np.arange(rows), random.choice(sizes, size=rows))[:rows]

    def chosen(share: float) -> NDArray[np.bool_]:
        """Draw whole clusters."""
        return (random.random(rows) < share)[cluster]

    hard = chosen(0.1)
    right = np.where(hard, chosen(0.99), chosen(0.9995))
    quality = np.clip(random.beta(6, 1, rows)[cluster], 0, 1)
    groups = [f"{place:016x}" for place in range(rows)]
    models: dict[ModelName, Truth] = {"base": Truth(0.3, 0.3), **truths}
    outcomes, retrieved = [], []
    for name, truth in models.items():
        seen = chosen(0.01)
        for dim in DIMS:
            # In two of a thousand clusters every model tosses a coin.
            won = np.where(chosen(0.002), chosen(0.5), right)
            won &= random.random(rows) >= truth.accuracy / 0.9975 + truth.hard * hard
            noise = np.where(chosen(0.15), random.normal(0, 0.15, rows), 0)
            # Whole queries are lost, so that the loss is on average as large as it shall be.
            lost = random.random(rows) < truth.ndcg / (6 / 7)
            ndcg = np.where(lost, 0, np.clip(quality + np.where(lost, 0, noise), 0, 1))
            outcomes.append(_outcomes(name, dim, groups, won, seen))
            retrieved.append(_retrieved(name, dim, groups, ndcg, cluster, seen))
    traits = pl.DataFrame(
        {
            "row": range(rows),
            "group": groups,
            "component": cluster,
            "hard": hard,
            "new": chosen(0.1),
            slice_column("region"): random.choice(list("abcdefgh"), rows)[cluster],
        }
    ).with_columns(split=pl.lit("test"), near_train=pl.lit(value=False), personal=pl.lit(value=False))
    tables = pl.concat(outcomes), pl.concat(retrieved)
    return Evidence(
        audit=_audit(rows),
        metrics=_metrics(models, *tables),
        reembed=_reembed(),
        outcomes=tables[0],
        retrieved=tables[1],
        traits=TRAITS.shape(traits),
        count=Count(number=1, spent=0.0, candidates=0, lost=False),
    )


def _outcomes(model: ModelName, dim: int, groups: list[str], won: Any, seen: Any) -> pl.DataFrame:
    rows = pl.DataFrame({"row": range(len(won)), "group": groups, "cos_positive": won, "seen": seen})
    return OUTCOMES.shape(
        rows.with_columns(
            model=pl.lit(model), split=pl.lit("test"), dim=pl.lit(dim), cos_negative=pl.lit(0.5)
        )
    )


def _retrieved(
    model: ModelName, dim: int, groups: list[str], ndcg: Any, cluster: Any, seen: Any
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
    recommended = StoredVectors(
        dim=DIMS[0], precision="float32", ndcg10={}, bytes_per_vector=4 * DIMS[0], search_ms=0.0
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
        mistakes=Mistakes(split="test", dim=DIMS[0], wrong=0, kinds={}, worst={}),
        encoded=EncodedTexts(encoded=0, cached=0),
    )


def _scores(outcomes: pl.DataFrame, retrieved: pl.DataFrame) -> SplitScores:
    triplets, retrieval = {}, {}
    for dim in DIMS:
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


def rows_asked_for(params: GateParams, sizes: Sequence[int] = SMALL) -> int:
    """Ask the gate, on a pilot test set, for how many rows it wants."""
    pilot = gate(draw(2000, EQUAL, 0, sizes), params)
    return max(one.rows_needed for one in pilot.comparisons.values() if one.margin > 0)


def upper(hits: int, draws: int) -> float:
    """Give the upper 99% bound of a rate."""
    return 1.0 if hits == draws else float(beta.ppf(0.99, hits + 1, draws - hits))


def passes(params: GateParams, rows: int, candidate: Truth, sizes: Sequence[int], seed: int) -> bool:
    """Draw a candidate beside a live model and an anchor that are equal, and judge it."""
    return gate(draw(rows, EQUAL | {"candidate": candidate}, seed, sizes), params).passed


def chain(params: GateParams, rows: int, releases: int, share: float, seed: int) -> float:
    """Release ever worse candidates, each by a share of the margin of accuracy.

    Returns:
        The truth of the worst that got through, in anchor margins.
    """
    step = params.live_margins.accuracy * share
    live, worst = Truth(), 0.0
    for place in range(releases):
        candidate = Truth(accuracy=live.accuracy + step)
        truths: dict[ModelName, Truth] = {"candidate": candidate, "live": live, "anchor": Truth()}
        if gate(draw(rows, truths, seed=seed * 1000 + place), params).passed:
            live = candidate
            worst = max(worst, candidate.accuracy / params.anchor_margins.accuracy)
    return worst


def main() -> int:
    """Simulate, print the table and the figures."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--draws", type=int, default=500, help="where 1%% is wanted; half of them elsewhere")
    p.add_argument("--chains", type=int, default=3, help="of each step size")
    p.add_argument("--releases", type=int, default=100, help="of a chain")
    p.add_argument("--picture", type=Path, help="draw the rates of passing over the true difference here")
    a = p.parse_args()
    margins = PARAMS.live_margins
    at_margin = Truth(accuracy=margins.accuracy)
    cases = (
        ("equal to live and anchor", "refused", Truth(), SMALL, 0.05),
        (
            "worse by twice the margin in accuracy",
            "passed",
            Truth(accuracy=2 * margins.accuracy),
            SMALL,
            0.01,
        ),
        ("worse by twice the margin in nDCG@10", "passed", Truth(ndcg=2 * margins.ndcg), SMALL, 0.01),
        ("worse by twice the margin on hard rows", "passed", Truth(hard=2 * margins.hard), SMALL, 0.01),
        ("worse by just the margin in accuracy", "passed", at_margin, SMALL, PARAMS.alpha),
        ("equal, large clusters", "refused", Truth(), LARGE, 0.05),
        ("worse by just the margin, large clusters", "passed", at_margin, LARGE, PARAMS.alpha),
    )
    asked = {sizes: rows_asked_for(PARAMS, sizes) for sizes in (SMALL, LARGE)}
    print("| truth and verdict | test rows asked for | draws | rate | upper 99% bound | wanted |")
    print("|---|---|---|---|---|---|")
    figures: dict[str, Any] = {}
    # A process for each core, of one thread: the draws are many and small.
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"), "1")
    with ProcessPoolExecutor(granted_threads(), get_context("spawn")) as pool:
        for truth, verdict, candidate, sizes, wanted in cases:
            rows, draws = asked[sizes], a.draws if wanted <= 0.01 else max(1, a.draws // 2)
            one = partial(passes, PARAMS, rows, candidate, sizes)
            let_through = list(pool.map(one, range(1, draws + 1), chunksize=4))
            hits = let_through.count(verdict == "passed")
            rate, bound = hits / draws, upper(hits, draws)
            shown = f"{rate:.4f} | {bound:.4f} | at most {wanted}"
            print(f"| {truth}, {verdict} | {rows:,} | {draws} | {shown} |", flush=True)
            figures[f"{truth}, {verdict}"] = {
                "value": rate,
                "upper": bound,
                "wanted": wanted,
                "ok": bound <= wanted,
            }
        for share in (0.2, 1 / 3, 0.4):
            drifts = list(
                pool.map(partial(chain, PARAMS, asked[SMALL], a.releases, share), range(1, a.chains + 1))
            )
            name = f"{a.chains} chains of {a.releases}, each worse by {share:.2f} margins"
            print(
                f"| {name}: drift, in anchor margins | {asked[SMALL]:,} | | {max(drifts):.2f} | | below 1 |"
            )
            figures[name] = {"value": max(drifts), "wanted": 1.0, "ok": max(drifts) < 1}
        if a.picture:
            picture(pool, asked[SMALL], max(10, a.draws // 8), a.picture)
    import torch

    print(json.dumps({"figures": figures, "machine": device_name(torch.device("cpu"))}))
    return 0 if all(figure["ok"] for figure in figures.values()) else 1


def picture(pool: ProcessPoolExecutor, rows: int, draws: int, path: Path) -> None:
    """Draw how often a candidate passes over how much worse than live it truly is."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    shares = np.linspace(0, 2, 9)
    with mpl.rc_context({"svg.hashsalt": "katman", "svg.fonttype": "none", "text.color": "#808890"}):
        figure = Figure(figsize=(7, 3.4), layout="constrained")
        axes = figure.add_subplot()
        for count, colour in ((rows, "#2f9e6e"), (rows // 3, "#d98324")):
            passed = []
            for share in shares:
                truth = Truth(accuracy=share * PARAMS.live_margins.accuracy)
                one = partial(passes, PARAMS, count, truth, SMALL)
                passed.append(np.mean(list(pool.map(one, range(draws), chunksize=4))))
            axes.plot(shares, passed, marker="o", color=colour, label=f"{count:,} test rows")
        axes.axvline(1, color="#808890", linestyle=":")
        axes.set_xlabel("how much worse than live it truly is, in margins of accuracy")
        axes.set_ylabel("share of candidates that pass")
        axes.legend(frameon=False)
        for spine in axes.spines.values():
            spine.set_color("#808890")
        axes.tick_params(colors="#808890")
        axes.xaxis.label.set_color("#808890")
        axes.yaxis.label.set_color("#808890")
        figure.savefig(path, format="svg", transparent=True, metadata={"Date": None})


if __name__ == "__main__":
    sys.exit(main())
