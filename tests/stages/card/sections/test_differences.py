"""Every difference and every check has its row."""

from pipeline.records import Check
from pipeline.stages.card.sections import differences
from tests.support import sealed
from tests.support.golden_records import GOLDEN, difference

UP, OPEN = difference(0.1, 0.05, 0.2), difference(-0.1, -0.2, 0.05)


def test_differences_are_by_metric_then_width_with_a_column_per_model() -> None:
    verdict = sealed.verdict(
        "c" * 64, reported={"base_ndcg_64": UP, "base_ndcg_384": OPEN, "live_accuracy_64": UP}
    )
    found = differences.context(verdict)
    assert found["difference_columns"] == ["against the base", "against live"]
    by_name = {row[0]: row[1:] for row in found["differences"]}
    assert list(by_name)[-2:] == ["nDCG@10 at 384", "nDCG@10 at 64"] or list(by_name)[:2] == [
        "nDCG@10 at 384",
        "nDCG@10 at 64",
    ]
    assert by_name["triplet accuracy at 64"] == ["-", "+0.1000 (+0.0500 to +0.2000)"]
    assert by_name["nDCG@10 at 384"] == ["-0.1000 (-0.2000 to +0.0500, not proven)", "-"]


def test_verdict_without_differences_has_no_table_of_them() -> None:
    found = differences.context(sealed.verdict("c" * 64))
    assert (found["difference_columns"], found["differences"], found["comparisons"]) == ([], [], [])


def test_checks_say_found_wanted_and_what_came_of_it() -> None:
    checks = {
        "floor_64": Check(value=0.4, rule=">=", wanted=0.5, passed=False),
        "slice_plan=a|b": Check(value=0.9, rule=">=", wanted=0.5, passed=True),
    }
    floor, part = differences.context(sealed.verdict("c" * 64, checks=checks))["checks"]
    assert floor == ["triplet accuracy at 64", "0.4000", "at least 0.5", "fail"]
    assert part[0] == r"change of triplet accuracy where plan is a\|b"  # a value of the data ends no cell
    assert part[-1] == "pass"


def test_comparisons_without_a_margin_are_no_tests() -> None:
    shown = differences.context(GOLDEN.verdict)["comparisons"]
    assert len(shown) == sum(one.margin > 0 for one in GOLDEN.verdict.comparisons.values()) > 0
