"""What the step leaves: a verdict, a look, and the few numbers that DVC shows."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from pipeline.errors import BrokenChain
from pipeline.judging import looks
from pipeline.params import load
from pipeline.records import Metrics, Summary, Verdict
from pipeline.stages.gate import step as gate
from pipeline.workspace import digests, paths
from tests.support.workspaces import git

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


def test_gate_writes_verdict_and_look(line: Path) -> None:
    verdict = Verdict.load(line / paths.RECORDS["gate"])
    assert list(looks.load(line).candidates.values()) == [(verdict.candidate,)]
    before = (line / paths.LOOKS).read_bytes()
    gate.run(line, load(line))
    assert (line / paths.LOOKS).read_bytes() == before


def test_gate_without_readable_looks_refuses(line: Path) -> None:
    (line / paths.LOOKS).write_text("[]", encoding="utf-8")
    with pytest.raises(BrokenChain, match=r"git checkout records/looks\.json"):
        gate.run(line, load(line))
    shutil.rmtree(line)


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
