"""The whole line through `dvc repro` and a release, as a user runs it."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx2 as httpx
import pytest
from huggingface_hub import HfApi, snapshot_download

from pipeline.params import load
from pipeline.records import Metrics, Verdict
from pipeline.workspace import digests, lineage, log, paths, receipts
from tests.conftest import Stage
from tests.support import documents, workspaces
from tests.support.workspaces import PROJECT, git, set_params

REPO = "tester/line"
DEAD = "http://127.0.0.1:1"


@dataclass(frozen=True)
class Line:
    """A workspace in which `dvc repro` ran, and what it said."""

    folder: Path
    env: dict[str, str]
    output: str

    def dvc(self, *arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["dvc", *arguments],
            cwd=self.folder,
            env=self.env if env is None else env,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def reproduced(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Line:
    root = tmp_path_factory.mktemp("reproduced")
    changes = {
        "dataset.revision": stage.dataset,
        "base.revision": stage.base,
        "live.repo": REPO,
        "release.repo": REPO,
    }
    folder = workspaces.make(root / "work", changes)
    made = Line(folder, workspaces.environment(stage.endpoint, root / "home"), "")
    ran = made.dvc("repro")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "Run")
    return Line(folder, made.env, ran.stdout)


@pytest.fixture
def line(reproduced: Line, stage: Stage, tmp_path: Path) -> Line:
    workspaces.forget(stage.endpoint, REPO)
    folder = Path(shutil.copytree(reproduced.folder, tmp_path / "line", symlinks=True))
    return Line(folder, reproduced.env, reproduced.output)


def test_line_runs_every_stage_in_order(reproduced: Line) -> None:
    ran = [part.split("'")[0] for part in reproduced.output.split("Running stage '")[1:]]
    assert ran == list(lineage.NAMES)
    assert lineage.broken_links(reproduced.folder) == []
    assert lineage.unlocked(reproduced.folder) == []
    metrics = Metrics.load(reproduced.folder / paths.RECORDS["evaluate"])
    assert set(metrics.models) == {"base", "candidate"}
    assert Verdict.load(reproduced.folder / paths.RECORDS["gate"]).passed


def test_line_again_runs_nothing_and_needs_no_network(line: Line, tmp_path: Path) -> None:
    before = digests.files(line.folder / "records")
    ran = line.dvc("repro", env=workspaces.environment(DEAD, tmp_path / "home", token=None))
    assert ran.returncode == 0, ran.stderr
    assert "Running stage" not in ran.stdout
    assert "Data and pipelines are up to date." in ran.stdout
    assert digests.files(line.folder / "records") == before
    assert git(line.folder, "status", "--porcelain") == ""


def test_line_released_is_on_the_hub_and_leaves_a_clean_workspace(
    line: Line, stage: Stage, tmp_path: Path
) -> None:
    released = workspaces.pipeline(line.folder, line.env, "release")
    assert released.returncode == 0, released.stderr
    assert released.stdout.startswith(f"released: {REPO} v1 at ")
    commit = released.stdout.split(" at ")[1].split(" ")[0]
    api = HfApi(endpoint=stage.endpoint, token=workspaces.TOKEN)
    assert api.model_info(REPO).sha == commit
    folder = Path(
        snapshot_download(REPO, revision=commit, endpoint=stage.endpoint, cache_dir=tmp_path / "empty")
    )
    ours = digests.files(line.folder / "model") | digests.files(line.folder / "card")
    for path, wanted in ours.items():
        assert digests.sha256(folder / path) == wanted
    again = workspaces.pipeline(line.folder, line.env, "release")
    assert (again.returncode, again.stdout[:17]) == (0, "already released:")
    status = line.dvc("status")
    assert "Data and pipelines are up to date." in status.stdout
    assert git(line.folder, "status", "--porcelain") == ""
    ran = line.dvc("repro")
    assert "Running stage" not in ran.stdout


def test_line_released_card_says_the_truth(line: Line, stage: Stage, tmp_path: Path) -> None:
    released = workspaces.pipeline(line.folder, line.env, "release")
    assert released.returncode == 0, released.stderr
    text = (line.folder / "card" / "README.md").read_text(encoding="utf-8")
    links = set(re.findall(r"\]\((http[^)]+)\)", text))
    ours = {link for link in links if link.startswith(stage.endpoint)}
    assert len(ours) >= 5
    for link in ours:
        assert httpx.get(link, follow_redirects=True).status_code == 200, link
    # The others cannot be asked from here; they are the same in every card.
    assert {link.split("/")[2] for link in links - ours} == {
        "www.SBERT.net",
        "sbert.net",
        "github.com",
        "huggingface.co",
    }
    for number, code in enumerate(re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)):
        script = tmp_path / f"{number}.py"
        script.write_text(code, encoding="utf-8")
        env = workspaces.environment(stage.endpoint, tmp_path / "reader", token=None)
        ran = subprocess.run(
            [sys.executable, str(script)], env=env, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stderr
        assert ran.stdout.splitlines() == re.findall(r"^# (.*)$", code, flags=re.MULTILINE)
    verified(line, text.split("### How to verify this release", 1)[1], tmp_path, stage.endpoint)


def verified(line: Line, section: str, folder: Path, endpoint: str) -> None:
    """Run the three commands of the card: two where a reader is, the last where the receipt lies."""
    commands = section.split("```bash\n", 1)[1].split("```", 1)[0].splitlines()
    assert len(commands) == 3
    env = workspaces.environment(endpoint, folder / "verifier", token=None)
    env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env.get('PATH', os.defpath)}"
    ran = subprocess.run(
        ["bash", "-euc", "\n".join(commands[:2])],
        env=env,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "config.json: OK" in ran.stdout
    (downloaded,) = folder.glob("*-v*")
    config = downloaded / "config.json"
    config.write_text(config.read_text(encoding="utf-8") + " ", encoding="utf-8")
    ran = subprocess.run(
        ["bash", "-euc", commands[1]], env=env, cwd=folder, capture_output=True, text=True, check=False
    )
    assert ran.returncode != 0
    assert "config.json: FAILED" in ran.stdout
    address, katman, *arguments = commands[2].split()
    assert (address, katman) == (f"HF_ENDPOINT={endpoint}", "katman")
    done = workspaces.pipeline(line.folder, line.env, *arguments)
    assert done.returncode == 0, done.stderr


def test_line_judges_again_without_another_look(line: Line) -> None:
    before = log.head(line.folder)
    again = line.dvc("repro", "--force", "--single-item", "gate")
    assert again.returncode == 0, again.stderr
    assert log.head(line.folder) == before is not None
    assert git(line.folder, "status", "--porcelain") == ""


def test_line_leaves_the_token_nowhere(line: Line, tmp_path: Path) -> None:
    released = workspaces.pipeline(line.folder, line.env, "release")
    assert released.returncode == 0, released.stderr
    again = line.dvc("repro", "--force", "--verbose")
    assert again.returncode == 0, again.stderr
    (tmp_path / "said").write_text(line.output + released.stderr + again.stdout + again.stderr, "utf-8")
    assert (Path(line.env["HF_HOME"]) / "hub").is_dir()
    # The workspace with its .git and .dvc, the client's cache, and what was said.
    assert workspaces.holding_token(tmp_path, Path(line.env["HF_HOME"])) == []


def test_line_runs_only_what_a_change_concerns(line: Line) -> None:
    set_params(line.folder, {"card.domain": "telekomünikasyon"})
    ran = line.dvc("repro")
    assert [part.split("'")[0] for part in ran.stdout.split("Running stage '")[1:]] == ["card"]
    assert lineage.broken_links(line.folder) == []
    assert "telekomünikasyon" in (line.folder / "card" / "README.md").read_text(encoding="utf-8")


def test_line_that_failed_comes_back_with_git_and_dvc_checkout(line: Line, tmp_path: Path) -> None:
    set_params(line.folder, {"dataset.revision": "0" * 40})
    ran = line.dvc("repro")
    assert ran.returncode != 0
    assert "pin: could not look at dataset tester/triplets" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert not (line.folder / paths.RECORDS["pin"]).exists()
    git(line.folder, "checkout", "--", ".")
    dead = workspaces.environment(DEAD, tmp_path / "home", token=None)
    back = line.dvc("checkout", env=dead)
    assert back.returncode == 0, back.stderr
    assert lineage.broken_links(line.folder) == []
    assert "Data and pipelines are up to date." in line.dvc("status", env=dead).stdout


def test_line_brings_lost_artifacts_back_with_a_checkout_and_no_network(line: Line, tmp_path: Path) -> None:
    for path in ("data", "model", "card"):
        shutil.rmtree(line.folder / path)
    (line.folder / "outcomes.parquet").unlink()
    back = line.dvc("checkout", env=workspaces.environment(DEAD, tmp_path / "home", token=None))
    assert back.returncode == 0, back.stderr
    assert lineage.broken_links(line.folder) == []


def test_line_shows_metrics_and_plots(line: Line) -> None:
    shown = line.dvc("metrics", "show", "--json")
    assert shown.returncode == 0, shown.stderr
    assert paths.SUMMARY in shown.stdout
    assert '"outcome": "passed"' in shown.stdout
    plots = line.dvc("plots", "show", "--json")
    assert plots.returncode == 0, plots.stderr
    assert "accuracy_full" in plots.stdout
    assert "card/pictures/bytes.svg" in plots.stdout


@pytest.mark.long
def test_line_as_the_first_page_says_leads_through_two_releases(line: Line, tmp_path: Path) -> None:
    typed = documents.commands(PROJECT / "docs" / "start.md")
    assert tuple(typed[-len(documents.STARTED) :]) == documents.STARTED
    env = workspaces.with_katman(line.env, tmp_path / "bin")

    def go_through(version: str, commands: Sequence[str]) -> Verdict:
        for command in commands:
            words = command.replace("v1", version)
            ran = subprocess.run(
                ["bash", "-c", words], cwd=line.folder, env=env, capture_output=True, text=True, check=False
            )
            assert ran.returncode == 0, f"{words}\n{ran.stdout}{ran.stderr}"
        return Verdict.load(line.folder / paths.RECORDS["gate"])

    assert go_through("v1", documents.STARTED).first_release
    first = receipts.for_repo(line.folder, REPO)[-1]
    # Whether old vectors can stay beside new ones is another matter.
    set_params(line.folder, {"train.learning_rate": 0.002, "evaluate.compatible_loss": 1.0})
    counted = ("dvc repro audit", "katman plan")  # can be left out from the second release on
    second = go_through("v2", [one for one in documents.STARTED if one not in counted])
    assert not second.first_release
    assert second.compared_with == {"live": first.commit, "anchor": first.commit}
    assert [one.version for one in receipts.for_repo(line.folder, REPO)] == ["v1", "v2"]
    assert load(line.folder).live.revision == first.commit
    assert git(line.folder, "status", "--porcelain") == ""
