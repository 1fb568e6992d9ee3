"""What a verdict rests on, as sentences."""

import re
from dataclasses import replace

from bench.gate.draws import EQUAL, Truth, draw
from pipeline.judging.spending import Count
from pipeline.judging.verdict import Evidence, gate
from pipeline.records import Shortcut
from tests.support.simulated import params


def test_gate_says_where_style_alone_does_well(first: Evidence) -> None:
    found = Shortcut(bag_of_words=0.91, bm25=0.5, hard_rows=9, warn_above=0.7, warned=True)
    styled = replace(first, audit=first.audit.model_copy(update={"shortcut": {"test": found}}))
    assert "gets 91% of the triplets right, BM25 50%: " in gate(styled, params()).assumptions["style"]
    assert "style" not in gate(first, params()).assumptions


def test_gate_says_of_which_languages_little_is_known(first: Evidence) -> None:
    audit = first.audit.model_copy(update={"languages_without_module": ("nl", "fy")})
    found, known = gate(replace(first, audit=audit), params()), gate(first, params())
    assert "Of nl, fy nothing is known but Unicode's rules" in found.assumptions["languages"]
    assert "languages" not in known.assumptions
    assert (found.passed, found.checks) == (known.passed, known.checks), "nothing else is lost"


def test_assumptions_name_in_words_what_they_speak_of(equal: Evidence, first: Evidence) -> None:
    raw = re.compile(r"\b(base|live|anchor)_|component|\[\d|\d{4}")
    few = draw(300, EQUAL, seed=4)
    verdicts = [
        gate(equal, params()),
        gate(first, params()),
        gate(few, params(min_clusters=20, resamples=10_000, min_hard_rows=None)),
        gate(replace(equal, count=Count(1, 0.0, 5, lost=True)), params(max_looks=104)),
    ]
    said = {name: one for verdict in verdicts for name, one in verdict.assumptions.items()}
    assert {"rows_needed", "live_hard_64", "first", "left_out"} <= said.keys()
    for sentence in said.values():
        assert not raw.search(re.sub(r"0\.\d+", "", sentence)), sentence
        assert sentence.endswith("."), sentence


def test_rows_are_asked_for_where_they_leave_something_open_alone() -> None:
    worse = draw(1000, EQUAL | {"candidate": Truth(ndcg=0.2)}, seed=4)
    verdict = gate(worse, params(min_clusters=20))
    asked = verdict.assumptions["rows_needed"]
    assert "triplet accuracy against live" in asked
    assert verdict.comparisons["live_ndcg_64"].visible > 0
    assert "nDCG@10 against live" not in asked, "it is proven worse, and more rows would say so again"
