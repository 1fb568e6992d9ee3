"""Which of several failed checks decides."""

from typing import Any

import pytest

from pipeline.wording.deciding import deciding
from pipeline.wording.sentence import say
from tests.support.verdicts import compared, refused


@pytest.mark.parametrize(
    ("checks", "wanted"),
    [
        ({"unit_norm": (False, "==", True), "live_ndcg_64": (-0.2, ">", -0.05)}, "unit_norm"),
        ({"leak_share": (0.5, "<=", 0.05), "live_ndcg_64": (-0.2, ">", -0.05)}, "leak_share"),
        ({"floor_64": (0.5, ">=", 0.9), "live_ndcg_64": (-0.2, ">", -0.05)}, "live_ndcg_64"),
        ({"live_hard_64": (-0.1, ">", -0.05), "live_ndcg_64": (-0.2, ">", -0.05)}, "live_ndcg_64"),
        ({"live_hard_64": (-0.1, ">", -0.05), "floor_64": (0.5, ">=", 0.9)}, "floor_64"),
        ({"slice_plan=a|b": (-0.2, ">=", -0.1)}, "slice_plan=a|b"),
    ],
)
def test_verdict_rests_on_what_leaves_least_to_hope_for(checks: dict[str, Any], wanted: str) -> None:
    proven, open_one = compared(-0.15, -0.2, -0.1, margin=0.05), compared(-0.04, -0.1, 0.02, margin=0.05)
    verdict = refused("failed", {"live_ndcg_64": proven, "live_hard_64": open_one}, **checks)
    assert deciding(verdict) == wanted
    assert str(say(verdict))
