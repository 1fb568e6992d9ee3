from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub.errors import (
    HfHubHTTPError,
)
from huggingface_hub.utils._http import get_session

from tests.localhub.conftest import OWNER, WEIGHTS, TestHub, card_and_weights


@pytest.mark.parametrize("kind", ["model", "dataset"])
def test_context_a_moved_repo_is_led_to_by_its_old_name(
    hub: TestHub, names: Iterator[str], kind: str, tmp_path: Path
) -> None:
    old, new = next(names), next(names)
    hub.owner.create_repo(old, repo_type=kind)
    hub.owner.create_commit(old, card_and_weights(), commit_message="first", repo_type=kind)
    hub.owner.move_repo(old, new, repo_type=kind)
    for asked in (old, old.upper(), new.upper()):
        assert hub.anonymous.repo_info(asked, repo_type=kind).id == new
        got = hub.anonymous.snapshot_download(asked, repo_type=kind, cache_dir=tmp_path / asked)
        assert (Path(got) / "model.safetensors").read_bytes() == WEIGHTS
        hub.owner.upload_file(
            path_or_fileobj=WEIGHTS + asked.encode(), path_in_repo="b.bin", repo_id=asked, repo_type=kind
        )
    address = f"{hub.endpoint}/{'datasets/' if kind == 'dataset' else ''}"
    page = get_session().get(f"{address}{old}", follow_redirects=False)
    assert (page.status_code, page.headers["Location"]) == (307, f"{address}{new}".removeprefix(hub.endpoint))
    hub.owner.create_repo(old, repo_type=kind)
    with pytest.raises(HfHubHTTPError, match=f"A {kind} repository called {new} already exists"):
        hub.owner.move_repo(old, new, repo_type=kind)
    assert hub.owner.repo_info(old, repo_type=kind).id == old


def test_context_a_moved_private_repo_does_not_say_where(hub: TestHub, names: Iterator[str]) -> None:
    old, new = next(names), next(names)
    hub.owner.create_repo(old, private=True)
    hub.owner.move_repo(old, new)
    answer = get_session().get(f"{hub.endpoint}/api/models/{old}", follow_redirects=False)
    assert (answer.status_code, answer.headers["X-Error-Code"]) == (401, "RepoNotFound")
    assert new not in answer.text + str(answer.headers)


@pytest.mark.parametrize("body", [{"fromRepo": "a", "toRepo": "b/c"}, {"fromRepo": 1, "toRepo": "b/c"}, {}])
def test_context_a_move_names_two_repos(hub: TestHub, body: dict[str, object]) -> None:
    headers = {"Authorization": f"Bearer {OWNER.token}"}
    answer = get_session().post(f"{hub.endpoint}/api/repos/move", json=body, headers=headers)
    assert (answer.status_code, answer.headers["X-Error-Code"]) == (400, "BadRequest")


def test_context_a_name_in_other_letters_is_taken(hub: TestHub, model: str) -> None:
    url = hub.owner.create_repo(model.upper().replace("ANN/", "ann/"), exist_ok=True)
    assert url.repo_id == model
