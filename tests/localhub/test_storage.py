from __future__ import annotations

from pathlib import Path

import pytest

from localhub.errors import AlreadyExists, BadRequest, RepoNotFound
from localhub.storage import RepoId, Store

MODEL = RepoId("model", "ann", "m")


def test_storage_a_root_has_one_server(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with pytest.raises(BlockingIOError):
        Store(tmp_path, lock_seconds=0)
    assert store.signing_key == (tmp_path / "signing.key").read_bytes()


def test_storage_what_a_killed_server_left_half_done_is_put_away(tmp_path: Path) -> None:
    (tmp_path / "staging" / "half" / "refs").mkdir(parents=True)
    store = Store(tmp_path)
    assert list((tmp_path / "staging").iterdir()) == []
    assert list(store.repos()) == []


def test_storage_a_repo_keeps_its_settings(tmp_path: Path) -> None:
    store = Store(tmp_path)
    made = store.create(MODEL, private=True, author="ann")
    assert store.find(MODEL) == made
    assert store.find(RepoId("dataset", "ann", "m")) is None
    store.change_settings(made, private=None, gated="auto")
    found = store.find(MODEL)
    assert found is not None
    assert (found.settings.private, found.settings.gated) == (True, "auto")
    with pytest.raises(AlreadyExists):
        store.create(MODEL, private=False, author="ann")
    store.delete(made)
    assert store.find(MODEL) is None
    with pytest.raises(RepoNotFound):
        store.delete(made)
    with pytest.raises(RepoNotFound):
        store.change_settings(made, private=True, gated=None)


@pytest.mark.parametrize(
    ("namespace", "name"),
    [
        ("..", "m"), ("ann", ".."), ("ann", "."), ("ann", ""), ("", "m"), ("ann", "a/b"), ("ann", "a--b"),
        ("ann", "a..b"), ("ann", "a.git"), ("ann", "-a"), ("ann", "a" * 93), ("Datasets", "m"),
        ("ann", "a\n"), ("ann", "ş"),
    ],
)  # fmt: skip
def test_storage_a_name_that_could_leave_the_root_is_refused(
    tmp_path: Path, namespace: str, name: str
) -> None:
    store = Store(tmp_path)
    repo_id = RepoId("model", namespace, name)
    assert store.find(repo_id) is None
    with pytest.raises(BadRequest, match="Invalid repo name"):
        store.create(repo_id, private=False, author="ann")
    assert not list(tmp_path.glob("models/*"))
