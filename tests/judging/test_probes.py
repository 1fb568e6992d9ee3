"""What a candidate gained or lost on a probe, with an interval where each query has a score."""

import numpy as np
import polars as pl
import pytest

from pipeline.judging import probes, verdict
from pipeline.records import Difference, Metrics, ModelName
from pipeline.records.tables import RETRIEVED
from tests.support.golden_records import GOLDEN
from tests.support.simulated import params

MEASURED: Metrics = GOLDEN.metrics.model_copy(
    update={"probe_measures": {"history": "ndcg10", "sts": "spearman", "a task": "mteb"}}
)


def rows(model: str, scores: list[float], name: str = "history") -> pl.DataFrame:
    """Give a model's rows of a probe."""
    count = len(scores)
    fixed = {"model": model, "set": name, "split": None, "dim": 64, "precision": "float32", "seen": False}
    table = pl.DataFrame({"query": [str(row) for row in range(count)], "ndcg10": scores}).with_columns(
        [pl.lit(value).alias(column) for column, value in fixed.items()]
        + [pl.lit(0.0).alias(column) for column in ("mrr10", "recall10", "recall100")],
        component=pl.arange(count),
    )
    return RETRIEVED.shape(table)


def differences(retrieved: pl.DataFrame) -> dict[str, dict[ModelName, Difference]]:
    """Give what is found on each probe as a verdict has it."""
    return {
        name: {one.paired.other: verdict.difference(one, params()) for one in found}
        for name, found in probes.compared(retrieved, MEASURED, params()).items()
    }


@pytest.mark.parametrize(("shift", "proven"), [(0.1, "higher"), (0.0, None), (-0.1, "lower")])
def test_probe_has_the_difference_to_base_and_live_with_what_the_queries_prove(
    shift: float, proven: str | None
) -> None:
    drawn = np.random.default_rng(1).uniform(0.2, 0.8, (2, 400))
    base, noise = drawn[0], (drawn[1] - drawn[1].mean()) / 5
    table = pl.concat(
        [
            rows("candidate", list(base + shift + noise)),
            rows("base", list(base)),
            rows("live", list(base)),
            rows("base", [0.0] * 9, "another"),
        ]
    )
    (found,) = differences(table).values()
    assert list(found) == ["base", "live"]
    one = found["base"]
    assert one.difference == pytest.approx(shift, abs=1e-12)
    assert one.low < one.difference < one.high
    assert (one.proven, one.rows) == (proven, 400)
    assert found["live"] == one


def test_probe_on_which_the_candidate_is_no_number_was_lost() -> None:
    table = pl.concat([rows("candidate", [float("nan")] * 50), rows("base", [0.5] * 50)])
    one = differences(table)["history"]["base"]
    assert one.difference == -1.0
    assert one.proven == "lower"


def test_probe_without_rows_has_no_difference() -> None:
    assert differences(rows("candidate", [0.5])) == {}
