"""Each sentence of the audit only where there is something to say."""

from typing import Any

from pipeline.stages.card.sections import audit_facts
from tests.support.golden_records import GOLDEN, audited


def dropped(**counts: int) -> Any:
    first = next(iter(GOLDEN.audit.splits))
    splits = {
        name: split.model_copy(update={"dropped": counts if name == first else {}})
        for name, split in GOLDEN.audit.splits.items()
    }
    return audited(splits=splits, rejected_share=0.025)


def test_rejected_rows_are_told_by_reason() -> None:
    assert audit_facts.context(dropped())["rejected"] == "; none was rejected"
    said = audit_facts.context(dropped(same_text=1200, not_text=3))["rejected"]
    assert said == ", of which 2.5% were rejected: not text 3, same text 1,200"


def test_rows_near_a_trained_text_are_counted_by_split() -> None:
    assert audit_facts.context(audited(near_train={"test": 0}))["near_train"].startswith("no held-out row")
    kept = GOLDEN.audit.splits["test"].kept
    said = audit_facts.context(audited(near_train={"dev": 0, "test": 7}))["near_train"]
    assert said == f"7 of {kept:,} test rows are the same as, or near, a text that was trained on"


def test_personal_data_is_told_by_kind() -> None:
    assert audit_facts.context(audited(personal_data={}))["personal"] == "none was found"
    said = audit_facts.context(audited(personal_data={"e_mail": 1500}))["personal"]
    assert said == "e mail in 1,500 rows; no such row is shown here"


def test_shortcuts_of_no_split_say_nothing() -> None:
    assert audit_facts.context(audited(shortcut={}))["shortcuts"] == ""
