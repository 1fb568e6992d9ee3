"""The one sentence that a verdict is read by."""

import re
from dataclasses import replace

import pytest

from bench.gate.draws import DIMS, EQUAL, Truth, draw
from pipeline.judging.spending import Count
from pipeline.judging.verdict import Evidence, gate
from pipeline.wording import remedies
from pipeline.wording.deciding import deciding
from pipeline.wording.sentence import say
from tests.support import sealed
from tests.support.simulated import ROWS, params
from tests.support.verdicts import compared, refused
from tests.support.workspaces import PROJECT


def test_sentence_of_a_candidate_that_passed_names_the_closest_call(equal: Evidence) -> None:
    verdict = gate(equal, params())
    name = deciding(verdict)
    assert name is not None
    rooms = {
        key: (one.low + one.margin) / one.margin
        for key, one in verdict.comparisons.items()
        if key in verdict.checks and one.margin > 0
    }
    assert rooms[name] == min(rooms.values())
    said = str(say(verdict))
    assert said.startswith("Passed: better than the base by 0.2")
    assert "all 8 comparisons with live and the best release rule out a loss" in said
    assert f"and at most {verdict.comparisons[name].margin} may be lost. It can be released." in said


def test_sentence_of_one_comparison_alone_speaks_of_one(equal: Evidence) -> None:
    verdict = gate(equal, params())
    name = deciding(verdict)
    assert name is not None
    alone = verdict.model_copy(update={"comparisons": {name: verdict.comparisons[name]}})
    assert "the one comparison with live rules out a loss" in str(say(alone))


def test_sentence_of_a_first_release_says_the_gain_on_the_base(first: Evidence) -> None:
    said = str(say(gate(first, params())))
    assert re.search(
        r"better than the base by 0\.2\d+ \(0\.\d+ to 0\.\d+\) in nDCG@10 at 64; there was no live", said
    )


def test_sentence_of_what_waits_for_a_person_says_so(equal: Evidence) -> None:
    verdict = gate(equal, params()).model_copy(update={"needs_human": True})
    assert str(say(verdict)).endswith(
        "A person must approve it first (`katman approve`), unless approve.policy is auto."
    )


def test_sentence_of_a_proven_loss_names_the_worst_of_them() -> None:
    verdict = gate(draw(ROWS, EQUAL | {"candidate": Truth(ndcg=0.06)}, seed=4), params())
    worst = min(
        (one for name, one in verdict.comparisons.items() if name in verdict.failures()),
        key=lambda one: one.margin + one.difference,
    )
    said = say(verdict)
    assert f"fell by {-worst.difference:.4f} (" in said.decided
    assert f"and at most {worst.margin} may be lost" in said.decided
    assert str(said).startswith("Refused: nDCG@10 against ")


def test_sentence_where_rows_are_the_remedy_says_how_many() -> None:
    verdict = gate(draw(300, EQUAL, seed=4), params(min_clusters=20))
    assert verdict.outcome == "underpowered"
    needed = max(
        verdict.comparisons[name.removesuffix("_visible")].rows_needed
        for name in verdict.failures()
        if name.endswith("_visible")
    )
    asked = re.search(
        r"Hold out about ([\d,]+) test rows in place of 29\d, or allow more in gate\.live_m",
        str(say(verdict)),
    )
    assert asked
    assert needed <= int(asked[1].replace(",", "")) <= 1.1 * needed


def test_sentence_of_rows_that_are_spent_lost_or_too_few(equal: Evidence) -> None:
    spent = gate(replace(equal, count=Count(6, 0.0, 5, lost=False)), params())
    assert "this is look 6 at these test rows, and gate.max_looks is 5. Pin a data set" in str(say(spent))
    lost = gate(replace(equal, count=Count(1, 0.0, 5, lost=True)), params())
    assert "the log of the looks at these test rows is lost" in str(say(lost))
    few = gate(equal, params(min_clusters=ROWS))
    found = re.search(
        r"only ([\d,]+) clusters of rows comparable with .* are left, and 8,000 are wanted\. Hold out about "
        r"([\d,]+) rows that neither model was trained on, in place of ([\d,]+)\.$",
        str(say(few)),
    )
    assert found
    clusters, asked, rows = (int(one.replace(",", "")) for one in found.groups())
    assert asked == pytest.approx(rows * 8000 / clusters, rel=0.1)


