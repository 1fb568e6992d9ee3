"""A Hub that would write a file where it likes, through the names in its answers."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
from huggingface_hub import constants

from pipeline.commands import verify
from pipeline.errors import HubError, HubUnreachable
from pipeline.hub import Hub, answers
from pipeline.params import load
from pipeline.stages.pin import step as pin
from tests.conftest import Make, Stage
from tests.hostile.interceptor import Answer, Change, between
from tests.support import workspaces
from tests.support.hubs import everything, hub_at
from tests.support.releasing import REPO
from tests.support.releasing import run as release

EVIL = b"import os; os.abort()\n"
SHA1, SHA256 = "a" * 40, "b" * 64


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder that is nobody's business, next to the cache."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    return folder


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The client's cache, empty."""
    folder = tmp_path / "cache"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder))
    return folder


def refused(ask: Callable[[], object]) -> str:
    """Give the one message of a refusal that is no outage: nobody asks again."""
    with pytest.raises(HubError) as caught:
        ask()
    assert not isinstance(caught.value, HubUnreachable), caught.value
    message = str(caught.value)
    assert "\n" not in message
    assert "Nothing was written of that answer. Find out who answers at hub.endpoint" in message
    return message


def written(root: Path) -> set[str]:
    """List the files and links below a folder, without locks and listings of the client."""
    found = {path.relative_to(root) for path in root.rglob("*") if path.is_symlink() or path.is_file()}
    return {path.as_posix() for path in found if not {"trees", "CACHEDIR.TAG"} & set(path.parts)}


# From `datasets--tester--triplets/blobs`, three folders up is where the cache stands.
ETAGS: dict[str, Callable[[Path], str]] = {
    "up": lambda elsewhere: "../../../site-packages/evil.pth",
    "absolute": lambda elsewhere: str(elsewhere / "evil.pth"),
    "absolute, quoted": lambda elsewhere: f'"{elsewhere}/evil.pth"',
    "absolute, weak": lambda elsewhere: f'W/"{elsewhere}/evil.pth"',
    "digits, then up": lambda elsewhere: f"{SHA1}/../../../../site-packages/evil.pth",
    "percent": lambda elsewhere: "..%2f..%2f..%2fsite-packages%2fevil.pth",
    "backslash": lambda elsewhere: "..\\..\\..\\site-packages\\evil.pth",
    "control": lambda elsewhere: f"{SHA1}\x01",
    "overlong": lambda elsewhere: "a" * 5000,
    "39": lambda elsewhere: "a" * 39,
    "65": lambda elsewhere: "a" * 65,
    "empty": lambda elsewhere: '""',
}


def naming(header: str, value: str, path: str = "README.md") -> Change:
    """Change what a file's metadata say, and what the file then holds."""

    def change(answer: Answer) -> Answer:
        if "/resolve/" not in answer.path or not answer.path.endswith(path):
            return answer
        if answer.method == "HEAD":
            return answer.saying(**{header: value, "Content_Length": str(len(EVIL))})
        return answer.holding(EVIL)

    return change


@pytest.mark.parametrize("header", ["ETag", "X_Linked_ETag"])
@pytest.mark.parametrize("name", ETAGS)
def test_pin_refuses_an_etag_that_is_none(
    writer: Stage, make_workspace: Make, elsewhere: Path, cache: Path, header: str, name: str
) -> None:
    etag = ETAGS[name](elsewhere)
    folder = make_workspace({"pin.max_workers": 1}, dvc=False)
    with between(writer.endpoint, naming(header, etag)) as endpoint:
        workspaces.set_params(folder, {"hub.endpoint": endpoint})
        message = refused(lambda: pin.run(folder, load(folder)))
    shown = repr(etag)
    shown = shown if len(shown) <= 200 else shown[:200] + f"… ({len(shown)} letters)"
    place = f"/datasets/tester/triplets/resolve/{writer.dataset}/README.md"
    assert message.startswith(
        f"the Hub answered 'HEAD {place}' with the ETag {shown}; wanted 40 or 64 hexadecimal digits"
    )
    assert not any(elsewhere.iterdir())
    assert not [path for path in cache.rglob("*") if path.is_file() and path.read_bytes() == EVIL]
    assert not [path for path in written(cache) if "evil" in path or path.endswith("README.md")]
    assert not (folder / "records" / "pin.json").exists()


