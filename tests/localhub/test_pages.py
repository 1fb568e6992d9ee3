from __future__ import annotations

import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from urllib.parse import urljoin

import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationDelete

from localhub.pages import human_size
from localhub.process import serve
from localhub.repos.cards import METADATA_BYTES
from tests.localhub.conftest import OWNER, TestHub, clients
from tests.support.workspaces import PROJECT

PICTURE = b"\x89PNG\r\n\x1a\n\0\0"
ATTACK = """---
library_name: "<script>alert('library')</script>"
tags: ["</td><script>alert('tag')</script>"]
"<b>key</b>": {"nested": "<img src=x onerror=alert(1)>"}
---
# Title <script>alert('title')</script>

<img src=x onerror="alert('image')">

[link](javascript:alert('link')) ![picture](plots/a.png) [other](docs/more.md)

| a | b |
|---|---|
| <svg onload=alert(1)> | 2 |
"""


def look(hub: TestHub, path: str) -> str:
    with urllib.request.urlopen(urljoin(hub.endpoint, path)) as answer:
        assert "script-src" not in answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        text = answer.read().decode()
        assert isinstance(text, str)
        return text


def status(hub: TestHub, path: str) -> tuple[int, Message]:
    try:
        with urllib.request.urlopen(urljoin(hub.endpoint, path)) as answer:
            return answer.status, answer.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers


@pytest.mark.parametrize("kind", ["model", "dataset"])
def test_pages_show_card_files_commits_and_tags(hub: TestHub, names: Iterator[str], kind: str) -> None:
    repo = next(names)
    hub.owner.create_repo(repo, repo_type=kind)
    made = hub.owner.create_commit(
        repo,
        [
            CommitOperationAdd("README.md", b"---\nlicense: mit\n---\n# Hello\n\n![p](plots/a.png)\n"),
            CommitOperationAdd("plots/a.png", PICTURE),
            CommitOperationAdd("sub/deep/note.txt", "çok güzel".encode()),
        ],
        commit_message="The first <one>",
        repo_type=kind,
    )
    hub.owner.create_tag(repo, tag="v1/0", repo_type=kind)
    address = f"/{repo}" if kind == "model" else f"/datasets/{repo}"
    assert f'href="{address}"' in look(hub, "/")
    page = look(hub, address)
    assert '<h1 id="hello">Hello</h1>' in page
    assert '<th scope="row">license</th><td>mit</td>' in page
    assert (
        page.index('<h1 id="hello">Hello</h1>')
        < page.index('<details class="metadata">')
        < page.index("license</th>")
    )
    assert f'src="{address}/resolve/main/plots/a.png"' in page
    assert "The first &lt;one&gt;" in page
    assert "v1/0" in page
    assert status(hub, f"{address}/resolve/main/plots/a.png")[1]["Content-Type"] == "image/png"
    assert "note.txt" in look(hub, f"{address}/tree/v1%2F0/sub/deep")
    assert "çok güzel" in look(hub, f"{address}/blob/{made.oid}/sub/deep/note.txt")
    assert f'<img class="shown" src="{address}/resolve/main/plots/a.png"' in look(
        hub, f"{address}/blob/main/plots/a.png"
    )
    assert "initial commit" in look(hub, f"{address}/commits/main")
    assert "sub/deep/note.txt" in look(hub, f"{address}/commit/{made.oid}")


@pytest.mark.filterwarnings("ignore:Warnings while validating metadata")
def test_pages_say_where_a_cards_metadata_is_not_read(hub: TestHub, empty_model: str) -> None:
    for text, said in (
        (f"---\nlicense: mit\nnote: {'x' * METADATA_BYTES}\n---\n# Card\n", True),
        ("# Card\n", False),
    ):
        hub.owner.upload_file(path_or_fileobj=text.encode(), path_in_repo="README.md", repo_id=empty_model)
        page = look(hub, f"/{empty_model}")
        assert ("The metadata is not read here" in page) is said
        assert '<h1 id="card">Card</h1>' in page
        assert '<details class="metadata">' not in page
        assert "empty or missing" not in page


def test_pages_every_link_of_a_page_leads_somewhere(hub: TestHub, model: str) -> None:
    name = "a folder/#1 100%?.txt"
    hub.owner.upload_file(path_or_fileobj=b"1", path_in_repo=name, repo_id=model)
    hub.owner.create_commit(model, [CommitOperationDelete("1_Pooling/")], commit_message="delete")
    hub.owner.create_tag(model, tag="v/1")
    seen: set[str] = set()
    waiting = [f"/{model}"]
    while waiting:
        path = waiting.pop()
        seen.add(path)
        code, headers = status(hub, path)
        assert code == 200, path
        if headers.get_content_type() == "text/html":
            found = re.findall(r'(?:href|src)="([^"#]+)"', look(hub, path))
            links = {urljoin(path, link) for link in found if not link.startswith("http")}
            waiting += sorted(link for link in links - seen - set(waiting) if link.startswith(f"/{model}"))
    assert f"/{model}/blob/main/a%20folder/%231%20100%25%3F.txt" in seen
    assert f"/{model}/tree/v%2F1" in seen


