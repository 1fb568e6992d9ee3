"""What is asked of a Hub: every file checked, every refusal one clear message."""

import hashlib
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from huggingface_hub import HfApi, ModelCardData

from pipeline.errors import BrokenChain, HubDenied, HubError, HubNotFound, HubUnreachable
from pipeline.hub import Hub, digest_as_listed
from tests.conftest import Stage
from tests.support import workspaces
from tests.support.hubs import everything, hub_at

NOWHERE = "0" * 40


def test_hub_takes_its_address_from_params_then_the_environment(
    writer: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert hub_at().endpoint == writer.endpoint
    assert hub_at("http://127.0.0.1:1").endpoint == "http://127.0.0.1:1"
    monkeypatch.setenv("HF_ENDPOINT", f"{writer.endpoint}/")
    assert hub_at().endpoint == writer.endpoint
    monkeypatch.delenv("HF_ENDPOINT")
    assert hub_at().endpoint == "https://huggingface.co"


def test_hub_info_gives_the_commit_and_the_licence(hub: Hub, writer: Stage) -> None:
    found = hub.info("tester/triplets", "dataset", writer.dataset)
    assert (found.commit, found.private, found.license) == (writer.dataset, False, "apache-2.0")
    assert hub.info("tester/triplets", "dataset").commit == writer.dataset
    assert hub.info("tester/tiny", "model", "main").commit == writer.base


def test_hub_lists_lfs_files_by_sha256_and_others_by_git_oid(hub: Hub, writer: Stage, tmp_path: Path) -> None:
    listed = hub.files("tester/tiny", "model", writer.base)
    assert listed["model.safetensors"].digest.startswith("sha256:")
    assert listed["config.json"].digest.startswith("git:")
    folder, checked = hub.download("tester/tiny", "model", writer.base, everything, cache=tmp_path)
    assert checked == listed
    for path, file in listed.items():
        assert digest_as_listed(folder / path, file.digest) == file.digest
        assert (folder / path).stat().st_size == file.size


def test_hub_downloads_only_what_is_wanted(hub: Hub, writer: Stage, tmp_path: Path) -> None:
    folder, listed = hub.download("tester/tiny", "model", writer.base, "config.json".__eq__, cache=tmp_path)
    assert [path.name for path in folder.rglob("*") if path.is_file()] == ["config.json"]
    assert set(listed) == {"config.json"}


def test_hub_takes_signs_of_a_pattern_in_a_name_for_letters(hub: Hub, tuned: str, tmp_path: Path) -> None:
    for name in ("a[1].txt", "a1.txt", "b*.txt", "bc.txt", "dc.txt", "d?.txt"):
        (tmp_path / name).write_text(name)
    files = {path.name: path for path in tmp_path.iterdir()}
    commit = hub.commit(tuned, files, delete=[], parent=hub.info(tuned, "model").commit, message="m")
    wanted = {"a[1].txt", "b*.txt", "d?.txt"}
    folder, _ = hub.download(tuned, "model", commit, wanted.__contains__, cache=tmp_path / "cache")
    assert {path.name for path in folder.iterdir()} == wanted


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
@pytest.mark.parametrize("keeps_size", [True, False])
def test_hub_notices_a_file_that_was_damaged_in_the_cache(
    hub: Hub, writer: Stage, tmp_path: Path, name: str, keeps_size: bool
) -> None:
    folder, _ = hub.download("tester/tiny", "model", writer.base, everything, cache=tmp_path)
    blob = (folder / name).resolve()
    content = bytearray(blob.read_bytes())
    content[-2] ^= 1
    blob.write_bytes(content if keeps_size else content + b" ")
    with pytest.raises(BrokenChain) as caught:
        hub.download("tester/tiny", "model", writer.base, everything, cache=tmp_path)
    message = str(caught.value)
    assert message.startswith(f"{name} of model tester/tiny at {writer.base[:12]} is ")
    assert "; the Hub lists " in message
    assert f"Delete {folder / name}" in message


def test_hub_fetches_a_damaged_file_again_once_it_is_deleted_as_told(
    hub: Hub, writer: Stage, tmp_path: Path
) -> None:
    folder, _ = hub.download("tester/tiny", "model", writer.base, everything, cache=tmp_path)
    path = folder / "config.json"
    path.resolve().write_text("{}")
    with pytest.raises(BrokenChain):
        hub.download("tester/tiny", "model", writer.base, everything, cache=tmp_path)
    path.resolve().unlink()
    path.unlink()
    hub.download("tester/tiny", "model", writer.base, everything, cache=tmp_path)


def test_hub_says_missing_of_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert digest_as_listed(tmp_path / "a", "git:1") == "missing"


def test_hub_refuses_a_download_of_nothing(hub: Hub, writer: Stage) -> None:
    with pytest.raises(HubNotFound, match="has no file that is needed here"):
        hub.download("tester/tiny", "model", writer.base, lambda path: False)


@pytest.mark.parametrize(
    "ask",
    [
        lambda hub: hub.info("tester/none", "model"),
        lambda hub: hub.info("tester/tiny", "dataset"),
        lambda hub: hub.info("nobody/tiny", "model"),
        lambda hub: hub.files("tester/none", "model", NOWHERE),
        lambda hub: hub.branches_and_tags("tester/none", "model"),
    ],
)
def test_hub_names_a_repository_that_is_not_there(hub: Hub, ask: Callable[[Hub], object]) -> None:
    with pytest.raises(
        HubNotFound, match=f"{hub.endpoint} has no such repository.*Check the name in params.yaml"
    ):
        ask(hub)


@pytest.mark.parametrize(
    "ask",
    [
        lambda hub: hub.info("tester/tiny", "model", NOWHERE),
        lambda hub: hub.info("tester/tiny", "model", "no-such-branch"),
        lambda hub: hub.files("tester/tiny", "model", NOWHERE),
    ],
)
def test_hub_names_a_revision_that_is_not_there(hub: Hub, ask: Callable[[Hub], object]) -> None:
    with pytest.raises(HubNotFound, match=r"the repository has no such revision. Copy the commit again"):
        ask(hub)


@pytest.mark.parametrize("repo", ["tester/a..b", "tester/-a", "tester/a--b", "tester/" + "a" * 100])
def test_hub_names_a_repository_that_can_have_no_such_name(hub: Hub, repo: str) -> None:
    with pytest.raises(
        HubNotFound, match=r"could not look at model tester/.*Correct the name in params.yaml"
    ):
        hub.info(repo, "model")


def test_hub_knows_whether_a_repository_exists(hub: Hub) -> None:
    assert hub.exists("tester/tiny", "model")
    assert not hub.exists("tester/none", "model")


def test_hub_knows_where_a_tag_points_if_anywhere(hub: Hub, tuned: str) -> None:
    commit = hub.info(tuned, "model").commit
    assert hub.tagged(tuned, "deployed") is None
    hub.tag(tuned, "deployed", commit)
    assert hub.tagged(tuned, "deployed") == commit
    assert hub.tagged("tester/none", "deployed") is None


def test_hub_account_gives_name_and_role(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (hub.account().name, hub.account().role) == ("tester", "write")
    monkeypatch.setenv("HF_TOKEN", workspaces.READ_TOKEN)
    assert hub.account().role == "read"


def test_hub_account_without_a_token_says_how_to_give_one(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(HubDenied, match=r"no token was found; .*Set HF_TOKEN"):
        hub.account()


def test_hub_does_not_accept_an_unknown_token(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_nobody")
    for ask in (hub.account, lambda: hub.info("tester/tiny", "model")):
        with pytest.raises(HubDenied, match=r"does not accept the token.*Set a valid HF_TOKEN") as caught:
            ask()
        assert "hf_nobody" not in str(caught.value)


@pytest.fixture
def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


ASKS: list[Callable[[Hub], object]] = [
    lambda hub: hub.account(),
    lambda hub: hub.info("tester/tiny", "model"),
    lambda hub: hub.branches_and_tags("tester/tiny", "model"),
    lambda hub: hub.create_repo("tester/new", private=False),
]


@pytest.mark.parametrize("ask", ASKS)
def test_hub_that_is_down_is_named_by_its_address(
    writer: Stage, free_port: int, ask: Callable[[Hub], object]
) -> None:
    hub = hub_at(f"http://127.0.0.1:{free_port}")
    with pytest.raises(HubUnreachable, match=f"http://127.0.0.1:{free_port} did not answer.*hub.endpoint"):
        ask(hub)


def test_hub_that_is_down_is_not_replaced_by_what_the_cache_holds(
    writer: Stage, free_port: int, tmp_path: Path
) -> None:
    hub_at().download("tester/tiny", "model", writer.base, everything, cache=tmp_path)
    with pytest.raises(HubUnreachable):
        hub_at(f"http://127.0.0.1:{free_port}", 1).info("tester/tiny", "model", writer.base)


def test_hub_whose_name_is_unknown_is_unreachable(writer: Stage) -> None:
    with pytest.raises(HubUnreachable, match=r"https://no-such-host.invalid did not answer"):
        hub_at("https://no-such-host.invalid", 5).info("tester/tiny", "model")


def test_hub_whose_address_is_none_is_named(writer: Stage) -> None:
    with pytest.raises(HubError, match=r"http://127.0.0.1:99999"):
        hub_at("http://127.0.0.1:99999", 5).info("tester/tiny", "model")


@pytest.fixture
def silent() -> Iterator[str]:
    """An address that takes every connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("ask", ASKS)
def test_hub_that_never_answers_is_waited_for_no_longer_than_told(
    writer: Stage, silent: str, ask: Callable[[Hub], object]
) -> None:
    start = time.monotonic()
    with pytest.raises(HubUnreachable, match=f"{silent} did not answer .ReadTimeout"):
        ask(hub_at(silent, 0.3))
    assert time.monotonic() - start < 5


def test_hub_that_a_proxy_stands_in_for_is_no_hub(writer: Stage, answering: Callable[[int], str]) -> None:
    with pytest.raises(HubUnreachable, match=r"answered something that no Hub says.*whether a proxy answers"):
        hub_at(answering(200)).info("tester/tiny", "model")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_hub_that_is_busy_is_named_with_its_status(
    writer: Stage, answering: Callable[[int], str], status: int
) -> None:
    with pytest.raises(HubUnreachable, match=f"the Hub answered {status}.*Run it again in a while"):
        hub_at(answering(status)).info("tester/tiny", "model")


def test_hub_that_refuses_for_another_reason_is_quoted(
    writer: Stage, answering: Callable[[int], str]
) -> None:
    with pytest.raises(HubError, match="the Hub answered 418"):
        hub_at(answering(418)).info("tester/tiny", "model")


def test_hub_offline_mode_is_named(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(HubUnreachable, match="HF_HUB_OFFLINE is set"):
        hub_at().info("tester/tiny", "model")


def test_hub_private_repository_is_hidden_without_a_token(
    writer: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspaces.forget(writer.endpoint, "tester/secret")
    hub_at().create_repo("tester/secret", private=True)
    assert hub_at().info("tester/secret", "model").private
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(HubNotFound, match="or this token may not see it"):
        hub_at().info("tester/secret", "model")


def test_hub_gated_repository_is_read_with_access_and_named_without(
    hub: Hub, tuned: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = hub.info(tuned, "model").commit
    HfApi(endpoint=hub.endpoint, token=workspaces.TOKEN).update_repo_settings(tuned, gated="manual")
    folder, _ = hub.download(tuned, "model", commit, everything, cache=tmp_path / "mine")
    assert (folder / ".gitattributes").is_file()
    monkeypatch.setenv("HF_TOKEN", workspaces.READ_TOKEN)
    with pytest.raises(HubDenied, match=r"the repository is gated\. Ask for access on its page"):
        hub.download(tuned, "model", commit, everything, cache=tmp_path / "theirs")


def test_hub_download_gives_what_hashlib_gives(hub: Hub, writer: Stage, tmp_path: Path) -> None:
    folder, listed = hub.download("tester/triplets", "dataset", writer.dataset, everything, cache=tmp_path)
    path = "data/train-00000-of-00001.parquet"
    assert listed[path].digest == f"sha256:{hashlib.sha256((folder / path).read_bytes()).hexdigest()}"
    shutil.rmtree(tmp_path)


@pytest.mark.parametrize("code", [429, 500, 502, 503])
def test_hub_asks_again_for_what_changes_nothing(
    writer: Stage, busy: Callable[..., tuple[str, list[str]]], code: int
) -> None:
    address, seen = busy(code=code, refusals=2)
    with pytest.raises(HubError, match="the Hub answered 418"):
        hub_at(address).info("tester/tiny", "model")
    assert seen == ["GET /api/models/tester/tiny"] * 3


def test_hub_waits_as_long_as_it_is_told(writer: Stage, busy: Callable[..., tuple[str, list[str]]]) -> None:
    address, _ = busy(code=429, headers_of_refusal=(("Retry-After", "1"),))
    start = time.monotonic()
    with pytest.raises(HubError, match="the Hub answered 418"):
        hub_at(address).account()
    assert time.monotonic() - start >= 1


def test_hub_without_room_is_not_asked_again(
    writer: Stage, busy: Callable[..., tuple[str, list[str]]]
) -> None:
    address, seen = busy(code=507, refusals=9)
    with pytest.raises(HubUnreachable, match="the Hub has no room left"):
        hub_at(address).info("tester/tiny", "model")
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("stated", "found"),
    [("[cc-by-nc-4.0]", "cc-by-nc-4.0"), ("[mit, cc-by-4.0]", "cc-by-4.0 and mit"), ("[]", None)],
)
def test_hub_info_takes_a_list_of_licences(
    hub: Hub, writer: Stage, tmp_path: Path, stated: str, found: str | None
) -> None:
    (tmp_path / "README.md").write_text(f"---\nlicense: {stated}\n---\n")
    workspaces.put(writer.endpoint, "tester/licences", "dataset", tmp_path)
    assert hub.info("tester/licences", "dataset").license == found


def test_hub_info_refuses_a_licence_that_is_no_name(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    card = ModelCardData()
    card["license"] = {"name": "mit"}  # no Hub takes it, and one could answer it
    found = SimpleNamespace(sha="0" * 40, private=False, card_data=card)
    monkeypatch.setattr(HfApi, "repo_info", lambda *_, **__: found)
    with pytest.raises(HubError, match="wanted a name or a list of names"):
        hub.info("tester/licences", "dataset")
