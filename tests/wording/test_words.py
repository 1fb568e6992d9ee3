"""What checks are called, and how figures are read."""

import pytest

from pipeline.records import Check, Rule
from pipeline.wording import words


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("live_accuracy_64", "triplet accuracy against live at 64"),
        ("anchor_hard_1024", "accuracy on the hard subset against the best release at 1,024"),
        ("live_ndcg_64_visible", "what the rows can show of nDCG@10 against live at 64"),
        ("base_clusters", "clusters of rows comparable with the base"),
        ("floor_1024", "triplet accuracy at 1,024"),
        ("forgetting_sts tr", "the probe sts tr"),
        ("slice_rows=new", "change of triplet accuracy on new rows"),
        ("slice_plan=a=b", "change of triplet accuracy where plan is a=b"),
        (
            "anchor_hard_visible",
            "what the rows can show of accuracy on the hard subset against the best release",
        ),
        ("over_long_negative_2", "negative_2 texts that are cut"),
        ("unit_norm", "every vector has length 1"),
        ("nobody_knows", "nobody_knows"),
        (
            "slice_plan=a\n# Released\x1b[31m\u202e",
            "change of triplet accuracy where plan is a # Released[31m",
        ),
    ],
)
def test_check_is_called_in_words_without_any_control(name: str, called: str) -> None:
    assert words.of(name) == called


@pytest.mark.parametrize(
    ("name", "value", "rule", "wanted", "shown"),
    [
        ("leak_share", 0.12, "<=", 0.01, ("12%", "at most 1%")),
        ("live_clusters", 950.0, ">=", 1000.0, ("950", "at least 1,000")),
        ("floor_64", 0.8123, ">=", 0.82, ("0.8123", "at least 0.82")),
        ("live_ndcg_64", -0.01, ">", -0.02, ("-0.0100", "above -0.02")),
        ("retention", 0.93, ">=", 0.75, ("93%", "at least 75%")),
        ("forgetting_sts", 0.81, ">=", 2 / 3, ("0.8100", "at least 0.6667")),
        ("slice_plan=a", -0.0312, ">=", -0.02, ("-0.0312", "at least -0.02")),
        ("slice_plan=a", 0.01, ">=", -0.0, ("+0.0100", "at least 0")),
        ("unit_norm", True, "==", True, ("yes", "yes")),
        ("floor_64", "NaN", ">=", 0.8, ("no number", "at least 0.8")),
    ],
)
def test_check_says_found_and_wanted_in_its_unit(
    name: str, value: float, rule: Rule, wanted: float, shown: tuple[str, str]
) -> None:
    check = Check(value=value, rule=rule, wanted=wanted, passed=True)
    assert (words.found_value(name, check), words.wanted_value(name, check)) == shown


@pytest.mark.parametrize(
    ("name", "value", "rule", "wanted", "found"),
    [
        ("leak_share", 0.0104, "<=", 0.01, "1.04%"),
        ("leak_share", 0.02, "<=", 0.01, "2%"),
        ("floor_64", 0.76996, ">=", 0.77, "0.76996"),
        ("floor_64", 0.7612, ">=", 0.77, "0.7612"),
        ("slice_plan=a", -0.02004, ">=", -0.02, "-0.02004"),
        ("live_clusters", 999.0, ">=", 1000.0, "999"),
        ("floor_64", "NaN", ">=", 0.77, "no number"),
    ],
)
def test_what_misses_its_limit_closely_is_not_shown_as_the_limit(
    name: str, value: float, rule: Rule, wanted: float, found: str
) -> None:
    check = Check(value=value, rule=rule, wanted=wanted, passed=False)
    assert words.found_value(name, check) == found


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.00012, "0.012%"), (0.999999, "99.9999%"), (0.9996, "99.96%"), (-0.05, "-5%"), (1.0, "100%")],
)
def test_share_has_as_many_digits_as_it_takes(value: float, text: str) -> None:
    assert words.percent(value) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0"), (1, "1"), (99, "99"), (101, "110"), (1_000_001, "1,100,000")]
)
def test_rows_needed_are_rounded_up_to_two_digits(count: float, text: str) -> None:
    assert words.rows(count) == text
