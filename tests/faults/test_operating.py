"""The commands of the documents as they are written: from nothing to a machine that is restored."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pipeline.workspace import log, paths, receipts
from tests.conftest import Make, Stage
from tests.flows.server import Prefect, serve
from tests.support import documents, workspaces
from tests.support.workspaces import git, set_params

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]
REPO = "tester/as-operated"


class Shell:
    """Types commands of the document, with what they stand for filled in, and remembers which."""

    def __init__(self, env: dict[str, str]) -> None:
        self.env = env
        self.typed: list[str] = []

    def words(self, command: str, filled: dict[str, str]) -> list[str]:
        assert command in documents.commands()
        self.typed.append(command)
        for name, value in filled.items():
            assert name in command
            command = command.replace(name, value)
        return ["bash", "-c", command]

    def type(self, folder: Path, *commands: str, **filled: str) -> str:
        """Type one after the other in one shell; `filled` has what capitals and versions stand for."""
        by_name = {name.replace("__", "/").replace("_", "."): value for name, value in filled.items()}
        lines = [
            self.words(one, {name: value for name, value in by_name.items() if name in one})[-1]
            for one in commands
        ]
        ran = subprocess.run(
            ["bash", "-c", " && ".join(lines)],
            cwd=folder,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, f"{lines}\n{ran.stdout}{ran.stderr}"
        return ran.stdout + ran.stderr

    @contextmanager
    def background(self, folder: Path, command: str) -> Iterator[None]:
        """Have a command run for as long as the block does."""
        with (folder.parent / "background.log").open("wb") as log:
            words = self.words(command, {})
            words[-1] = f"exec {words[-1]}"
            process = subprocess.Popen(words, cwd=folder, env=self.env, stdout=log, stderr=log)
            try:
                yield
            finally:
                process.terminate()
                process.wait(100)


@pytest.fixture
def shell(stage: Stage, tmp_path: Path) -> Shell:
    """A shell in which `katman` is the command that `make .venv` installs."""
    env = workspaces.with_katman(workspaces.environment(stage.endpoint, tmp_path / "home"), tmp_path / "bin")
    env |= {"PREFECT_HOME": str(tmp_path / "prefect")}
    env |= {"GIT_AUTHOR_NAME": "Test", "GIT_AUTHOR_EMAIL": "test@example.org"}
    return Shell(env | {"GIT_COMMITTER_NAME": "Test", "GIT_COMMITTER_EMAIL": "test@example.org"})


def test_commands_of_operating_as_written(
    make_workspace: Make, stage: Stage, shell: Shell, tmp_path: Path
) -> None:
    workspaces.forget(stage.endpoint, REPO)
    begin(shell, tmp_path)

    remote = tmp_path / "backup.git"
    git(tmp_path, "init", "--quiet", "--bare", str(remote))
    names = {"live.repo": REPO, "release.repo": REPO, "evaluate.compatible_loss": 1.0}
    backup = {"git": str(remote), "branch": "kept-branch", "dvc": "kept"}
    folder = make_workspace({**names, "release.backup": backup})
    dvc = [sys.executable, "-m", "dvc", "remote", "add", "--quiet", "kept", str(tmp_path / "kept")]
    subprocess.run(dvc, cwd=folder, check=True)
    git(folder, "commit", "--quiet", "--all", "--message", "Back up")

    shell.type(folder, "katman check")
    shell.type(folder, "dvc repro")
    assert "released v1" in shell.type(folder, "katman retrain")
    assert "last run   Released" in shell.type(folder, "katman status")
    assert json.loads(shell.type(folder, "katman status --json"))["overdue"] is False
    shell.type(folder, "katman releases")
    shell.type(folder, "katman deployed v3", v3="v1")
    set_params(folder, {"train.learning_rate": 0.002})
    assert "released v2" in shell.type(folder, "katman retrain")
    views(shell, folder)
    shell.type(folder, "katman rollback --to v2", v2="v1")
    shell.type(folder, "katman deployed v4", v4="v3")
    shell.type(folder, "katman verify OWNER/NAME@v4", OWNER__NAME=REPO, v4="v3")
    shell.type(folder, "katman looks --fetch REMOTE", REMOTE=str(remote))

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    clone = "git clone --branch NAME REMOTE work && cd work"
    shell.type(elsewhere, clone, "katman restore", NAME="kept-branch", REMOTE=str(remote))
    work = elsewhere / "work"
    assert [one.version for one in receipts.for_repo(work, REPO)] == ["v1", "v2", "v3"]
    shell.type(work, "git checkout model/v3", "dvc pull --remote NAME", model__v3="model/v1", NAME="kept")
    git(work, "checkout", "--quiet", "kept-branch")
    (work / paths.RECORDS["gate"]).unlink()
    shell.type(work, "git checkout params.yaml dvc.lock splits.ledger records reembed.json curves.csv")
    shell.type(work, "dvc checkout")
    assert (work / paths.RECORDS["gate"]).is_file()

    with serve(tmp_path / "prefect") as prefect:
        scheduled(shell, prefect, folder)
    for name in [one for one in shell.env if one.startswith("PREFECT_API")]:
        del shell.env[name]

    data = {"OWNER__NAME": "tester/tiny", "OWNER__TRIPLETS": "tester/triplets"}
    shell.type(folder, "katman adopt OWNER/NAME@main --trained-on OWNER/TRIPLETS@main", **data)
    shell.type(folder, "katman refresh")
    shell.type(folder, "katman deployed adopted-1")
    shell.type(folder, "katman looks --lost")
    assert set(shell.typed) == set(documents.WALKED)


def begin(shell: Shell, tmp_path: Path) -> None:
    """As somebody does who has just cloned katman."""
    folder = workspaces.make(tmp_path / "clone", {})
    command, repos = documents.WALKED[0], iter(("tester/triplets", "tester/tiny", REPO))
    while "OWNER/NAME" in command:
        command = command.replace("OWNER/NAME", next(repos), 1)
    shell.typed.append(documents.WALKED[0])
    ran = subprocess.run(["bash", "-c", command], cwd=folder, env=shell.env, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    shell.type(folder, 'git add params.yaml && git commit -m "Start"')
    assert git(folder, "status", "--porcelain") == ""


def views(shell: Shell, folder: Path) -> None:
    """What DVC shows of a workspace with releases; the last makes a candidate beside the branch."""
    assert "outcome" in shell.type(folder, "dvc metrics show")
    shell.type(folder, "dvc metrics diff model/v3", model__v3="model/v1")
    (show,) = [one for one in documents.WALKED if one.startswith("dvc exp show ")]
    assert "workspace" in shell.type(folder, show)
    shell.type(folder, "dvc plots show")
    shutil.rmtree(folder / "dvc_plots")
    looks = log.head(folder)
    shell.type(folder, "dvc exp run -S train.learning_rate=1e-5 train")
    assert log.head(folder) == looks
    git(folder, "checkout", "--quiet", ".")
    shell.type(folder, "dvc checkout")


def scheduled(shell: Shell, prefect: Prefect, folder: Path) -> None:
    """Two runs by a worker, and one that is cancelled before."""
    shell.env |= {name: value for name, value in prefect.env.items() if name.startswith("PREFECT_")}
    shell.type(folder, "prefect work-pool create katman --type process --base-job-template flows/pool.json")
    shell.type(folder, "prefect --no-prompt deploy --all")
    run = "prefect deployment run 'retrain/production'"
    shell.type(folder, run)
    (first,) = asked(prefect)
    shell.type(folder, "prefect flow-run cancel ID", ID=first["id"])
    with shell.background(folder, "katman worker"):
        shell.type(folder, f"{run} --param release=false")
        end = time.monotonic() + 300
        while not any(one["state"]["name"] == "Skipped" for one in asked(prefect)):
            assert time.monotonic() < end, asked(prefect)
            time.sleep(1)
    (ended,) = [one for one in asked(prefect) if one["state"]["name"] == "Skipped"]
    assert ended["id"][:8] in shell.type(folder, "prefect flow-run ls")
    time.sleep(3)  # the log comes in batches
    assert "train: unchanged, skipped" in shell.type(folder, "prefect flow-run logs ID", ID=ended["id"])
    assert "0 3 * * 1" in shell.type(folder, "prefect deployment schedule ls retrain/production")


def asked(prefect: Prefect) -> list[dict[str, Any]]:
    """Runs of the deployment that somebody asked for, and no schedule."""
    runs = prefect.ask("flow_runs/filter", {})
    return [one for one in runs if one["deployment_id"] and not one["auto_scheduled"]]
