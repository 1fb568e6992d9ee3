from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from starlette.requests import Request

from localhub import errors
from localhub.errors import EntryNotFound, GatedRepo, MergeConflict, Moved, Refusal, RepoNotFound

REQUEST = Request({"type": "http"})


def kinds(parent: type[Refusal]) -> Iterator[type[Refusal]]:
    for kind in parent.__subclasses__():
        yield kind
        yield from kinds(kind)


def test_errors_are_drawn_as_they_are() -> None:
    drawn = re.findall(r"[├└]── (\w+) +(\d{3})(?:  (\w+))?", errors.__doc__ or "")
    assert {(kind.__name__, str(kind.status), kind.code) for kind in kinds(Refusal)} == set(drawn)


def test_errors_are_answered_in_a_header_of_ascii_and_a_body_as_it_is() -> None:
    answer = errors.answer(REQUEST, EntryNotFound("no şarkı\r\nX-Other: 1 ", commit="c" * 40))
    assert answer.status_code == 404
    assert answer.headers["X-Error-Code"] == "EntryNotFound"
    assert answer.headers["X-Error-Message"] == "no %C5%9Fark%C4%B1%0D%0AX-Other: 1"
    assert answer.headers["X-Repo-Commit"] == "c" * 40
    assert "X-Other" not in answer.headers
    assert json.loads(bytes(answer.body)) == {"error": "no şarkı\r\nX-Other: 1 "}


def test_errors_say_more_where_the_client_needs_it() -> None:
    moved = errors.answer(REQUEST, Moved("/ann/new"))
    assert (moved.status_code, moved.headers["Location"]) == (307, "/ann/new")
    assert "X-Error-Code" not in moved.headers
    conflict = errors.answer(REQUEST, MergeConflict(3, ["a", "b"]))
    assert json.loads(bytes(conflict.body))["filesWithConflicts"] == ["a", "b"]


@pytest.mark.parametrize(("anonymous", "statuses"), [(True, [401, 401]), (False, [404, 403])])
def test_errors_tell_nobody_without_a_token_whether_a_repo_is_there(
    anonymous: bool, statuses: list[int]
) -> None:
    refusals = (RepoNotFound(anonymous=anonymous), GatedRepo("a/b", "/a/b", anonymous=anonymous))
    assert [errors.answer(REQUEST, one).status_code for one in refusals] == statuses
