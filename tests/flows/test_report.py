import json
from pathlib import Path
from typing import Any

from flows import report


def write(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content), "utf-8")


VERDICT: dict[str, Any] = {
    "passed": False,
    "checks": {
        "floor.test.16": {"value": 0.8, "rule": ">=", "wanted": 0.7, "passed": True},
        "base.test.16": {"value": -0.1, "rule": ">=", "wanted": 0.0, "passed": False},
    },
    "comparisons": {
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
        },
    },
}


def test_report_names_only_the_checks_that_failed() -> None:
    assert report.refusal(VERDICT) == "base.test.16 is -0.1, wanted >= 0"


def test_report_of_many_failed_checks_names_three_and_counts_them() -> None:
    check = {"value": 0.5, "rule": ">=", "wanted": 0.7, "passed": False}
    checks = {f"floor_{number}": check for number in range(20)} | VERDICT["checks"]
    said = report.refusal(VERDICT | {"checks": checks})
    assert said.startswith("floor_0 is 0.5, wanted >= 0.7; floor_1 is")
    assert said.endswith("floor_2 is 0.5, wanted >= 0.7; 21 of 22 checks failed")


def test_report_finds_the_receipt_of_a_candidate_and_no_other(tmp_path: Path) -> None:
    assert report.receipt_of(tmp_path, "a") is None
    write(tmp_path / "receipts" / "1.json", {"candidate": "a", "version": "v1"})
    write(tmp_path / "receipts" / "2.json", {"candidate": "b", "version": "v2"})
    receipt = report.receipt_of(tmp_path, "b")
    assert receipt is not None
    assert receipt["version"] == "v2"
    assert report.receipt_of(tmp_path, "c") is None


def test_report_takes_the_newest_receipt_of_a_candidate(tmp_path: Path) -> None:
    for version in ("v2", "v10", "v9"):
        write(tmp_path / "receipts" / f"{version}.json", {"candidate": "a", "version": version})
    receipt = report.receipt_of(tmp_path, "a")
    assert receipt is not None
    assert receipt["version"] == "v10"


def test_report_says_which_release_stands_after_a_rollback(tmp_path: Path) -> None:
    first = {"candidate": "a", "version": "v1", "repo": "r"}
    later = {"candidate": "b", "version": "v2", "repo": "r"}
    write(tmp_path / "receipts" / "1.json", first)
    write(tmp_path / "receipts" / "2.json", later)
    assert report.standing(tmp_path, later) == "v2 stays released"
    write(tmp_path / "receipts" / "3.json", first | {"version": "v3", "restores": "v1"})
    write(tmp_path / "receipts" / "4.json", {"candidate": "c", "version": "v9", "repo": "other"})
    assert report.standing(tmp_path, later) == "v3 stays released, which took v2 back to v1"
    assert report.standing(tmp_path, first) == "v3 stays released"


def test_report_shows_each_accuracy_and_each_check(tmp_path: Path) -> None:
    cell = {"accuracy": 0.8, "low": 0.75, "high": 0.85, "rows": 60}
    models = {"base": {"test": {"16": cell}}}
    write(tmp_path / "records" / "verdict.json", VERDICT)
    write(tmp_path / "records" / "metrics.json", {"models": models | {"candidate": {"test": {"16": cell}}}})
    text = report.markdown(tmp_path, "refused by the gate: base.test.16 is -0.1, wanted >= 0")
    assert text.startswith("# Refused by the gate\n\nrefused by the gate: base.test.16 is -0.1, wanted")
    assert text.index("## Checks that failed: 1") < text.index("| base.test.16 |")
    assert (
        text.index("| base.test.16 |")
        < text.index("## Checks that passed: 1")
        < text.index("| floor.test.16")
    )
    assert "| base | test | 16 | 0.8000 | 0.7500 to 0.8500 | 60 |" in text
    assert "| base.test.16 | -0.1 | >= 0 |" in text
    assert "| live_accuracy_16 | 0.01 | -0.02 to 0.04 | 0.03 | 0.025 | 400 | 7 |" in text