def test_pages_a_hostile_card_is_shown_and_never_run(hub: TestHub, empty_model: str) -> None:
    hub.owner.create_commit(
        empty_model,
        [
            CommitOperationAdd("README.md", ATTACK.encode()),
            CommitOperationAdd("<img src=x onerror=alert(1)>.txt", b"</pre><script>alert(1)</script>"),
            CommitOperationAdd("page.html", b"<script>alert(1)</script>"),
        ],
        commit_message="<script>alert('commit')</script>",
        commit_description="<script>alert('description')</script>",
    )
    head = hub.owner.model_info(empty_model).sha
    file = "%3Cimg%20src%3Dx%20onerror%3Dalert%281%29%3E.txt"
    for page in (
        "",
        "/tree/main",
        f"/blob/main/{file}",
        "/blob/main/page.html",
        "/commits/main",
        f"/commit/{head}",
    ):
        html = look(hub, f"/{empty_model}{page}")
        assert "<script" not in html
        assert "<svg" not in html
        assert 'href="javascript' not in html
        for tag in re.findall(r"<[a-z][^>]*>", html):
            assert not re.search(r"\son[a-z]+\s*=", tag), tag
    html = look(hub, f"/{empty_model}")
    assert "&lt;script&gt;alert(&#39;library&#39;)" in html
    assert f'src="/{empty_model}/resolve/main/plots/a.png"' in html
    assert f'href="/{empty_model}/blob/main/docs/more.md"' in html
    assert "<script" not in look(hub, "/")
    assert status(hub, f"/{empty_model}/resolve/main/page.html")[1]["Content-Type"].startswith("text/plain")


def test_pages_of_a_running_server_are_its_own_when_newer_files_come(tmp_path: Path) -> None:
    """`git pull` replaces the templates under a server that runs with the code of before."""
    shutil.copytree(PROJECT / "localhub", tmp_path / "localhub")
    started = [sys.executable, "-m", "localhub", "--root", str(tmp_path / "root"), "--port", "0"]
    with subprocess.Popen(started, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            address = server.stdout.readline().split()[-1]
            (tmp_path / "localhub" / "templates" / "index.html").write_text(
                "{{ of_another_version }}", "utf-8"
            )
            with urllib.request.urlopen(address) as page:
                assert (page.status, "localhub" in page.read().decode()) == (200, True)
        finally:
            server.terminate()


def test_pages_of_a_private_repo_are_hidden(hub: TestHub, names: Iterator[str]) -> None:
    repo = next(names)
    hub.owner.create_repo(repo, private=True)
    assert repo not in look(hub, "/")
    for page in ("", "/tree/main", "/blob/main/.gitattributes", "/raw/main/.gitattributes", "/commits/main"):
        code, headers = status(hub, f"/{repo}{page}")
        assert (code, headers["X-Error-Code"]) == (404, "RepoNotFound")


def test_pages_of_a_private_repo_are_shown_where_the_server_was_told_to(tmp_path: Path) -> None:
    with serve(tmp_path / "root", [OWNER], options=["--show-private"]) as running:
        hub = clients(running, tmp_path / "root", tmp_path / "log")
        hub.owner.create_repo("ann/hidden", private=True)
        hub.owner.create_commit(
            "ann/hidden",
            [
                CommitOperationAdd("README.md", b"---\nlicense: mit\n---\n![p](a.png)"),
                CommitOperationAdd("a.png", PICTURE),
            ],
            commit_message="one",
        )
        assert "ann/hidden" in look(hub, "/")
        assert 'src="/ann/hidden/raw/main/a.png"' in look(hub, "/ann/hidden")
        assert status(hub, "/ann/hidden/raw/main/a.png")[0] == 200
        assert status(hub, "/ann/hidden/resolve/main/a.png")[0] == 401
        assert not hub.anonymous.repo_exists("ann/hidden")


@pytest.mark.parametrize(
    "page", ["/ann/no", "/{model}/tree/no", "/{model}/blob/main/no", "/{model}/tree/main/no"]
)
def test_pages_what_is_not_there_is_a_page_too(hub: TestHub, model: str, page: str) -> None:
    code, headers = status(hub, page.format(model=model))
    assert code == 404
    assert headers.get_content_type() == "text/html"


def test_pages_a_name_that_leads_here_from_the_web_is_not_answered(hub: TestHub) -> None:
    request = urllib.request.Request(hub.endpoint, headers={"Host": "rebound.example"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    with refused.value as error:
        assert error.code == 400


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (2_270_000_000, "2.3 GB"), (10**16, "10000.0 TB")],
)
def test_pages_sizes_are_read_easily(size: int, text: str) -> None:
    assert human_size(size) == text