@pytest.mark.parametrize("name", ["up", "absolute, quoted", "backslash"])
def test_verify_refuses_an_etag_that_is_none(
    ready: Path, elsewhere: Path, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    receipt, _ = release(ready)
    caches = tmp_path / "temporary"
    caches.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(caches))
    # `verify` downloads into `caches/NAME/models--…/blobs`.
    etag = ETAGS[name](elsewhere).replace("../../../site", "../../../../site")
    with between(os.environ["HF_ENDPOINT"], naming("ETag", etag)) as endpoint:
        workspaces.set_params(ready, {"hub.endpoint": endpoint})
        message = refused(lambda: verify.run(ready, load(ready), f"{REPO}@v1"))
    assert f"{receipt.commit}/README.md' with the ETag {etag!r}; wanted 40 or 64" in message
    assert not any(elsewhere.iterdir())
    assert not any(caches.iterdir())


@pytest.mark.parametrize("form", ['"{}"', "{}", 'W/"{}"'])
def test_hub_takes_an_etag_in_each_form(writer: Stage, tmp_path: Path, form: str) -> None:
    def change(answer: Answer) -> Answer:
        said = answer.headers.get("etag")
        return answer.saying(ETag=form.format(said.strip('"'))) if said else answer

    with between(writer.endpoint, change) as endpoint:
        folder, listed = hub_at(endpoint).download(
            "tester/tiny", "model", writer.base, everything, cache=tmp_path
        )
    assert {path for path in listed if (folder / path).is_file()} == set(listed)


def test_hub_leaves_the_etag_of_a_storage_alone(writer: Stage, tmp_path: Path) -> None:
    """A storage's own ETag, of parts, is no name of ours: only what the redirect to it says is one."""

    def storage(answer: Answer) -> Answer:
        return answer.saying(
            ETag='"9b2cf535f27731c974343645a3985328-5"', X_Linked_ETag=None, X_Repo_Commit=None
        )

    with between(writer.endpoint, storage) as address:

        def hub(answer: Answer) -> Answer:
            if answer.status != 302:
                return answer
            return answer.saying(Location=address + answer.headers["location"], ETag='W/"f-1"')

        with between(writer.endpoint, hub) as endpoint:
            folder, listed = hub_at(endpoint).download(
                "tester/tiny", "model", writer.base, everything, cache=tmp_path
            )
    assert listed["model.safetensors"].digest.startswith("sha256:")
    assert (folder / "model.safetensors").is_file()


def test_hub_refuses_an_etag_at_the_end_of_a_redirect(writer: Stage, elsewhere: Path, tmp_path: Path) -> None:
    def change(answer: Answer) -> Answer:
        if answer.method == "HEAD" and "/resolve/" in answer.path:
            where = answer.saying(Location="/api/whoami-v2", ETag=None, X_Linked_ETag=None)
            return Answer(where.method, where.path, 307, where.headers, b"")
        if answer.method == "HEAD":
            found = answer.saying(ETag=f"{elsewhere}/evil.pth", X_Repo_Commit=writer.base)
            return Answer(found.method, found.path, 200, found.headers, b"")
        return answer

    with between(writer.endpoint, change) as endpoint:
        hub = hub_at(endpoint)
        message = refused(
            lambda: hub.download("tester/tiny", "model", writer.base, everything, cache=tmp_path / "cache")
        )
    assert "'HEAD /api/whoami-v2' with the ETag" in message
    assert not any(elsewhere.iterdir())


# --- the other names that become paths ---


COMMITS = ["../../../site-packages", "main", SHA1[:-1], SHA1.upper(), f"{SHA1}\n"]


@pytest.mark.parametrize("commit", COMMITS[:-1])
def test_hub_refuses_a_commit_in_a_header_that_is_none(
    writer: Stage, elsewhere: Path, tmp_path: Path, commit: str
) -> None:
    with between(writer.endpoint, naming("X_Repo_Commit", commit, "config.json")) as endpoint:
        hub = hub_at(endpoint)
        message = refused(
            lambda: hub.download("tester/tiny", "model", writer.base, everything, cache=tmp_path / "cache")
        )
    assert f"with the commit {commit!r}; wanted 40 hexadecimal digits" in message
    assert not any(elsewhere.iterdir())


