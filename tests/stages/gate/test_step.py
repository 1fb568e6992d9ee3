"""What the step leaves: a verdict, a look, and the few numbers that DVC shows."""

import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from pipeline.errors import BrokenChain
from pipeline.judging import verdict
from pipeline.judging.verdict import Evidence
from pipeline.params import load
from pipeline.params.gate import GateParams
from pipeline.records import Metrics, Summary, Verdict
from pipeline.records.log import EarlierLooks, Groups, Look
from pipeline.stages.gate import looks
from pipeline.stages.gate import step as gate
from pipeline.workspace import digests, log, paths
from tests.support.workspaces import git, set_params

TERMINAL = 100


def dvc_metrics(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "dvc", "metrics", *arguments],
        cwd=folder,
        env=os.environ | {"COLUMNS": str(TERMINAL)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def looks_of(folder: Path) -> list[Look]:
    return [entry.what for entry in log.entries(folder).values() if isinstance(entry.what, Look)]


def judged_on(folder: Path) -> frozenset[str]:
    traits = pl.read_parquet(folder / paths.TRAITS)
    return frozenset(traits.filter(pl.col("split") == "test")["group"])


def test_gate_logs_one_look_with_its_rows_values_and_level(line: Path) -> None:
    verdict = Verdict.load(line / paths.RECORDS["gate"])
    (look,) = looks_of(line)
    assert (look.candidate, look.outcome) == (verdict.candidate, verdict.outcome)
    assert frozenset(look.groups.besides) == judged_on(line)
    assert look.gate["max_looks"] == load(line).gate.max_looks == verdict.looks_allowed
    assert look.alpha == pytest.approx(0.1 / verdict.looks_allowed)
    assert (verdict.look, verdict.looks_left) == (1, verdict.looks_allowed - 1)


def test_gate_again_gives_the_same_bytes_and_no_look_whatever_was_judged_since(line: Path) -> None:
    before = (line / paths.RECORDS["gate"]).read_bytes()
    head = log.head(line)
    gate.run(line, load(line))
    assert log.head(line) == head
    (look,) = looks_of(line)
    log.append(line, look.model_copy(update={"candidate": "f" * 64}))
    gate.run(line, load(line))
    assert (line / paths.RECORDS["gate"]).read_bytes() == before


def test_gate_of_other_values_keeps_the_look_spends_nothing_and_logs_the_values(line: Path) -> None:
    set_params(line, {"gate.max_slice_drop": 0.9})
    verdict = gate.run(line, load(line))
    first, again = looks_of(line)
    assert verdict.look == 1
    assert (again.candidate, again.alpha) == (first.candidate, 0.0)
    assert (first.gate["max_slice_drop"], again.gate["max_slice_drop"]) == (1.0, 0.9)
    assert (again.groups.without, again.groups.besides) == ((), ())
    gate.run(line, load(line))
    assert len(looks_of(line)) == 2


def test_gate_judges_again_where_another_candidate_took_its_look(
    line: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two experiments that are judged at once must not both be the same look."""
    (theirs,) = looks_of(line)
    git(line, "update-ref", "-d", log.REF)
    others = iter(["f" * 64])

    def slowly(evidence: Evidence, params: GateParams) -> Verdict:
        for other in others:
            log.append(line, theirs.model_copy(update={"candidate": other}))
        return verdict.gate(evidence, params)

    monkeypatch.setattr("pipeline.stages.gate.step.gate", slowly)
    assert gate.run(line, load(line)).look == 2
    assert [one.candidate for one in looks_of(line)].count(theirs.candidate) == 1


def older(folder: Path, *candidates: str) -> None:
    """Put the file there in which katman 0.1 kept the looks, and forget the log."""
    git(folder, "update-ref", "-d", log.REF)
    (folder / looks.FILE).write_text(json.dumps({"candidates": {"rows": candidates}}), encoding="utf-8")


def test_gate_takes_in_the_looks_of_an_older_workspace(line: Path) -> None:
    candidate = Verdict.load(line / paths.RECORDS["gate"]).candidate
    older(line, "a" * 64, candidate)
    assert gate.run(line, load(line)).look == 2
    earlier = [entry.what for entry in log.entries(line).values() if isinstance(entry.what, EarlierLooks)]
    assert [one.candidates for one in earlier] == [("a" * 64, candidate)]
    assert judged_on(line) <= set(earlier[0].groups.besides)
    (line / looks.FILE).write_text("[]", encoding="utf-8")  # taken in once, and never asked again
    assert gate.run(line, load(line)).look == 2


def test_gate_takes_in_looks_that_a_checkout_took_out_of_the_file(line: Path) -> None:
    for candidates in (["a" * 64], ["a" * 64, "b" * 64], ["a" * 64]):
        older(line, *candidates)
        git(line, "add", looks.FILE)
        git(line, "commit", "--quiet", "--message", "Looks")
    (line / looks.FILE).unlink()
    assert gate.run(line, load(line)).look == 3


def test_gate_without_readable_looks_of_before_refuses(line: Path) -> None:
    older(line)
    (line / looks.FILE).write_text("[]", encoding="utf-8")
    with pytest.raises(BrokenChain, match=r"git checkout records/looks\.json"):
        gate.run(line, load(line))


def test_gate_of_a_lost_log_says_that_the_test_rows_are_spent(line: Path) -> None:
    git(line, "update-ref", "-d", log.REF)
    log.append(line, EarlierLooks(candidates=(), groups=Groups(besides=tuple(judged_on(line))), lost=True))
    verdict = gate.run(line, load(line))
    assert verdict.outcome == "test_spent"
    assert set(verdict.failures()) == {"looks_known"}


def test_gate_announces_ten_looks_ahead_that_the_test_rows_will_be_spent(line: Path) -> None:
    verdict = Verdict.load(line / paths.RECORDS["gate"])
    assert "may judge" not in gate.summary(verdict)
    near = verdict.model_copy(update={"look": 95, "looks_allowed": 104, "looks_left": 9})
    assert (
        "look 95 of 104: these test rows may judge 9 more; then every verdict is test_spent"
        in gate.summary(near)
    )


@pytest.mark.parametrize("path", [paths.OUTCOMES, paths.RETRIEVED, paths.TRAITS])
def test_gate_refuses_a_table_of_other_columns(line: Path, path: str) -> None:
    rows = pl.read_parquet(line / path)
    rows.drop(rows.columns[0]).write_parquet(line / path)
    with pytest.raises(BrokenChain, match=rf"{path} has the columns .*'missing'.* Run `dvc repro`"):
        gate.run(line, load(line))


def test_gate_summarizes_the_candidate_at_its_largest_and_smallest_width(finished: Path) -> None:
    summary = Summary.model_validate_json((finished / paths.SUMMARY).read_bytes())
    verdict = Verdict.load(finished / paths.RECORDS["gate"])
    scores = Metrics.load(finished / paths.RECORDS["evaluate"]).candidate.splits["test"]
    assert summary.outcome == verdict.outcome
    assert summary.accuracy == {32: scores.triplets[32].accuracy}
    assert summary.ndcg == {dim: scores.retrieval[dim].ndcg10 for dim in (32, 4)}
    assert scores.hard is not None
    assert summary.hard == {32: scores.hard.accuracy}
    assert verdict.wrote[paths.SUMMARY] == digests.sha256(finished / paths.SUMMARY)


def test_gate_summary_is_what_dvc_shows_and_compares_in_a_hundred_columns(line: Path) -> None:
    widest = Summary(
        outcome="not_comparable",
        ndcg={4096: 0.8765432, 1024: 0.8765432},
        accuracy={4096: 0.9987654},
        hard={4096: 0.8765432},
    )
    (line / paths.SUMMARY).write_text(widest.dump(), encoding="utf-8")
    git(line, "commit", "--quiet", "--all", "--message", "Widest")
    other = widest.model_copy(update={"outcome": "underpowered", "hard": {4096: 0.1234567}})
    (line / paths.SUMMARY).write_text(other.dump(), encoding="utf-8")
    shown, compared = dvc_metrics(line, "show"), dvc_metrics(line, "diff")
    head, row = shown.splitlines()
    assert head.split() == [
        "Path", "accuracy.4096", "hard.4096", "ndcg.1024", "ndcg.4096", "outcome",
    ]  # fmt: skip
    assert row.split()[0] == paths.SUMMARY
    assert [one.split()[1] for one in compared.splitlines()[1:]] == ["hard.4096", "outcome"]
    assert max(len(one) for one in (*shown.splitlines(), *compared.splitlines())) <= TERMINAL
