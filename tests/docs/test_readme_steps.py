"""README's numbered steps, as they are written, lead to two releases, the second compared with the first."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.params import load
from pipeline.records import Verdict
from pipeline.workspace import paths, receipts
from tests.conftest import Make, Stage
from tests.support import workspaces
from tests.support.workspaces import PROJECT, git, set_params

REPO = "tester/as-written"


def steps() -> dict[int, list[str]]:
    """Return the commands of each numbered step of README, in the order in which they stand."""
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    section = text.partition("## Use it for your model\n")[2].partition("\n## ")[0]
    numbered = re.findall(r"^(\d)\. (.*(?:\n   .*)*)", section, flags=re.MULTILINE)
    spans = {int(number): re.findall(r"`([^`]+)`", words) for number, words in numbered}
    return {
        number: [one for one in found if one.startswith(("katman ", "dvc ", "make ", "hf "))]
        for number, found in spans.items()
    }


@pytest.fixture
def katman(tmp_path: Path) -> Path:
    """A folder with the command `katman` as `make .venv` installs it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    command = folder / "katman"
    launcher = (PROJECT / "launcher.py").read_text(encoding="utf-8")
    command.write_text(f'#!/bin/sh\n"exec" "{sys.executable}" "$0" "$@"\n{launcher}', encoding="utf-8")
    command.chmod(0o755)
    return folder


def test_readme_names_every_step_in_its_order() -> None:
    found = steps()
    assert list(found) == list(range(1, len(found) + 1))
    assert found[1][0].startswith("make .venv")
    assert [one for number in sorted(found)[2:] for one in found[number]] == [
        "katman check",
        "katman refresh",
        "dvc repro",
        "katman release",
        "katman deployed v1",
    ]


def test_readme_steps_as_written_lead_through_two_releases(
    make_workspace: Make, stage: Stage, katman: Path, tmp_path: Path
) -> None:
    workspaces.forget(stage.endpoint, REPO)
    # Steps 1 and 2; whether old vectors can stay beside new ones is another matter.
    names = {"live.repo": REPO, "release.repo": REPO}
    folder = make_workspace({**names, "evaluate.compatible_loss": 1.0})
    env = workspaces.environment(stage.endpoint, tmp_path / "home")
    env["PATH"] = f"{katman}{os.pathsep}{env['PATH']}"

    def go_through(version: str) -> Verdict:
        found = steps()
        for command in [one for number in sorted(found)[2:] for one in found[number]]:
            typed = command.replace("v1", version)
            ran = subprocess.run(
                ["bash", "-c", typed], cwd=folder, env=env, capture_output=True, text=True, check=False
            )
            assert ran.returncode == 0, f"{typed}\n{ran.stdout}{ran.stderr}"
        return Verdict.load(folder / paths.RECORDS["gate"])

    assert go_through("v1").first_release
    first = receipts.for_repo(folder, REPO)[-1]
    set_params(folder, {"train.learning_rate": 0.002})
    second = go_through("v2")
    assert not second.first_release
    assert second.compared_with == {"live": first.commit, "anchor": first.commit}
    assert [one.version for one in receipts.for_repo(folder, REPO)] == ["v1", "v2"]
    assert load(folder).live.revision == first.commit
    assert git(folder, "status", "--porcelain") == ""
