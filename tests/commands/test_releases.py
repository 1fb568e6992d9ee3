"""`releases`: one row per release, and which one runs."""

from pathlib import Path

import pytest

from pipeline.commands import releases
from pipeline.params import load
from pipeline.workspace import paths
from tests.conftest import Make
from tests.support import records

REPO = "tester/listed"


@pytest.fixture
def folder(make_workspace: Make, writer: object) -> Path:
    return make_workspace({"release.repo": REPO}, dvc=False)


def rows(folder: Path) -> list[list[str]]:
    return [line.split() for line in releases.run(folder, load(folder))]


def test_releases_of_nothing_says_so(folder: Path) -> None:
    assert releases.run(folder, load(folder)) == [f"nothing was released to {REPO} from here yet"]


def test_releases_are_listed_oldest_first_with_what_each_was(folder: Path) -> None:
    gate = paths.RECORDS["gate"]
    records.put(
        folder,
        records.receipt("v1", repo=REPO, records={gate: "9" * 64}, released_at="2026-01-01T00:00:00+00:00"),
        records.receipt("v2", repo=REPO, candidate="d" * 64, released_at="2026-02-01T00:00:00+00:00"),
        records.receipt(
            "v3",
            repo=REPO,
            kind="rollback",
            restores="v1",
            released_at="2026-03-01T00:00:00+00:00",
        ),
        records.receipt("v1", repo="else/where", commit="7" * 40),
    )
    head, first, second, third = releases.run(folder, load(folder))
    assert head.split()[:3] == ["version", "kind", "date"]
    assert first.split()[:4] == ["v1", "release", "2026-01-01", "999999999999"]
    assert second.split()[:4] == ["v2", "release", "2026-02-01", "unknown"]
    assert second.endswith("withdrawn")
    assert "rollback to v1" in third
    assert third.endswith("main")
    assert "main" not in first


def test_releases_says_where_the_hub_could_not_be_asked(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records.put(folder, records.receipt("v1", repo=REPO))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    *_, said = releases.run(folder, load(folder))
    assert said.startswith("the Hub's tag deployed could not be asked: ")
