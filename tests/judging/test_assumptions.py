"""What a verdict rests on, as sentences."""

from dataclasses import replace

from pipeline.judging.verdict import Evidence, gate
from pipeline.records import Shortcut
from tests.support.simulated import params


def test_gate_says_where_style_alone_does_well(first: Evidence) -> None:
    found = Shortcut(bag_of_words=0.91, bm25=0.5, hard_rows=9, warn_above=0.7, warned=True)
    styled = replace(first, audit=first.audit.model_copy(update={"shortcut": {"test": found}}))
    assert "picks 91% of the positives" in gate(styled, params()).assumptions["style"]
    assert "style" not in gate(first, params()).assumptions
