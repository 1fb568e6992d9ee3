"""What a candidate gained or lost on queries from outside of its domain, beside the limit that judges it."""

import polars as pl

from pipeline.judging import comparisons
from pipeline.judging.comparisons import Compared
from pipeline.params.gate import GateParams
from pipeline.records import Metrics, ModelName
from pipeline.records.tables import QuerySet

_OTHERS: tuple[ModelName, ...] = ("base", "live")


def compared(retrieved: pl.DataFrame, metrics: Metrics, params: GateParams) -> dict[str, list[Compared]]:
    """Compare the candidate's nDCG@10 on each probe with that of the base and of live, by probe.

    The queries of a probe have nothing to do with each other, and none was trained on: each is a cluster.
    Pairs have no measure per row, and tasks of mteb bring none along: of these there is no difference.

    Args:
        retrieved: The rows of `records.tables.RETRIEVED`.
        metrics: Which probes there are.
        params: The section `gate` of params.yaml.
    """
    found = {}
    for name, measure in metrics.probe_measures.items():
        if measure != "ndcg10":
            continue
        rows = retrieved.filter(QuerySet(name).rows()).rename({"ndcg10": "value", "component": "cluster"})
        paired = [
            comparisons.paired_with(rows, "query", other, "ndcg", dim, None)
            for dim in rows["dim"].unique()
            for other in _OTHERS
        ]
        paired = [one for one in paired if len(one.differences.values)]
        if paired:
            found[name] = comparisons.compare([], [], paired, rows["cluster"].n_unique(), params)[2]
    return found
