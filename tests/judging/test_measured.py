"""What is taken of the tables: every row of the split, once, and in its cluster."""

import math
from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from pipeline.errors import InvalidParams, UnmeasuredCheck
from pipeline.judging.verdict import Evidence, gate
from pipeline.records.tables import slice_column
from tests.support.simulated import ROWS, failed, params


def test_gate_resamples_the_named_column(equal: Evidence) -> None:
    customer = (pl.col("row") // 100).cast(pl.String)
    named = replace(equal, traits=equal.traits.with_columns(customer.alias(slice_column("customer"))))
    verdict = gate(named, params(cluster="customer", min_clusters=10))
    assert verdict.comparisons["live_accuracy_64"].clusters == ROWS // 100
    # Rows of one customer are no independent witnesses: less can be seen than with all the small clusters.
    alone = gate(equal, params()).comparisons["live_accuracy_64"]
    assert verdict.comparisons["live_accuracy_64"].visible > alone.visible


def test_gate_refuses_a_cluster_that_is_no_column(first: Evidence) -> None:
    with pytest.raises(InvalidParams, match="'team'; wanted component"):
        gate(first, params(cluster="team"))


@pytest.mark.parametrize("model", ["candidate", "live", "anchor"])
@pytest.mark.parametrize(
    ("table", "lost"),
    [
        ("retrieved", pl.col("dim") == 32),
        ("outcomes", pl.col("dim") == 32),
        ("outcomes", pl.col("row") == 7),
        ("outcomes", pl.col("row") < ROWS // 2),
        ("retrieved", pl.col("query") == f"{7:016x}"),
    ],
)
def test_gate_refuses_tables_with_something_missing(
    equal: Evidence, model: str, table: str, lost: pl.Expr
) -> None:
    frame: pl.DataFrame = getattr(equal, table)
    holed = frame.filter(~(lost & (pl.col("model") == model)))
    changed: dict[str, Any] = {table: holed}
    with pytest.raises(UnmeasuredCheck, match=f"the {model} model has"):
        gate(replace(equal, **changed), params())


def test_gate_refuses_a_row_that_stands_twice(equal: Evidence) -> None:
    twice = pl.concat([equal.outcomes, equal.outcomes.filter(pl.col("model") == "live").head(1)])
    with pytest.raises(UnmeasuredCheck, match="the live model has 8001"):
        gate(replace(equal, outcomes=twice), params())


@pytest.mark.parametrize(("table", "column"), [("outcomes", "cos_positive"), ("retrieved", "ndcg10")])
def test_gate_never_passes_a_single_score_that_is_no_number(equal: Evidence, table: str, column: str) -> None:
    frame: pl.DataFrame = getattr(equal, table)
    first = pl.int_range(pl.len()) == int((frame["model"] == "candidate").arg_max() or 0)
    one = frame.with_columns(pl.when(first).then(math.nan).otherwise(pl.col(column)).alias(column))
    changed: dict[str, Any] = {table: one}
    verdict = gate(replace(equal, **changed), params())
    assert verdict.checks["not_finite"].value == 1.0
    assert failed(verdict) == {"not_finite"}


def test_gate_takes_what_is_no_number_for_lost(first: Evidence) -> None:
    nothing = pl.when(pl.col("model") == "candidate").then(math.nan).otherwise(pl.col("ndcg10"))
    broken = replace(first, retrieved=first.retrieved.with_columns(ndcg10=nothing))
    verdict = gate(broken, params())
    assert verdict.comparisons["base_ndcg_64"].difference == -1.0
    assert {"base_ndcg_64", "not_finite"} <= failed(verdict)


@pytest.mark.parametrize("column", ["cos_positive", "cos_negative"])
@pytest.mark.parametrize("model", ["candidate", "live"])
def test_gate_takes_a_cosine_that_is_no_number_for_lost(equal: Evidence, model: str, column: str) -> None:
    nothing = pl.when(pl.col("model") == model).then(math.nan).otherwise(pl.col(column))
    broken = replace(equal, outcomes=equal.outcomes.with_columns(nothing.cast(pl.Float32).alias(column)))
    verdict = gate(broken, params())
    assert verdict.comparisons["live_accuracy_64"].difference == -1.0
    assert {"live_accuracy_64", "live_accuracy_32"} <= failed(verdict)
