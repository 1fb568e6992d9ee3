from __future__ import annotations

import urllib.request
from urllib.parse import urljoin

from tests.localhub.conftest import CARD, TestHub
from tests.support.proposing import propose, put


def look(hub: TestHub, path: str) -> str:
    with urllib.request.urlopen(urljoin(hub.endpoint, path)) as answer:
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        text = answer.read().decode()
        assert isinstance(text, str)
        return text


def test_discussions_have_pages(hub: TestHub, model: str) -> None:
    propose(hub.owner, model, {"new.txt": b"1", "README.md": None})
    hub.owner.rename_discussion(model, 1, "<b>Bold</b>")
    hub.owner.comment_discussion(model, 1, "Hi <script>alert(1)</script> [x](javascript:alert(2))")
    put(hub.owner, model, "README.md", CARD + b"Other.\n")
    hub.owner.create_discussion(model, "A question")
    page = look(hub, f"/{model}/discussions")
    assert "&lt;b&gt;Bold&lt;/b&gt;" in page
    assert page.index("A question") < page.index("Bold")
    assert f'href="/{model}/discussions"' in look(hub, f"/{model}")
    page = look(hub, f"/{model}/discussions/1")
    for wanted in ("refs/pr/1", "open", "new.txt", "Conflict: README.md", "&lt;script&gt;alert(1)", "#1"):
        assert wanted in page
    assert "<script>" not in page
    assert 'href="javascript:' not in page
    hub.owner.change_discussion_status(model, 1, "closed")
    assert "closed" in look(hub, f"/{model}/discussions/1")
    assert "A question" in look(hub, f"/{model}/discussions/2")
