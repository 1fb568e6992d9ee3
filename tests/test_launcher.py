"""`katman` from anywhere: it finds the workspace, and runs that one's code with the Python beside it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.imports import imports
from tests.support.workspaces import PROJECT

# Says which code runs, by which Python, where, and with what.
CODE = """
import json, os, sys
from pathlib import Path
code, typed_in = str(Path(__file__).parent.parent), os.environ["KATMAN_CWD"]
print(json.dumps([code, sys.prefix, os.getcwd(), typed_in, sys.argv[1:]]))
sys.exit(4)
"""


def workspace(folder: Path) -> Path:
    (folder / "pipeline").mkdir(parents=True)
    (folder / "pipeline" / "__main__.py").write_text(CODE, "utf-8")
    for name in ("params.yaml", "dvc.yaml"):
        (folder / name).touch()
    return folder


@pytest.fixture(scope="module")
def venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment like this one, into which `make .venv` has put the launcher."""
    home = tmp_path_factory.mktemp("a home with spaces")
    venv = home / ".venv"
    (venv / "bin").mkdir(parents=True)
    shutil.copy(Path(sys.prefix, "pyvenv.cfg"), venv)
    (venv / "lib").symlink_to(Path(sys.prefix, "lib"))
    (venv / "bin" / "python").symlink_to(Path(sys.executable).resolve())
    for name in ("Makefile", "launcher.py", "requirements.lock"):
        shutil.copyfile(PROJECT / name, home / name)
    (venv / ".installed").touch()
    subprocess.run(["make", ".venv"], cwd=home, check=True, capture_output=True)
    return venv


def katman(
    venv: Path, here: Path, *words: str, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    command = [str(venv / "bin" / "katman"), *words]
    environment = {"PATH": os.defpath} | (env or {})
    return subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True, check=False)


def ran(done: subprocess.CompletedProcess[str], folder: Path, venv: Path, here: Path, *words: str) -> None:
    """Hold that a workspace's own code ran, with the Python of `venv`, and gave the exit code."""
    assert done.returncode == 4, done.stderr
    assert json.loads(done.stdout) == [str(folder), str(venv), str(folder), str(here), list(words)]


def test_launcher_runs_the_nearest_workspace_upward(venv: Path, tmp_path: Path) -> None:
    outer = workspace(tmp_path / "outer")
    inner = workspace(outer / "models" / "inner")
    deep = inner / "records" / "deep"
    deep.mkdir(parents=True)
    ran(katman(venv, outer, "check"), outer, venv, outer, "check")
    ran(katman(venv, deep, "verify", "a/b@v1"), inner, venv, deep, "verify", "a/b@v1")
    # One of its two marks makes no workspace.
    (deep / "params.yaml").touch()
    ran(katman(venv, deep, "check"), inner, venv, deep, "check")


def test_launcher_passes_arguments_on_as_they_were_typed(venv: Path, tmp_path: Path) -> None:
    folder = workspace(tmp_path / "work")
    words = ["approve", "--name", "Ada L.", "--reason", 'a "new" index; $HOME', "-h"]
    ran(katman(venv, folder, *words), folder, venv, folder, *words)


@pytest.mark.parametrize("words", [["--workspace", "../other"], ["--workspace=../other"]])
def test_launcher_goes_where_it_is_told(venv: Path, tmp_path: Path, words: list[str]) -> None:
    here, other = workspace(tmp_path / "work"), workspace(tmp_path / "other")
    ran(katman(venv, here, "check", *words), other, venv, here, "check", *words)


def test_launcher_says_that_there_is_no_workspace(venv: Path, tmp_path: Path) -> None:
    done = katman(venv, tmp_path, "check")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"katman: {tmp_path} is no workspace, nor is a folder above it; wanted params.yaml and dvc.yaml in "
        "it. Go to one, or say --workspace DIR\n"
    )
    folder = workspace(tmp_path / "work")
    done = katman(venv, folder, "check", "--workspace", "pipeline")  # told where: no folder above is meant
    assert done.returncode == 1
    assert done.stderr.startswith(f"katman: {folder / 'pipeline'} is no workspace; wanted")
    assert katman(venv, folder, "check", "--workspace").returncode == 2


def test_launcher_never_runs_the_code_of_another_workspace(venv: Path, tmp_path: Path) -> None:
    outer = workspace(tmp_path / "outer")
    bare = workspace(outer / "bare")
    shutil.rmtree(bare / "pipeline")
    done = katman(venv, bare, "check", env={"PYTHONPATH": str(outer)})
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"katman: the workspace {bare} has no pipeline/__main__.py; wanted its own")
    # Nor where another one's stands first on the path, or beside the launcher.
    inner = workspace(outer / "inner")
    ran(katman(venv, inner, "check", env={"PYTHONPATH": str(outer)}), inner, venv, inner, "check")


@pytest.mark.parametrize("linked", [".venv", "katman"])
def test_launcher_works_through_a_link(venv: Path, tmp_path: Path, linked: str) -> None:
    folder = workspace(tmp_path / "work")
    link = tmp_path / linked
    link.symlink_to(venv if linked == ".venv" else venv / "bin" / "katman")
    command = link / "bin" / "katman" if linked == ".venv" else link
    done = subprocess.run([command, "check"], cwd=folder, capture_output=True, text=True, check=False)
    ran(done, folder, venv, folder, "check")


def test_launcher_imports_nothing_but_the_standard_library() -> None:
    assert {name.split(".")[0] for name in imports(PROJECT / "launcher.py")} <= sys.stdlib_module_names


def test_launcher_leads_to_the_real_steps(venv: Path, tmp_path: Path) -> None:
    """What `katman` says is what `python -m pipeline` says, and paths are those of where it was typed."""
    here, env = PROJECT / "docs", {"PATH": os.environ["PATH"]}
    done = katman(venv, here, "releases", "--workspace", "..", env=env)
    same = subprocess.run(
        [sys.executable, "-m", "pipeline", "releases"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (same.returncode, same.stdout, same.stderr)
    assert done.returncode == 0
    assert katman(venv, here, "--help", env=env).stdout.startswith("usage: katman [-h] STEP ...\n")
