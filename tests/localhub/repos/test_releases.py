from __future__ import annotations

import json

import pytest
from huggingface_hub import CommitOperationAdd
from huggingface_hub.utils._http import get_session

from tests.localhub.conftest import CARD, TestHub


def statement(**internal: object) -> bytes:
    return json.dumps({"predicate": {"buildDefinition": {"internalParameters": internal}}}).encode()


def released(hub: TestHub, repo: str, tag: str, *files: CommitOperationAdd) -> None:
    hub.owner.create_commit(
        repo, [*files, CommitOperationAdd("version", tag.encode())], commit_message=f"the {tag}"
    )
    hub.owner.create_tag(repo, tag=tag)


def page(hub: TestHub, repo: str) -> str:
    return str(get_session().get(f"{hub.endpoint}/{repo}").text)


def test_releases_stand_below_the_card_with_their_verdicts(hub: TestHub, empty_model: str) -> None:
    passed = statement(verdict={"outcome": "passed"}, approval={"name": "<b>Ayşe</b>"})
    released(
        hub,
        empty_model,
        "v1",
        CommitOperationAdd("README.md", CARD),
        CommitOperationAdd("provenance.json", passed),
    )
    hub.owner.create_tag(empty_model, tag="deployed")
    refused = statement(verdict={"outcome": "refused"}, approval=None, restores="v1")
    released(hub, empty_model, "v2", CommitOperationAdd("provenance.json", refused))
    html = page(hub, empty_model)
    first, last = html.index(">A card</h1>"), html.index(">Files</h2>")
    assert first < html.index('<details class="metadata">') < html.index('id="page.releases"') < last
    rows = html[html.index('id="page.releases"') : last]
    assert '<span class="verdict good">passed</span>' in rows
    assert "approved by &lt;b&gt;Ayşe&lt;/b&gt;" in rows
    assert '<span class="verdict bad">refused</span>' in rows
    assert "puts back v1" in rows
    assert rows.index(">deployed<") < rows.index(">v1<") < rows.index("the v1")


def test_releases_are_not_spoken_of_where_there_are_no_tags(hub: TestHub, model: str) -> None:
    assert "Releases" not in page(hub, model)


@pytest.mark.parametrize(
    "content",
    [b"", b"not json", b"[" * 100_000, b"[]", b"null", b'{"predicate": []}', b'{"a": "\\ud800"}', b"\xff",
     statement(verdict="passed", approval=[]), statement(verdict={"outcome": {"a": 1}}), b" " * 2_000_000],
)  # fmt: skip
def test_releases_whatever_the_file_holds_there_is_no_verdict(
    hub: TestHub, empty_model: str, content: bytes
) -> None:
    released(hub, empty_model, "v1", CommitOperationAdd("provenance.json", content))
    html = page(hub, empty_model)
    assert "no verdict" in html
    assert 'class="verdict' not in html


def test_releases_a_verdict_is_shown_and_never_run(hub: TestHub, empty_model: str) -> None:
    hostile = statement(
        verdict={"outcome": '"><script>alert(1)</script>\ud800'}, restores="<img src=x>" * 100
    )
    released(hub, empty_model, "v1", CommitOperationAdd("provenance.json", hostile))
    html = page(hub, empty_model)
    assert "<script" not in html
    assert "<img" not in html


def test_releases_of_a_gated_repo_tell_how_to_ask(hub: TestHub, model: str) -> None:
    assert "ask-access" not in page(hub, model)
    hub.owner.update_repo_settings(model, gated="manual")
    assert f"{hub.endpoint}/{model}/ask-access" in page(hub, model)
