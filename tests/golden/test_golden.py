"""The card of frozen records, to the byte."""

import json
import re
from typing import Any

from pipeline.workspace.paths import RECORDS
from tests.golden import CARD, HERE, render


def test_card_of_frozen_records_is_the_golden_one() -> None:
    now, golden = render(), CARD.read_text(encoding="utf-8")
    assert now == golden, "the card changed: if that is on purpose, run `python -m tests.golden`"


def numbers(value: Any) -> set[float]:
    """Give every number of a JSON document."""
    if isinstance(value, dict):
        return set().union(*map(numbers, value.values()))
    if isinstance(value, list):
        return set().union(*map(numbers, value))
    # A fall is shown without its sign.
    return {float(value), abs(value)} if isinstance(value, int | float) else set()


def test_card_shows_no_number_that_no_record_holds() -> None:
    files = [path for name, path in RECORDS.items() if name != "card"] + ["reembed.json"]
    held = {
        f"{number:.4f}"
        for path in files
        for number in numbers(json.loads((HERE / path).read_text(encoding="utf-8")))
    }
    text = CARD.read_text(encoding="utf-8").split("\n---\n", 1)[1].split("\n## Citation\n")[0]
    shown = set(re.findall(r"(?<![\w.])-?\d+\.\d{4}(?!\d)", text))
    assert len(shown) > 100
    assert shown <= held
