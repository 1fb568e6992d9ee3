"""How often the gate is wrong: simulated releases through the gate's own code, clusters included.

    python -m bench.gate                     # a few minutes; --draws for tighter bounds
    python -m bench.gate --picture docs/gate.svg

Rows are drawn in clusters that win or lose together, for four models at two widths; triplet accuracy is near
0.998, nDCG@10 near 0.85. Three questions, with the upper 99% bound of each rate (Clopper and Pearson 1934):

- a candidate that is truly equal to live and anchor, on a test set as large as the gate asks for: refused?
- one that is truly worse than live by twice a margin, in one metric: let through?
- a chain of releases, each truly worse than the one before by a third of a margin: does one get through that
  is truly worse than the anchor by the anchor's margin or more?

Ends with one line of JSON, and with exit code 1 if a rate misses what is wanted.
"""

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy.stats import beta  # type: ignore[import-untyped]

from pipeline.engine.hardware import device_name
from pipeline.gate import gate
from pipeline.params.gate import GateParams, Margins
from pipeline.records import (
    Accuracy,
    Audit,
    Chosen,
    Looks,
    Metrics,
    Reembed,
    Retrieval,
    Soundness,
    SplitAudit,
    Verdict,
)

DIMS = (64, 32)
PARAMS = GateParams(
    split="test",
    alpha=0.05,
    max_looks=5,
    resamples=2000,
    seed=1,
    cluster="component",
    min_clusters=100,
    min_hard_rows=100_000,
    floors=dict.fromkeys(DIMS, 0.5),
    base_min_gain=0.0,
    live_margins=Margins(ndcg=0.02, hard=0.05, accuracy=0.008),
    anchor_margins=Margins(ndcg=0.03, hard=0.1, accuracy=0.012),
    retention=0.5,
    max_forgetting=0.05,
    max_slice_drop=0.05,
    max_leak_share=0.01,
    max_rejected_share=0.02,
    reembed_min_gain=0.01,
)


@dataclass(frozen=True)
class Truth:
    """How a model truly differs from the anchor: what it loses, in each metric's unit."""

    accuracy: float = 0.0
    ndcg: float = 0.0


@dataclass(frozen=True)
class Case:
    """Everything that the gate takes, of one simulated candidate."""

    audit: Audit
    metrics: Metrics
    reembed: Reembed
    outcomes: pl.DataFrame
    retrieved: pl.DataFrame
    traits: pl.DataFrame


def judge(case: Case, params: GateParams, looks: Looks | None = None) -> Verdict:
    """Ask the gate itself."""
    tables = (case.outcomes, case.retrieved, case.traits)
    return gate(case.audit, case.metrics, case.reembed, *tables, looks or Looks(), params)


def draw(
    rows: int, truths: dict[str, Truth], seed: int, *, accuracy: float = 0.999, discordance: float = 0.002
) -> Case:
    """Draw a test split and what every model makes of it.

    Args:
        rows: Triplets; a third of the clusters have two or three.
        truths: candidate, and live and anchor where there are such; the base is far worse.
        seed: Of the draw.
        accuracy: Share of clusters that every model gets right, but for `discordance`.
        discordance: Share of clusters in which each model tosses a coin.
    """
    random = np.random.default_rng(seed)
    sizes = random.choice([1, 1, 1, 1, 2, 3], size=rows)
    cluster = np.repeat(np.arange(rows), sizes)[:rows]
    right = (random.random(rows) < accuracy)[cluster]
    quality = np.clip(random.beta(6, 1, rows)[cluster], 0, 1)
    outcomes, retrieved = [], []
    for name, truth in {"base": Truth(0.3, 0.3), **truths}.items():
        for dim in DIMS:
            turned = (random.random(rows) < discordance)[cluster]
            won = np.where(turned, (random.random(rows) < 0.5)[cluster], right)
            won &= random.random(rows) >= truth.accuracy / accuracy
            noise = np.where((random.random(rows) < 0.15)[cluster], random.normal(0, 0.15, rows), 0)
            # Whole queries are lost, so that the loss is on average as large as it shall be.
            lost = random.random(rows) < truth.ndcg / (6 / 7)
            ndcg = np.where(lost, 0, np.clip(quality + np.where(lost, 0, noise), 0, 1))
            outcomes.append(_outcomes(name, dim, won))
            retrieved.append(_retrieved(name, dim, ndcg, cluster))
    traits = pl.DataFrame(
        {
            "split": ["test"] * rows,
            "row": np.arange(rows, dtype=np.uint32),
            "group": [f"{place:016x}" for place in range(rows)],
            "component": cluster.astype(np.uint32),
            "hard": np.zeros(rows, bool),
        }
    )
    tables = pl.concat(outcomes), pl.concat(retrieved)
    metrics = _metrics(["base", *truths], *tables)
    return Case(_audit(rows), metrics, _reembed(), *tables, traits)


def _outcomes(model: str, dim: int, won: Any) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "model": [model] * len(won),
            "split": ["test"] * len(won),
            "row": np.arange(len(won), dtype=np.uint32),
            "dim": np.full(len(won), dim, np.uint16),
            "cos_positive": won.astype(np.float32),
            "cos_negative": np.full(len(won), 0.5, np.float32),
            "seen": np.zeros(len(won), bool),
        }
    )


