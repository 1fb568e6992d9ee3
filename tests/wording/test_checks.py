"""A check in words: its name, what it found, what it wanted."""

from pipeline.wording.checks import line, row
from tests.support.verdicts import compared, refused


def test_check_of_a_comparison_shows_both_ends_and_says_which_is_judged() -> None:
    one = compared(0.01, -0.02, 0.04, margin=0.03)
    checks = {
        "live_accuracy_16": (-0.02, ">", -0.03),
        "new_space_gain": (-0.02, ">=", 0.01),
        "floor_16": (0.4, ">=", 0.5),
    }
    wide = compared(0.02, -0.02, 0.06, margin=0.03)
    verdict = refused(
        "failed", {"live_accuracy_16": one, "live_ndcg_16": one, "live_ndcg_128": wide}, **checks
    )
    assert row(verdict, "live_accuracy_16") == (
        "triplet accuracy against live at 16",
        "+0.0100 (-0.0200 to +0.0400, not proven)",
        "lower end above -0.03",
    )
    assert line(verdict, "new_space_gain") == (
        "gain in nDCG@10 for a new vector space: +0.0200 (-0.0200 to +0.0600, not proven), wanted lower end "
        "at least 0.01"
    )
    assert line(verdict, "floor_16") == "triplet accuracy at 16: 0.4000, wanted at least 0.5"
    alone = refused("failed", {}, new_space_gain=("NaN", ">=", 0.01))
    assert row(alone, "new_space_gain")[1:] == ("no number", "at least 0.01")
