"""A year of weeks on one workspace: data moves, a candidate is refused, a Hub and a machine go.

The clock is the schedule's own: each week's time is the next of prefect.yaml, and nobody waits for it. The
steps are real and run in this process; DVC's part, whether a step has to run, is tried elsewhere.
"""

import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from dvc.repo import Repo

from flows import schedule
from localhub.process import User, serve
from pipeline import __main__ as main
from pipeline.records import Verdict
from pipeline.records.failure import FAILURE_FILE, read
from pipeline.workspace import paths, receipts
from tests.support import workspaces
from tests.support.workspaces import git, triplets

pytestmark = [pytest.mark.faults, pytest.mark.timeout(7200)]

WEEKS = int(os.environ.get("FAULTS_WEEKS", "52"))
# By week: the exported data is broken, the Hub is away, the machine is gone.
SPOILED, AWAY, LOST = (max(least, WEEKS * share // 52) for least, share in ((2, 12), (3, 25), (4, 40)))
REPO = "tester/year"
LINE = ("refresh", "pin", "audit", "train", "evaluate", "gate", "card")


@dataclass
class Year:
    """A workspace, its Hub and where its backup goes.

    Attributes:
        folder: The workspace's, on the machine that is there now.
    """

    root: Path
    folder: Path
    hub: ExitStack
    port: int = 0

    def start_hub(self) -> str:
        """Start the Hub, on the port that it had before."""
        users = [User("tester", "write", workspaces.TOKEN)]
        log = self.root / "hub.log"
        running = self.hub.enter_context(serve(self.root / "hub", users, port=self.port, log=log))
        self.port = int(running.endpoint.rpartition(":")[2])
        return running.endpoint

    def step(self, *words: str) -> int:
        """Run a step as `katman STEP` does, with what it holds and refuses."""
        main.__file__ = str(self.folder / "pipeline" / "__main__.py")
        return int(main.main([*words, "--workspace", str(self.folder)]))

    def export(self, week: int, endpoint: str, *, spoiled: bool) -> None:
        """Put the week's data set on the Hub: more rows than in the week before."""
        train = triplets(60 + 2 * week, start=1000)
        if spoiled:
            train["positive"][: len(train["positive"]) * 2 // 3] = train["query"][
                : len(train["query"]) * 2 // 3
            ]
        folder = self.root / "export"
        test = triplets(30 + week, start=200)
        workspaces.write_splits(folder, {"train": train, "validation": triplets(20, start=100), "test": test})
        workspaces.put(endpoint, "tester/year-triplets", "dataset", folder)

    def lose(self) -> None:
        """Have the machine gone, and a new one with what the backup kept."""
        shutil.rmtree(self.folder)
        self.folder = self.root / "new-machine"
        git(
            self.root, "clone", "--quiet", "--branch", "kept", str(self.root / "backup.git"), str(self.folder)
        )
        for key, value in (("name", "Test"), ("email", "test@example.org")):
            git(self.folder, "config", f"user.{key}", value)
        assert self.step("restore") == 0


@pytest.fixture
def year(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Year]:
    with ExitStack() as stack:
        monkeypatch.setattr(main, "__file__", main.__file__)
        found = Year(tmp_path, tmp_path / "machine", stack.enter_context(ExitStack()))
        endpoint = found.start_hub()
        monkeypatch.setenv("HF_ENDPOINT", endpoint)
        monkeypatch.setenv("HF_TOKEN", workspaces.TOKEN)
        monkeypatch.setenv(FAILURE_FILE, str(tmp_path / "failure.json"))
        workspaces.tiny_model(tmp_path / "tiny")
        git(tmp_path, "init", "--quiet", "--bare", str(tmp_path / "backup.git"))
        changes: dict[str, Any] = {
            "base.revision": workspaces.put(endpoint, "tester/tiny", "model", tmp_path / "tiny"),
            "dataset.repo": "tester/year-triplets",
            "live.repo": REPO,
            "release.repo": REPO,
            "release.backup": {"git": str(tmp_path / "backup.git"), "branch": "kept", "dvc": "kept"},
            "evaluate.compatible_loss": 1.0,
            "gate.max_rejected_share": 0.2,
            "gate.infeasible": "report",  # else such data is refused before it is trained on
        }
        workspaces.make(found.folder, changes)
        with Repo(str(found.folder)) as repo, repo.config.edit() as config:
            config["remote"]["kept"] = {"url": str(tmp_path / "dvc")}
        git(found.folder, "commit", "--quiet", "--all", "--message", "Back up")
        yield found


def run(year: Year) -> str:
    """One run of the line; returns how it ended."""
    for name in LINE:
        if year.step(name) != 0:
            said = read(Path(os.environ[FAILURE_FILE]))
            assert said is not None
            return "waits for the Hub" if said.passing else f"failed: {said.message}"
    workspaces.commit(year.folder)
    if not Verdict.load(year.folder / paths.RECORDS["gate"]).passed:
        return "refused"
    assert year.step("release") == 0
    version = receipts.for_repo(year.folder, REPO)[-1].version
    assert year.step("deployed", version) == 0
    return f"released {version}"


def test_year_releases_refuses_and_restores_as_it_should(
    year: Year, capsys: pytest.CaptureFixture[str]
) -> None:
    rows: list[tuple[datetime, str]] = []
    now = datetime(2026, 1, 1, tzinfo=UTC)
    for week in range(1, WEEKS + 1):
        now = schedule.following(year.folder, now)[0]
        endpoint = os.environ["HF_ENDPOINT"]
        year.export(week, endpoint, spoiled=week == SPOILED)
        if week == AWAY:
            year.hub.close()
            rows.append((now, run(year)))
            now += timedelta(hours=1)  # as flows/retrain.py lets it come again
            year.start_hub()
        if week == LOST:
            year.lose()
            rows.append((now, "restored on a new machine"))
        rows.append((now, run(year)))
    table = "\n".join(f"{time:%Y-%m-%d %H:%M}  {what}" for time, what in rows)
    with capsys.disabled():
        sys.stdout.write(f"\n{table}\n")
    counted = Counter(what.split(" v")[0] for _, what in rows)
    assert counted == {
        "released": WEEKS - 1,
        "refused": 1,
        "waits for the Hub": 1,
        "restored on a new machine": 1,
    }, table
    versions = [what.split()[1] for _, what in rows if what.startswith("released")]
    assert versions == [f"v{number}" for number in range(1, WEEKS)]
    tags = git(year.folder, "tag", "--list", "model/*").split()
    assert len(tags) == WEEKS - 1
