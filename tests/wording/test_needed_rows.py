"""How many rows would decide."""

import pytest

from pipeline.wording import needed_rows
from tests.support.verdicts import compared, refused


def test_rows_that_prove_a_gain_grow_with_the_square_of_the_distance() -> None:
    assert needed_rows.to_prove(compared(0.01, -0.03, 0.05, margin=0.0)) == pytest.approx(400 * 16)
    assert needed_rows.to_prove(compared(-0.01, -0.03, 0.01, margin=0.0)) is None, "it is no gain"
    assert needed_rows.to_prove(compared(0.02, 0.01, 0.03, margin=0.0)) is None, "it is proven"


def test_rows_that_show_a_margin_are_those_of_the_comparison_that_needs_most() -> None:
    one, more = (compared(0.0, -0.1, 0.1, margin=0.05, rows_needed=rows) for rows in (900, 2000))
    checks = {f"live_{name}_visible": (0.1, "<=", 0.05) for name in ("ndcg_64", "accuracy_64")}
    verdict = refused("underpowered", {"live_ndcg_64": one, "live_accuracy_64": more}, **checks)
    said = needed_rows.to_show(verdict, one, "gate.live_margins.ndcg")
    assert said == "Hold out about 2,000 test rows in place of 400, or allow more in gate.live_margins.ndcg"
    none = refused("underpowered", {"live_ndcg_64": compared(0.0, -0.1, 0.1, margin=0.0)}, **checks)
    assert (
        needed_rows.to_show(
            none.model_copy(update={"checks": {}}),
            compared(0.0, -0.1, 0.1, margin=0.0),
            "gate.live_margins.ndcg",
        )
        == "Allow more in gate.live_margins.ndcg: no number of rows would show a margin of 0"
    )


def test_rows_that_make_enough_clusters_grow_as_the_clusters_do() -> None:
    one = compared(0.0, -0.1, 0.1, margin=0.05)
    few = refused("not_comparable", {"live_ndcg_64": one}, live_clusters=(100.0, ">=", 200.0))
    said = needed_rows.for_clusters(few, "live_clusters")
    assert said == "Hold out about 800 rows that neither model was trained on, in place of 400"
    none = refused("not_comparable", {}, live_clusters=(0.0, ">=", 200.0))
    assert needed_rows.for_clusters(none, "live_clusters").startswith("Hold out more rows")