def test_hub_refuses_the_commit_of_a_file_that_is_not_there(
    writer: Stage, elsewhere: Path, tmp_path: Path
) -> None:
    """The client leaves an empty file `.no_exist/COMMIT/NAME`, wherever that is."""

    def change(answer: Answer) -> Answer:
        if answer.method == "HEAD" and answer.path.endswith("config.json"):
            found = answer.saying(X_Repo_Commit=str(elsewhere), X_Error_Code="EntryNotFound", ETag=None)
            return Answer(found.method, found.path, 404, found.headers, b"")
        return answer

    with between(writer.endpoint, change) as endpoint:
        hub = hub_at(endpoint)
        message = refused(
            lambda: hub.download("tester/tiny", "model", writer.base, everything, cache=tmp_path / "cache")
        )
    assert f"with the commit {str(elsewhere)!r}; wanted 40 hexadecimal digits" in message
    assert not any(elsewhere.iterdir())


def test_verify_refuses_a_release_whose_commit_is_none(ready: Path, elsewhere: Path) -> None:
    """The client writes `refs/REVISION`: the one name the Hub gives for its commit, holding the next one."""
    release(ready)
    evil, asked = elsewhere / "evil.pth", []

    def change(answer: Answer) -> Answer:
        if not answer.path.startswith(f"/api/models/{REPO}/"):
            return answer
        if "/tree/" in answer.path:
            rows = [{"type": "file", "path": "README.md", "size": 1, "oid": SHA1}]
            return Answer("GET", answer.path, 200, {}, b"").holding_json(rows)
        asked.append(answer.path)
        said = {"id": REPO, "sha": str(evil) if len(asked) == 1 else EVIL.decode()}
        return Answer("GET", answer.path, 200, {}, b"").holding_json(said)

    with between(os.environ["HF_ENDPOINT"], change) as endpoint:
        workspaces.set_params(ready, {"hub.endpoint": endpoint})
        message = refused(lambda: verify.run(ready, load(ready), f"{REPO}@v1"))
    assert f"with the commit {str(evil)!r}; wanted 40 hexadecimal digits" in message
    assert not any(elsewhere.iterdir())


NAMES = ["../../x", "/tmp/x.pth", "a/../../x", "a//x", "./x", "..\\..\\x", "\\x", "C:x", "a\0x"]


@pytest.mark.parametrize("name", NAMES)
def test_hub_refuses_a_file_name_that_leads_elsewhere(writer: Stage, tmp_path: Path, name: str) -> None:
    def change(answer: Answer) -> Answer:
        if "/tree/" not in answer.path:
            return answer
        rows = json.loads(answer.body)
        return answer.holding_json([*rows, {"type": "file", "path": name, "size": 1, "oid": SHA1}])

    with between(writer.endpoint, change) as endpoint:
        hub = hub_at(endpoint)
        message = refused(
            lambda: hub.download("tester/tiny", "model", writer.base, everything, cache=tmp_path / "cache")
        )
        assert f"with the file {name!r}; wanted a path inside the repository" in message
        assert not (tmp_path / "cache").exists()
        # What nobody wants is nobody's harm.
        hub.download("tester/tiny", "model", writer.base, "config.json".__eq__, cache=tmp_path / "cache")


def test_hub_takes_the_names_that_a_repository_can_have(writer: Stage) -> None:
    for name in ("a..b/..c/d...", "a b/ç.txt", "2024-01-01T00:00.parquet", ".gitattributes", "a\\b"):
        assert answers.file_name(name, "look") == name


