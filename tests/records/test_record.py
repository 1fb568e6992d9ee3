"""A record is frozen, closed, and reads back as it was written."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from pipeline.errors import BrokenChain
from pipeline.records import Accuracy, Audit, Card, Check, Metrics, Pin, Record, Training, Verdict
from pipeline.workspace import paths
from pipeline.workspace.paths import RECORDS

KINDS: dict[str, type[Record]] = {
    "pin": Pin,
    "audit": Audit,
    "train": Training,
    "evaluate": Metrics,
    "gate": Verdict,
    "card": Card,
}


@pytest.mark.parametrize("name", KINDS)
def test_record_of_a_real_run_reads_back_to_the_same_bytes(finished: Path, name: str) -> None:
    path = finished / RECORDS[name]
    assert KINDS[name].load(path).dump() == path.read_text(encoding="utf-8")


def test_summary_that_dvc_shows_as_metrics_has_no_list(finished: Path) -> None:
    def walk(value: object) -> None:
        assert not isinstance(value, list)
        for one in value.values() if isinstance(value, dict) else ():
            walk(one)

    walk(json.loads((finished / paths.SUMMARY).read_text(encoding="utf-8")))


def test_record_is_frozen() -> None:
    card = Card(version="v1", candidate="a", code_commit=None)
    with pytest.raises(ValidationError, match="frozen"):
        card.version = "v2"


def test_record_refuses_an_unknown_key() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        Card.model_validate({"version": "v1", "candidate": "a", "code_commit": None, "note": ""})


def test_record_refuses_nan() -> None:
    with pytest.raises(ValidationError):
        Accuracy(accuracy=float("nan"), low=0, high=1, rows=1)
    with pytest.raises(ValidationError):
        Accuracy(accuracy=0.5, low=float("nan"), high=1, rows=1)
    with pytest.raises(ValidationError):
        Check(value=float("nan"), rule=">=", wanted=0.5, passed=False)


def test_record_that_is_missing_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BrokenChain, match=r"card.json is missing; .*dvc repro"):
        Card.load(tmp_path / "card.json")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": "v1"}', '{"read": {"a": 1}}'])
def test_record_that_is_none_is_named_with_its_first_fault(tmp_path: Path, text: str) -> None:
    (tmp_path / "card.json").write_text(text, encoding="utf-8")
    with pytest.raises(BrokenChain, match=r"is not a card record \(\d+ faults, first: .*Run its step again"):
        Card.load(tmp_path / "card.json")


def test_verdict_lists_its_failures() -> None:
    good = Check(value=1.0, rule=">=", wanted=0.5, passed=True)
    bad = Check(value=0.1, rule=">=", wanted=0.5, passed=False)
    verdict = Verdict(
        candidate="a",
        passed=False,
        outcome="failed",
        first_release=True,
        compared_with={},
        look=1,
        looks_allowed=5,
        looks_left=4,
        checks={"good": good, "bad": bad},
        comparisons={},
        needs_human=False,
        better_than_anchor=True,
        assumptions={},
    )
    assert verdict.failures() == {"bad": bad}
