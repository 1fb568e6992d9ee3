"""What was fetched of a commit is kept once, by kind, repository and commit."""

from pathlib import Path

from pipeline.records.log import Fetched
from pipeline.records.pin import RepoKind
from pipeline.stages.pin import fetched
from pipeline.workspace import log
from tests.support.golden_records import GOLDEN
from tests.support.workspaces import repository

PIN = GOLDEN.pin
BASE: tuple[RepoKind, str, str] = ("model", PIN.base.repo, PIN.base.revision)


def test_fetched_keeps_what_is_new_and_nothing_twice(tmp_path: Path) -> None:
    repository(tmp_path)
    assert fetched.known(tmp_path) == {}
    fetched.keep(tmp_path, PIN)
    first = log.head(tmp_path)
    assert fetched.known(tmp_path)[BASE] == {path: file.digest for path, file in PIN.base.files.items()}
    fetched.keep(tmp_path, PIN)
    assert log.head(tmp_path) == first


def test_fetched_gives_the_digest_that_came_first(tmp_path: Path) -> None:
    repository(tmp_path)
    for digest in ("git:a", "git:b"):
        log.append(tmp_path, Fetched(repo_kind="model", repo="a/b", commit="c", files={"x": digest}))
    assert fetched.known(tmp_path) == {("model", "a/b", "c"): {"x": "git:a"}}