def test_sentence_where_no_row_is_comparable_asks_for_some(equal: Evidence) -> None:
    none = refused("not_comparable", {}, live_clusters=(0.0, ">=", 200.0))
    assert str(say(none)) == (
        "Not comparable: only 0 clusters of rows comparable with live are left, and 200 are wanted. Hold out "
        "more rows that neither model was trained on."
    )


def test_sentence_of_a_margin_that_no_number_of_rows_can_show_says_so(equal: Evidence) -> None:
    margins = params().live_margins.model_copy(update={"ndcg": 0.0})
    said = str(say(gate(equal, params(live_margins=margins))))
    assert said.endswith("Allow more in gate.live_margins.ndcg: no number of rows would show a margin of 0.")


def test_sentence_of_a_gain_that_is_open_says_which_rows_would_prove_it() -> None:
    small = compared(0.01, -0.03, 0.05, margin=0.0)
    verdict = refused("failed", {"base_ndcg_64": small}, base_ndcg_64=(-0.03, ">=", 0.0))
    assert str(say(verdict)) == (
        "Refused: nDCG@10 against the base at 64 changed by +0.0100 (-0.0300 to +0.0500, not proven), and "
        "must be proven to rise. Train a better candidate; if it is as good as it looks, about 6,400 test "
        "rows in place of 400 would prove it."
    )


def test_sentence_of_a_record_that_cannot_say_why_says_that() -> None:
    verdict = sealed.verdict("c" * 64, passed=False, outcome="failed", checks={}, comparisons={})
    assert str(say(verdict)) == "Refused: no check says why. Run `dvc repro`."


def test_remedies_point_to_sections_that_are_there(equal: Evidence) -> None:
    guide = (PROJECT / remedies.GUIDE).read_text(encoding="utf-8")
    sections = {
        re.sub(r"[^\w\- ]", "", line.lstrip("# ")).strip().lower().replace(" ", "-")
        for line in guide.splitlines()
        if line.startswith("#")
    }
    names = [*gate(equal, params(floors=dict.fromkeys(DIMS, 0.5))).checks, "nobody knows it"]
    more = ["live_hard_64", "forgetting_sts", "rows_left", "new_space_gain", "looks_known", "slice_a=b"]
    assert {remedies.of(name).section for name in [*names, *more]} <= sections


def test_sentence_of_a_broken_model_says_what_to_do_about_it_whatever_else_is_found() -> None:
    broken = refused("failed", {}, leak_share=(0.5, "<=", 0.05))
    named = broken.model_copy(update={"patterns": {"style_learned": "Style was learned. Look at it."}})
    assert re.search(
        r"Set audit.policies.near_duplicate.*\. Style was learned\. Look at it\.$", str(say(named))
    )
    floor = refused("failed", {}, floor_64=(0.5, ">=", 0.9))
    named = floor.model_copy(update={"patterns": {"style_learned": "Style was learned. Look at it."}})
    assert str(say(named)).endswith("Style was learned. Look at it.")
    few = refused("not_comparable", {}, live_clusters=(0.0, ">=", 200.0))
    named = few.model_copy(update={"patterns": {"nothing_learned": "Nothing was learned."}})
    assert re.search(r"Hold out more rows.*\. Nothing was learned\.$", str(say(named)))


def test_sentence_of_a_base_that_may_be_missed_counts_it_as_no_rival(first: Evidence) -> None:
    """A first release with `gate.base_min_gain` below 0 has a margin, and nobody else to compare with."""
    said = str(say(gate(first, params(base_min_gain=-0.1))))
    assert "comparison" not in said
    assert "there was no live model" in said
