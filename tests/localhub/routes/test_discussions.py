from __future__ import annotations

import json

import pytest
from huggingface_hub.community import DiscussionStatusChange
from huggingface_hub.errors import BadRequestError, HfHubHTTPError, RevisionNotFoundError

from tests.localhub.conftest import TestHub
from tests.support.proposing import propose, put, refused


def test_discussions_are_listed_by_type_status_and_author(hub: TestHub, model: str) -> None:
    for number in range(53):
        hub.owner.create_discussion(model, f"Question {number}", description="?")
    propose(hub.owner, model, {"a": b"1"})
    hub.owner.create_pull_request(model, "draft")
    hub.owner.change_discussion_status(model, 53, "closed")
    hub.owner.merge_pull_request(model, 54)
    every = list(hub.reader.get_repo_discussions(model))
    assert [one.num for one in every] == list(range(55, 0, -1))
    assert (every[-1].title, every[-1].author, every[-1].status) == ("Question 0", "ann", "open")

    def nums(**filters: str) -> list[int]:
        return [one.num for one in hub.anonymous.get_repo_discussions(model, **filters)]  # type: ignore[arg-type]

    assert nums(discussion_type="pull_request") == [55, 54]
    assert nums(discussion_type="pull_request", discussion_status="open") == [55]
    assert nums(discussion_status="closed") == [54, 53]
    assert len(nums(discussion_type="discussion", discussion_status="open")) == 52
    assert nums(author="bob") == []
    assert len(nums(author="ann")) == 55


def test_discussions_comments_titles_and_statuses_are_events(hub: TestHub, model: str) -> None:
    opened = hub.owner.create_discussion(model, " A question ", description="Why?")
    assert (opened.title, opened.status, opened.is_pull_request) == ("A question", "open", False)
    assert (opened.diff, opened.target_branch, opened.git_reference) == (None, None, None)
    comment = hub.owner.comment_discussion(model, 1, "Because of *this* <script>alert(1)</script>")
    assert "<em>this</em> &lt;script&gt;" in comment.rendered
    edited = hub.owner.edit_discussion_comment(model, 1, comment.id, "Because.")
    assert (edited.content, edited.edited, edited.number_of_edits) == ("Because.", True, 1)
    with pytest.warns(UserWarning, match="Hidden"):
        hidden = hub.owner.hide_discussion_comment(model, 1, comment.id)
    assert hidden.hidden
    assert "Because" not in json.dumps(hidden._event)
    renamed = hub.owner.rename_discussion(model, 1, "Another")
    assert (renamed.old_title, renamed.new_title) == ("A question", "Another")
    hub.owner.change_discussion_status(model, 1, "closed", comment="Done.")
    details = hub.reader.get_discussion_details(model, 1)
    assert (details.title, details.status) == ("Another", "closed")
    assert [event.type for event in details.events] == [
        "comment",
        "comment",
        "title-change",
        "comment",
        "status-change",
    ]
    last = details.events[-1]
    assert isinstance(last, DiscussionStatusChange)
    assert last.new_status == "closed"
    with pytest.raises(BadRequestError, match="no pull request"):
        hub.owner.merge_pull_request(model, 1)
    with pytest.raises(BadRequestError, match="hidden"):
        hub.owner.edit_discussion_comment(model, 1, comment.id, "Again.")


def test_discussions_unknown_numbers_are_404(hub: TestHub, model: str) -> None:
    for call in (
        lambda: hub.owner.get_discussion_details(model, 7),
        lambda: hub.owner.comment_discussion(model, 7, "?"),
        lambda: hub.owner.merge_pull_request(model, 7),
        lambda: hub.owner.rename_discussion(model, 7, "?"),
        lambda: hub.owner.change_discussion_status(model, 7, "closed"),
    ):
        with pytest.raises(HfHubHTTPError) as error:
            call()
        assert refused(error) == (404, "DiscussionNotFound")
    with pytest.raises(RevisionNotFoundError):
        put(hub.owner, model, "a", b"1", "refs/pr/7")


def test_discussions_a_read_token_looks_and_changes_nothing(hub: TestHub, model: str) -> None:
    propose(hub.owner, model, {"a": b"1"})
    assert hub.reader.get_discussion_details(model, 1).diff
    for call in (
        lambda: propose(hub.reader, model, {"b": b"1"}),
        lambda: put(hub.reader, model, "b", b"1", "refs/pr/1"),
        lambda: hub.reader.create_discussion(model, "?"),
        lambda: hub.reader.comment_discussion(model, 1, "?"),
        lambda: hub.reader.merge_pull_request(model, 1),
        lambda: hub.reader.change_discussion_status(model, 1, "closed"),
    ):
        with pytest.raises(HfHubHTTPError) as error:
            call()
        assert refused(error) == (403, "Forbidden")
    with pytest.raises(HfHubHTTPError) as error:
        hub.anonymous.merge_pull_request(model, 1)
    assert refused(error) == (401, "LoginRequired")
    assert len(hub.owner.get_discussion_details(model, 1).events) == 2


def test_discussions_of_private_and_gated_repos_give_nothing_away(hub: TestHub, model: str) -> None:
    propose(hub.owner, model, {"secret.txt": b"very secret\n"})
    hub.owner.update_repo_settings(model, gated="manual")
    assert hub.anonymous.get_discussion_details(model, 1).diff is None
    assert "very secret" in (hub.owner.get_discussion_details(model, 1).diff or "")
    hub.owner.update_repo_settings(model, gated=False, visibility="private")
    with pytest.raises(HfHubHTTPError) as error:
        hub.anonymous.get_discussion_details(model, 1)
    assert refused(error) == (401, "RepoNotFound")
    with pytest.raises(HfHubHTTPError):
        list(hub.anonymous.get_repo_discussions(model))
