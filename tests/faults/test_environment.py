"""What a machine can have wrong around katman: one message that names the thing, and no traceback."""

import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Make, Stage
from tests.support import workspaces


@pytest.fixture
def folder(make_workspace: Make) -> Path:
    return make_workspace(dvc=False)


def said(folder: Path, env: dict[str, str], step: str, before: Callable[[], None] | None = None) -> str:
    """Run a step in such an environment, and give what it said when it failed."""
    command = [sys.executable, "-m", "pipeline", step]
    ran = subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, check=False, preexec_fn=before
    )
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr, ran.stderr
    return ran.stderr


def small_files() -> None:
    """Let no file of this process and its children grow over 2 kB, as on a disk that is full."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))


def test_environment_is_named_by_check_beside_every_other_fault(
    folder: Path, stage: Stage, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    env = workspaces.environment(stage.endpoint, tmp_path / "home") | {
        "HTTPS_PROXY": "socks5://someone:secret@127.0.0.1:9",
        "HF_HUB_CACHE": str(tmp_path / "file" / "cache"),
        "GIT_TEST_ASSUME_DIFFERENT_OWNER": "1",
    }
    message = said(folder, env, "check")
    assert "HTTPS_PROXY is 'socks5://127.0.0.1:9', which the Hub's client cannot use: it is a" in message
    assert "secret" not in message
    assert f"nothing can be written to {tmp_path}/file/cache: Not a directory; wanted a folder" in message
    assert "HF_HOME or HF_HUB_CACHE" in message
    assert "dubious ownership" in message
    assert f"git config --global --add safe.directory {folder}" in message


@pytest.mark.parametrize(
    ("env", "names"),
    [
        ({"SSL_CERT_FILE": "/nowhere/ca.pem"}, "SSL_CERT_FILE is '/nowhere/ca.pem', which cannot be used"),
        ({"HF_TOKEN": "hf_ışık"}, "the token in the variable HF_TOKEN has at place 4 of 7"),
        ({"HF_TOKEN": "", "HF_TOKEN_PATH": "/proc/self"}, "the token in the file /proc/self cannot be read"),
        ({"HF_HUB_CACHE": "/proc/nowhere"}, "nothing can be written to /proc/nowhere"),
    ],
)
def test_environment_is_named_by_the_step_that_meets_it(
    folder: Path, stage: Stage, tmp_path: Path, env: dict[str, str], names: str
) -> None:
    message = said(folder, workspaces.environment(stage.endpoint, tmp_path / "home") | env, "pin")
    assert message.startswith("pin: ")
    assert names in message
    assert "wanted" in message
    assert "ışık" not in message


def test_environment_without_room_for_temporary_files_is_named(
    folder: Path, stage: Stage, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    env = workspaces.environment(stage.endpoint, home) | {"TMPDIR": str(tmp_path)}
    fetch = "from pipeline.params import load; from pathlib import Path; from pipeline.hub import Hub\n"
    fetch += "p = load(Path()); h = Hub(p.hub)\n"
    fetch += "h.download(p.dataset.repo, 'dataset', p.dataset.revision, lambda path: True)"
    subprocess.run([sys.executable, "-c", fetch], cwd=folder, env=env, check=True)
    message = said(folder, env, "pin", small_files)
    assert f"its rows found no room in {tmp_path}, the folder for temporary files" in message
    assert "TMPDIR" in message


def test_environment_in_which_the_steps_before_did_not_run_is_named(folder: Path, stage: Stage) -> None:
    assert said(folder, stage.env, "audit") == (
        "audit: data/raw is missing, which `audit` reads; `pin` makes it: run `dvc repro`\n"
    )
