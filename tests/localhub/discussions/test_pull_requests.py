from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError

from localhub.process import serve
from tests.localhub.conftest import OWNER, READER
from tests.support.proposing import head, propose


def test_discussions_outlive_the_server_and_go_with_their_repo(tmp_path: Path) -> None:
    with serve(tmp_path, [OWNER]) as running:
        api = HfApi(endpoint=running.endpoint, token=OWNER.token)
        api.create_repo("ann/kept")
        propose(api, "ann/kept", {"a": b"1"})
        api.comment_discussion("ann/kept", 1, "Çok güzel.")
        before = api.get_discussion_details("ann/kept", 1)
    with serve(tmp_path, [OWNER], port=int(running.endpoint.rpartition(":")[2])) as running:
        api = HfApi(endpoint=running.endpoint, token=OWNER.token)
        assert api.get_discussion_details("ann/kept", 1) == before
        api.delete_repo("ann/kept")
        api.create_repo("ann/kept")
        assert list(api.get_repo_discussions("ann/kept")) == []
        assert propose(api, "ann/kept", {"a": b"1"}).pr_num == 1


def test_discussions_heal_what_a_killed_server_left(tmp_path: Path) -> None:
    repo = "ann/healed"
    with serve(tmp_path, [OWNER]) as running:
        api = HfApi(endpoint=running.endpoint, token=OWNER.token)
        api.create_repo(repo)
        propose(api, repo, {"a": b"1"})
        git = tmp_path / "models" / f"{repo}.git"
        unmerged = (git / "discussions" / "1.json").read_bytes()
        api.merge_pull_request(repo, 1)
        propose(api, repo, {"b": b"1"})
        main = head(api, repo)
        running.process.kill()
        running.process.wait()
    # As they are between the merge commit and the status, and between the reference and the file.
    (git / "discussions" / "1.json").write_bytes(unmerged)
    (git / "discussions" / "2.json").unlink()
    with serve(tmp_path, [OWNER]) as running:
        api = HfApi(endpoint=running.endpoint, token=OWNER.token)
        details = api.get_discussion_details(repo, 1)
        assert (details.status, details.merge_commit_oid) == ("merged", main)
        assert details.events[-1].author == "ann"
        with pytest.raises(HfHubHTTPError, match="is merged"):
            api.merge_pull_request(repo, 1)
        refs = api.list_repo_refs(repo, include_pull_requests=True).pull_requests
        assert refs is not None
        assert [ref.ref for ref in refs] == ["refs/pr/1"]
        assert json.loads((git / "discussions" / "1.json").read_bytes())["status"] == "merged"
        assert propose(api, repo, {"b": b"1"}).pr_num == 2


def test_discussions_survive_kill_9_open_or_merged(tmp_path: Path) -> None:
    """The server is killed at a different moment of each merge; the next one finds it merged or open."""
    repo, port = "ann/killed", 0
    for attempt in range(1, 9):
        with serve(tmp_path, [OWNER], port=port) as running:
            port = int(running.endpoint.rpartition(":")[2])
            api = HfApi(endpoint=running.endpoint, token=OWNER.token)
            api.create_repo(repo, exist_ok=True)
            made = propose(api, repo, {f"{attempt}.txt": b"1"})
            assert made.pr_num == attempt
            killer = threading.Timer(attempt * 0.004 - 0.004, running.process.kill)
            killer.start()
            try:
                api.merge_pull_request(repo, attempt)
                landed = True
            except Exception:  # whatever a dying server makes of it
                landed = False
            killer.join()
            running.process.wait()
        with serve(tmp_path, [OWNER, READER], port=port) as running:
            api = HfApi(endpoint=running.endpoint, token=OWNER.token)
            is_there = f"{attempt}.txt" in api.list_repo_files(repo)
            assert api.get_discussion_details(repo, attempt).status == ("merged" if is_there else "open")
            assert is_there or not landed
            if not is_there:
                api.merge_pull_request(repo, attempt)
            assert f"{attempt}.txt" in api.list_repo_files(repo)
