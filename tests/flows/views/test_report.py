from pathlib import Path
from typing import Any

import pytest

from flows.views import report
from pipeline.errors import BrokenChain
from pipeline.records import Metrics, Receipt, Verdict
from pipeline.workspace import paths
from pipeline.workspace.files import write_text
from tests.support import sealed
from tests.support.records import METRICS, receipt

CHECKS: dict[str, Any] = {
    "floor.test.16": {"value": 0.8, "rule": ">=", "wanted": 0.7, "passed": True},
    "base.test.16": {"value": -0.1, "rule": ">=", "wanted": 0.0, "passed": False},
}
COMPARISONS = {
    "live_accuracy_16": {
        "difference": 0.01,
        "low": -0.02,
        "high": 0.04,
        "margin": 0.03,
        "alpha": 0.01,
        "visible": 0.025,
        "rows": 400,
        "clusters": 390,
        "left_out": 7,
        "rows_needed": 300,
    },
}


def refused(checks: dict[str, Any]) -> Verdict:
    return sealed.verdict("c" * 64, passed=False, outcome="failed", checks=checks, comparisons=COMPARISONS)


def keep(workspace: Path, *receipts: Receipt) -> None:
    for one in receipts:
        write_text(workspace / "receipts" / f"{one.commit}.json", one.model_dump_json())


def test_report_says_what_decided() -> None:
    assert report.refusal(refused(CHECKS)) == (
        "base.test.16: -0.1000, wanted at least 0. Train a better candidate."
    )


def test_report_of_an_open_verdict_says_so() -> None:
    spent = refused(CHECKS).model_copy(update={"outcome": "test_spent"})
    assert report.refusal(spent).startswith("test rows spent: ")


def test_report_of_many_failed_checks_names_one_and_counts_them() -> None:
    check = {"value": 0.5, "rule": ">=", "wanted": 0.7, "passed": False}
    said = report.refusal(refused({f"floor_{number}": check for number in range(20)} | CHECKS))
    assert said.startswith("triplet accuracy at 0: 0.5000, wanted at least 0.7. Train")
    assert said.endswith(". 21 of 22 checks failed.")


def test_report_finds_the_receipt_of_a_candidate_and_no_other(tmp_path: Path) -> None:
    assert report.receipt_of(tmp_path, "a") is None
    first, second = receipt("v1", candidate="a"), receipt("v2", candidate="b")
    keep(tmp_path, first, second)
    assert report.receipt_of(tmp_path, "b") == second
    assert report.receipt_of(tmp_path, "c") is None


def test_report_takes_the_newest_receipt_of_a_candidate(tmp_path: Path) -> None:
    keep(tmp_path, *(receipt(version, candidate="a") for version in ("v2", "v10", "v9")))
    found = report.receipt_of(tmp_path, "a")
    assert found is not None
    assert found.version == "v10"


def test_report_refuses_a_receipt_that_is_none(tmp_path: Path) -> None:
    write_text(tmp_path / "receipts" / "1.json", "{}")
    with pytest.raises(BrokenChain, match="is no receipt"):
        report.receipt_of(tmp_path, "a")


def test_report_says_which_release_stands_after_a_rollback(tmp_path: Path) -> None:
    first, later = receipt("v1", candidate="a"), receipt("v2", candidate="b")
    keep(tmp_path, first, later)
    assert report.standing(tmp_path, later) == "v2 stays released"
    back = receipt("v3", candidate="a", kind="rollback", restores="v1")
    keep(tmp_path, back, receipt("v9", candidate="c", repo="tester/other"))
    assert report.standing(tmp_path, later) == "v3 stays released, which took v2 back to v1"
    assert report.standing(tmp_path, first) == "v3 stays released"


def test_report_says_first_how_it_ended_and_why(tmp_path: Path) -> None:
    write_text(tmp_path / paths.RECORDS["gate"], refused(CHECKS).dump())
    write_text(tmp_path / paths.RECORDS["evaluate"], Metrics.load(METRICS).dump())
    text = report.page(tmp_path, "refused at look 2", "refused by the gate: it lost", "## Card")
    order = [
        "# Refused at look 2\n\nrefused by the gate: it lost\n\n## Checks that failed: 1 of 2",
        "- **base.test.16**: -0.1000, wanted at least 0",
        "## Base, live, best, new: ",
        "## Not worse than live",
        "## Other checks that passed",
        "| floor.test.16 |",
        "| base | test | 384 | 0.6875 | 0.6405 to 0.7310 | 400 |",
        "| new | dev | 64 | 0.8950 | 0.8448 to 0.9303 | 200 |",
        "## Card",
    ]
    places = [text.index(one) for one in order]
    assert places == sorted(places)
    assert "| triplet accuracy at 16 | +0.0100 | -0.0200 to +0.0400 | 0.03 | 400 (7 left out) |" in text


def test_report_says_why_a_candidate_passed() -> None:
    verdict = sealed.verdict("c" * 64, checks={"floor_32": CHECKS["floor.test.16"]})
    assert report.judged(verdict).startswith("The gate: all 1 checks hold at look 1; ")
    assert report.judged(refused(CHECKS)) == ""


def test_report_shows_the_models_side_by_side() -> None:
    title, head, rows = report.side_by_side(Metrics.load(METRICS))
    assert title.startswith("Base, live, best, new: ")
    assert head == ["", "base", "live", "best", "new"]
    assert rows[0][0] == "nDCG@10 at 384"
    assert rows[-1][0] == "accuracy at 64"
    assert all(len(row) == len(head) for row in rows)


def test_report_links_what_stands_on_the_hub(tmp_path: Path) -> None:
    verdict = sealed.verdict("c" * 64)
    assert report.links(tmp_path, verdict) == ""
    one = receipt("v3", candidate="c" * 64, repo="o/m", endpoint="https://hub", pull_request=7)
    keep(tmp_path, one)
    said = report.links(tmp_path, verdict)
    assert "[v3 on the Hub](<https://hub/o/m/tree/v3>)" in said
    assert f"(<https://hub/o/m/commit/{one.commit}>)" in said
    assert "[pull request 7](<https://hub/o/m/discussions/7>)" in said
    keep(tmp_path, one.model_copy(update={"endpoint": "javascript:alert(1)"}))
    assert report.links(tmp_path, verdict) == ""


def test_report_of_a_run_without_a_verdict_is_its_message() -> None:
    assert (
        report.short("failed in pin", "pin: <b>\n  x_y")
        == "# Failed in pin\n\npin: \\<b\\>\\\n\u00a0\u00a0x\\_y\n"
    )