@pytest.mark.parametrize("oid", ["../../../site-packages/evil", "a" * 63, None, 1])
@pytest.mark.parametrize("turn", [1, 2])
def test_hub_refuses_a_listed_digest_that_is_none(
    writer: Stage,
    elsewhere: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    oid: object,
    turn: int,
) -> None:
    """With Xet on the client asks for no ETag: it takes the listing's digest, and lists for itself again."""
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", False)
    turns = []

    def change(answer: Answer) -> Answer:
        if "/tree/" not in answer.path:
            return answer
        turns.append(answer.path)
        rows = json.loads(answer.body)
        for row in rows:
            if "lfs" in row:
                row["xetHash"] = SHA256
                if len(turns) == turn:
                    row["lfs"]["oid"] = oid
        return answer.holding_json(rows)

    with between(writer.endpoint, change) as endpoint:
        hub = hub_at(endpoint)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", False)
        message = refused(
            lambda: hub.download("tester/tiny", "model", writer.base, everything, cache=tmp_path / "cache")
        )
    assert f"with the LFS digest {oid!r}; wanted 64 hexadecimal digits" in message
    assert len(turns) == turn
    assert not any(elsewhere.iterdir())
    assert not list((tmp_path / "cache").rglob("evil*"))


def test_hub_refuses_a_xet_hash_that_is_none(writer: Stage, tmp_path: Path) -> None:
    with between(writer.endpoint, naming("X_Xet_Hash", "../x", "config.json")) as endpoint:
        hub = hub_at(endpoint)
        message = refused(
            lambda: hub.download("tester/tiny", "model", writer.base, everything, cache=tmp_path / "cache")
        )
    assert "with the Xet hash '../x'; wanted 64 hexadecimal digits" in message


@pytest.mark.parametrize(
    ("ask", "found"),
    [
        (lambda hub: hub.info("tester/tiny", "model"), {"id": "tester/tiny", "sha": "../x"}),
        (lambda hub: hub.info("tester/tiny", "model"), {"id": "tester/tiny"}),
        (
            lambda hub: hub.branches_and_tags("tester/tiny", "model"),
            {
                "branches": [{"name": "main", "ref": "refs/heads/main", "targetCommit": "../x"}],
                "tags": [],
                "converts": [],
            },
        ),
        (
            lambda hub: hub.history("tester/tiny"),
            [
                {
                    "id": "../x",
                    "title": "",
                    "message": "",
                    "authors": [],
                    "date": "2026-01-01T00:00:00.000Z",
                }
            ],
        ),
    ],
)
def test_hub_refuses_a_commit_that_is_none(
    writer: Stage, ask: Callable[[Hub], object], found: object
) -> None:
    with between(writer.endpoint, lambda answer: answer.holding_json(found)) as endpoint:
        hub = hub_at(endpoint)
        assert "; wanted 40 hexadecimal digits" in refused(lambda: ask(hub))


def test_hub_that_calls_a_commit_by_no_name_may_have_made_it(writer: Stage, tmp_path: Path) -> None:
    """The name becomes `receipts/COMMIT.json`; who released has to look, as after an answer that was lost."""
    workspaces.forget(writer.endpoint, "tester/named")
    hub_at().create_repo("tester/named", private=False)
    (tmp_path / "a").write_text("a")

    def change(answer: Answer) -> Answer:
        if "/commit/" not in answer.path:
            return answer
        return answer.holding_json(json.loads(answer.body) | {"commitOid": "../../x"})

    with between(writer.endpoint, change) as endpoint:
        hub = hub_at(endpoint)
        head = hub.info("tester/named", "model").commit
        with pytest.raises(HubUnreachable, match=r"with the commit '../../x'; wanted 40") as caught:
            hub.commit("tester/named", {"a": tmp_path / "a"}, delete=[], parent=head, message="m")
        assert caught.value.lasting
        assert hub.info("tester/named", "model").commit != head


@pytest.mark.parametrize("commit", [*COMMITS, "", None, 1, "١" * 40])
def test_answers_know_a_commit(commit: object) -> None:
    assert answers.commit(SHA1, "look") == SHA1
    assert f"with the commit {commit!r}; wanted" in refused(lambda: answers.commit(commit, "look"))


def test_hub_sends_everything_through_the_client_that_looks(writer: Stage) -> None:
    from huggingface_hub import get_session

    hub_at()
    session: httpx2.Client = get_session()
    assert isinstance(session, answers.Client)
