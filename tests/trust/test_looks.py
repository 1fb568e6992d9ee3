"""Looks at the test rows are facts: what a user does with git, DVC or the data set takes none back."""

import subprocess
from pathlib import Path

import pytest

from pipeline.params import load
from pipeline.records import Verdict
from pipeline.records.log import Look
from pipeline.stages.audit import step as audit
from pipeline.stages.evaluate import step as evaluate
from pipeline.stages.gate import step as gate
from pipeline.stages.pin import step as pin
from pipeline.stages.train import step as train
from pipeline.workspace import log, paths
from tests.conftest import Stage
from tests.support import workspaces
from tests.support.workspaces import git, set_params

RATES = (0.002, 0.003)


def judged(folder: Path) -> Verdict:
    return Verdict.load(folder / paths.RECORDS["gate"])


def dvc(folder: Path, env: dict[str, str], *arguments: str) -> str:
    ran = subprocess.run(
        ["dvc", *arguments], cwd=folder, env=env, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_looks_stay_where_one_row_is_added_to_the_test_split(
    line: Path, writer: Stage, tmp_path: Path
) -> None:
    set_params(line, {"gate.max_looks": 2})
    for rate in RATES:
        set_params(line, {"train.learning_rate": rate})
        for step in (train, evaluate, gate):
            step.run(line, load(line))
    assert (judged(line).look, judged(line).outcome) == (3, "test_spent")
    splits = workspaces.mixed()
    for column, text in zip(
        workspaces.COLUMNS, ("numara kapalı 398", "numara 399", "hat kapalı 1"), strict=True
    ):
        splits["test"][column].append(text)
    workspaces.write_splits(tmp_path / "more", splits)
    set_params(
        line,
        {"dataset.revision": workspaces.put(writer.endpoint, "tester/mixed", "dataset", tmp_path / "more")},
    )
    for step in (pin, audit, evaluate, gate):
        step.run(line, load(line))
    assert (judged(line).look, judged(line).outcome) == (3, "test_spent")


@pytest.mark.long
@pytest.mark.timeout(900)
def test_looks_of_queued_experiments_are_counted_one_by_one(
    line: Path, writer: Stage, tmp_path: Path
) -> None:
    env = workspaces.environment(writer.endpoint, tmp_path / "home")
    for rate in (*RATES, 0.004):
        dvc(line, env, "exp", "run", "--queue", "--set-param", f"train.learning_rate={rate}")
    dvc(line, env, "exp", "run", "--run-all")
    refs = git(line, "for-each-ref", "--format=%(refname)", "refs/exps").split()
    told = [
        Verdict.model_validate_json(git(line, "show", f"{ref}:{paths.RECORDS['gate']}"))
        for ref in refs
        if not ref.startswith(("refs/exps/celery", "refs/exps/exec"))
    ]
    assert sorted(one.look for one in told) == [2, 3, 4]
    assert len({one.candidate for one in told} | {judged(line).candidate}) == 4
    logged = [entry.what for entry in log.entries(line).values() if isinstance(entry.what, Look)]
    assert {one.candidate for one in logged} == {one.candidate for one in (*told, judged(line))}
    best = told[0].candidate
    name = next(ref for ref in refs if best in git(line, "show", f"{ref}:{paths.RECORDS['gate']}"))
    dvc(line, env, "exp", "apply", name.rpartition("/")[2])
    assert (judged(line).candidate, judged(line).look) == (best, told[0].look)
    assert "Running stage 'gate'" not in dvc(line, env, "repro", "gate")


@pytest.mark.long
@pytest.mark.timeout(900)
def test_looks_stay_where_git_takes_the_records_back_and_nothing_is_trained_again(
    line: Path, writer: Stage, tmp_path: Path
) -> None:
    env = workspaces.environment(writer.endpoint, tmp_path / "home")
    back = [paths.PARAMS, "dvc.lock", "records", paths.LEDGER]
    for look, rate in enumerate(RATES, start=2):
        set_params(line, {"train.learning_rate": rate})
        dvc(line, env, "repro", "gate")
        assert judged(line).look == look
        git(line, "checkout", "--quiet", "--", *back)
        dvc(line, env, "checkout")
        assert "Running stage 'train'" not in dvc(line, env, "repro")
        assert judged(line).look == 1
