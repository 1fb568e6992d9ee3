"""What a candidate gained or lost on queries from outside of its domain, beside the limit that judges it."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.judging import bootstrap, comparisons
from pipeline.judging.bootstrap import Differences
from pipeline.params.gate import GateParams
from pipeline.records import Difference, Metrics, ModelName
from pipeline.records.tables import QuerySet

_OTHERS: tuple[ModelName, ...] = ("base", "live")


def differences(
    retrieved: pl.DataFrame, metrics: Metrics, params: GateParams
) -> dict[str, dict[ModelName, Difference]]:
    """Bound the candidate's nDCG@10 on each probe less that of the base and of live, by probe and model.

    The queries of a probe have nothing to do with each other, and none was trained on: each is a cluster.
    Pairs have no measure per row, and tasks of mteb bring none along: of these there is no difference.

    Args:
        retrieved: The rows of `records.tables.RETRIEVED`.
        metrics: Which probes there are.
        params: The section `gate` of params.yaml.
    """
    found: dict[str, dict[ModelName, Difference]] = {}
    for name, measure in metrics.probe_measures.items():
        if measure != "ndcg10":
            continue
        rows = retrieved.filter(QuerySet(name).rows())
        paired = {other: _paired(rows, other) for other in _OTHERS}
        found[name] = {other: _bounded(values, params) for other, values in paired.items() if len(values)}
    return {name: by_other for name, by_other in found.items() if by_other}


def _paired(rows: pl.DataFrame, other: ModelName) -> NDArray[np.float64]:
    ours, theirs = (rows.filter(pl.col("model") == model) for model in ("candidate", other))
    both = ours.join(theirs, on=["query", "dim"], suffix="_other", maintain_order="left")
    values = (both["ndcg10"] - both["ndcg10_other"]).to_numpy().astype(np.float64)
    return np.where(np.isfinite(values), values, -1.0)  # what is no number was lost


def _bounded(values: NDArray[np.float64], params: GateParams) -> Difference:
    rows, alpha = len(values), comparisons.level(params)
    each = Differences(values, np.arange(rows))
    drawn = bootstrap.resample([each], rows, comparisons.resamples(params), params.seed)
    (one,) = bootstrap.bounds(drawn, [alpha], [False], [0.0])
    return Difference(
        difference=one.difference,
        low=one.low,
        high=one.high,
        alpha=alpha,
        rows=rows,
        clusters=rows,
        left_out=0,
    )
