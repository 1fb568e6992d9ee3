from __future__ import annotations

from pathlib import Path

import pygit2
import pytest

from localhub.discussions import documents
from localhub.discussions.documents import Discussion
from localhub.errors import BadRequest, DiscussionNotFound, Forbidden


def opened(num: int, target: str | None = None) -> Discussion:
    return Discussion(num, "Title", "ann", "now", "open", [documents.comment("ann", "Neden?")], target)


def test_documents_come_back_as_they_were_kept_the_newest_first(tmp_path: Path) -> None:
    assert list(documents.load_all(tmp_path)) == []
    kept = [opened(num) for num in (2, 10, 1)]
    for one in kept:
        documents.save(tmp_path, one)
    assert [one.num for one in documents.load_all(tmp_path)] == [10, 2, 1]
    assert documents.load(tmp_path, 2) == kept[0]
    with pytest.raises(DiscussionNotFound):
        documents.load(tmp_path, 3)


def test_documents_share_their_numbers_with_pull_requests_that_git_knows(tmp_path: Path) -> None:
    git = pygit2.init_repository(str(tmp_path), bare=True)
    assert documents.next_number(tmp_path, git) == 1
    signed = pygit2.Signature("ann", "a@b")
    head = git.create_commit(None, signed, signed, "m", git.TreeBuilder().write(), [])
    documents.save(tmp_path, opened(2, "main"))
    for name in ("refs/pr/2", "refs/pr/5", "refs/heads/main"):
        git.references.create(name, head)
    assert documents.next_number(tmp_path, git) == 6  # of one that a killed server never opened, too
    documents.remove_half_opened(tmp_path, git)
    assert sorted(git.references) == ["refs/heads/main", "refs/pr/2"]
    assert documents.next_number(tmp_path, git) == 3


def test_comment_is_edited_by_its_author_until_it_is_hidden() -> None:
    found = opened(1).with_events(documents.status_change("ann", "closed"))
    first, change = (str(event["id"]) for event in found.events)
    edited = documents.edit_comment(found, first, "ann", "Çünkü.")
    data = edited.events[0]["data"]
    assert (data["latest"]["raw"], data["edited"], data["hidden"]) == ("Çünkü.", True, False)
    assert [one["raw"] for one in data["history"]] == ["Neden?"]
    assert found.events[0]["data"]["latest"]["raw"] == "Neden?"  # what was read before stays as it was
    with pytest.raises(Forbidden):
        documents.edit_comment(found, first, "bob", "x")
    for unknown in (change, "0"):  # a change of status is no comment
        with pytest.raises(DiscussionNotFound):
            documents.edit_comment(found, unknown, "ann", "x")
    hidden = documents.edit_comment(edited, first, "ann", None)
    data = hidden.events[0]["data"]
    assert (data["latest"]["raw"], data["hidden"], data["history"]) == (
        "This comment has been hidden",
        True,
        [],
    )
    with pytest.raises(BadRequest, match="was hidden"):
        documents.edit_comment(hidden, first, "ann", "again")