def _retrieved(model: str, dim: int, ndcg: Any, cluster: Any) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "model": [model] * len(ndcg),
            "set": ["own"] * len(ndcg),
            "split": ["test"] * len(ndcg),
            "query": [f"{place:016x}" for place in range(len(ndcg))],
            "dim": np.full(len(ndcg), dim, np.uint16),
            "precision": ["float32"] * len(ndcg),
            "ndcg10": ndcg,
            "component": cluster.astype(np.uint32),
            "seen": np.zeros(len(ndcg), bool),
        }
    )


def _metrics(models: list[str], outcomes: pl.DataFrame, retrieved: pl.DataFrame) -> Metrics:
    accuracies: dict[str, dict[str, dict[int, Accuracy]]] = {}
    retrievals: dict[str, dict[str, dict[int, Retrieval]]] = {}
    for name in models:
        ours, theirs = (table.filter(pl.col("model") == name) for table in (outcomes, retrieved))
        accuracies[name], retrievals[name] = {"test": {}}, {"own_test": {}}
        for dim in DIMS:
            at = ours.filter(pl.col("dim") == dim)
            share = float((at["cos_positive"] > at["cos_negative"]).to_numpy().mean())
            accuracies[name]["test"][dim] = Accuracy(accuracy=share, low=share, high=share, rows=at.height)
            mean: Any = theirs.filter(pl.col("dim") == dim)["ndcg10"].mean()
            retrievals[name]["own_test"][dim] = Retrieval(
                ndcg10=mean, mrr10=mean, recall10=mean, recall100=mean, queries=at.height
            )
    return Metrics(
        candidate="c" * 64,
        revisions={name: name[0] * 40 for name in models},
        bf16=False,
        models=accuracies,
        hard={},
        retrieval=retrievals,
        retrieval_source={"own_test": "the split's own texts"},
        probes={},
        probe_kinds={},
        slices={name: {} for name in models},
        cells={},
        chosen=Chosen(dim=DIMS[0], precision="float32", dev_ndcg10=None, test_ndcg10=None),
        soundness=Soundness(weights_finite=True, unit_norm=True, safetensors_only=True),
        encoded={},
    )


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


def rows_asked_for(params: GateParams) -> int:
    """Ask the gate, on a pilot test set, for how many rows it wants."""
    pilot = judge(draw(2000, dict.fromkeys(("candidate", "live", "anchor"), Truth()), seed=0), params)
    return max(one.rows_needed for one in pilot.comparisons.values() if one.margin > 0)


def upper(hits: int, draws: int) -> float:
    """Give the upper 99% bound of a rate."""
    return 1.0 if hits == draws else float(beta.ppf(0.99, hits + 1, draws - hits))


def chain(params: GateParams, rows: int, releases: int, seed: int) -> float:
    """Release ever worse candidates; give the truth of the worst that got through, in anchor margins."""
    step = params.live_margins.accuracy / 3
    live, worst = Truth(), 0.0
    for place in range(releases):
        candidate = Truth(accuracy=live.accuracy + step)
        truths = {"candidate": candidate, "live": live, "anchor": Truth()}
        if judge(draw(rows, truths, seed=seed * 1000 + place), params).passed:
            live = candidate
            worst = max(worst, candidate.accuracy / params.anchor_margins.accuracy)
    return worst


def main() -> int:
    """Simulate, print the table and the figures."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--draws", type=int, default=500)
    p.add_argument("--releases", type=int, default=100, help="of the chain")
    p.add_argument("--picture", type=Path, help="draw the rates of passing over the true difference here")
    a = p.parse_args()
    params, rows = PARAMS, rows_asked_for(PARAMS)
    equal = dict.fromkeys(("candidate", "live", "anchor"), Truth())
    seeds = range(1, a.draws + 1)
    found = {"equal, refused": [not judge(draw(rows, equal, seed), params).passed for seed in seeds]}
    margins = params.live_margins
    worse = {"accuracy": Truth(accuracy=2 * margins.accuracy), "nDCG@10": Truth(ndcg=2 * margins.ndcg)}
    for metric, truth in worse.items():
        cases = (draw(rows, equal | {"candidate": truth}, seed) for seed in seeds)
        found[f"worse by twice the margin in {metric}, passed"] = [judge(one, params).passed for one in cases]
    wanted = {name: 0.05 if name.startswith("equal") else 0.01 for name in found}
    drift = chain(params, rows, a.releases, seed=1)
    print(f"test rows that the gate asks for: {rows:,}; {a.draws} draws each\n")
    print("| truth and verdict | rate | upper 99% bound | wanted |\n|---|---|---|---|")
    figures: dict[str, Any] = {}
    for name, hits in found.items():
        rate, bound = sum(hits) / len(hits), upper(sum(hits), len(hits))
        print(f"| {name} | {rate:.4f} | {bound:.4f} | at most {wanted[name]} |")
        figures[name] = {"value": rate, "upper": bound, "wanted": wanted[name], "ok": bound <= wanted[name]}
    print(f"| drift of {a.releases} chained releases, in anchor margins | {drift:.2f} | | below 1 |")
    figures["drift"] = {"value": drift, "wanted": 1.0, "ok": drift < 1}
    if a.picture:
        picture(params, rows, max(10, a.draws // 4), a.picture)
    import torch

    print(json.dumps({"figures": figures, "machine": device_name(torch.device("cpu"))}))
    return 0 if all(figure["ok"] for figure in figures.values()) else 1


def picture(params: GateParams, rows: int, draws: int, path: Path) -> None:
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
                truth = Truth(accuracy=share * params.live_margins.accuracy)
                truths = {"candidate": truth, "live": Truth(), "anchor": Truth()}
                passed.append(np.mean([judge(draw(count, truths, s), params).passed for s in range(draws)]))
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
