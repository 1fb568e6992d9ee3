from __future__ import annotations

from pathlib import Path

import pytest
from huggingface_hub import HfApi

from localhub.errors import AlreadyExists, BadRequest, RepoNotFound
from localhub.process import serve
from localhub.repos.storage import Repo, RepoId, Store
from tests.localhub.conftest import OWNER

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


def test_storage_a_moved_repo_is_found_by_its_old_names_and_in_other_letters(tmp_path: Path) -> None:
    store = Store(tmp_path)
    found: Repo | None = None
    new, newest = RepoId("model", "__Team__", "Model"), RepoId("model", "team", "newest")
    store.move(store.move(store.create(MODEL, private=True, author="ann"), new), newest)
    for old in (MODEL, new, RepoId("model", "TEAM", "newest"), RepoId("model", "ann", "M")):
        assert store.find(old) is None
        found = store.find_elsewhere(old)
        assert found is not None
        assert (found.id, found.settings.private) == (newest, True)
    assert store.find_elsewhere(RepoId("dataset", "ann", "m")) is None
    with pytest.raises(AlreadyExists):
        store.create(RepoId("model", "Team", "Newest"), private=False, author="ann")
    assert found is not None
    store.delete(found)
    with pytest.raises(RepoNotFound):
        store.move(found, new)


def test_storage_a_name_that_led_elsewhere_may_be_taken_again(tmp_path: Path) -> None:
    store = Store(tmp_path)
    moved = store.move(store.create(MODEL, private=False, author="ann"), RepoId("model", "ann", "new"))
    taken = store.create(MODEL, private=False, author="ann")
    assert store.find(MODEL) == taken
    with pytest.raises(AlreadyExists, match="called ann/m already exists"):
        store.move(moved, RepoId("model", "ann", "M"))
    store.delete(taken)
    assert store.find_elsewhere(MODEL) is None
    back = store.move(moved, MODEL)
    assert store.find_elsewhere(RepoId("model", "ann", "new")) == back
    other = store.move(back, RepoId("model", "ann", "M"))
    assert (store.find(other.id), store.find_elsewhere(MODEL)) == (other, other)
    store.delete(other)
    assert store.find_elsewhere(MODEL) is None


def test_storage_root_is_for_its_owner_alone(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir(mode=0o755)
    with serve(root, [OWNER]) as running:
        api = HfApi(endpoint=running.endpoint, token=OWNER.token)
        api.create_repo("m")
        api.upload_file(repo_id="ann/m", path_in_repo="a.bin", path_or_fileobj=b"\0")
        api.create_discussion("ann/m", title="?")
        api.move_repo("ann/m", "ann/n")
        api.update_repo_settings("ann/n", gated="manual")
        api.grant_access("ann/n", "ann")
    for path in [root, *root.rglob("*")]:
        wanted = 0o700 if path.is_dir() else 0o600
        assert path.stat().st_mode & 0o777 & ~wanted == 0, path


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
