"""What changes something on a Hub is done once, on the head that was seen, and never blindly again."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.errors import HubDenied, HubError, HubUnreachable
from pipeline.hub import Hub
from tests.conftest import Stage
from tests.support import workspaces
from tests.support.hubs import hub_at


def test_hub_lets_a_read_token_write_nothing(
    hub: Hub, tuned: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    head = hub.info(tuned, "model").commit
    (tmp_path / "a").write_text("a")
    monkeypatch.setenv("HF_TOKEN", workspaces.READ_TOKEN)
    with pytest.raises(HubDenied, match="the token lacks the right"):
        hub.create_repo("tester/another", private=False)
    with pytest.raises(HubDenied, match="the token lacks the right"):
        hub.commit(tuned, {"a": tmp_path / "a"}, delete=[], parent=head, message="m")
    with pytest.raises(HubDenied, match="the token lacks the right"):
        hub.tag(tuned, "v1", head)
    assert hub.info(tuned, "model").commit == head


def test_hub_commit_adds_and_deletes_at_once(hub: Hub, tuned: str, tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_text(name)
    head = hub.info(tuned, "model").commit
    first = hub.commit(tuned, {"x/a": tmp_path / "a"}, delete=[], parent=head, message="first")
    second = hub.commit(tuned, {"b": tmp_path / "b"}, delete=["x/a"], parent=first, message="second")
    assert hub.info(tuned, "model").commit == second
    assert set(hub.files(tuned, "model", second)) - {".gitattributes"} == {"b"}


def test_hub_commit_on_a_head_that_moved_changes_nothing(hub: Hub, tuned: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    head = hub.info(tuned, "model").commit
    first = hub.commit(tuned, {"a": tmp_path / "a"}, delete=[], parent=head, message="first")
    with pytest.raises(HubError, match="somebody else committed meanwhile"):
        hub.commit(tuned, {"b": tmp_path / "b"}, delete=[], parent=head, message="late")
    assert hub.info(tuned, "model").commit == first


def test_hub_tags_once_and_moves_only_when_told(hub: Hub, tuned: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    head = hub.info(tuned, "model").commit
    hub.tag(tuned, "v1", head)
    later = hub.commit(tuned, {"a": tmp_path / "a"}, delete=[], parent=head, message="m")
    with pytest.raises(HubError, match="could not tag model tester/hub with v1"):
        hub.tag(tuned, "v1", later)
    assert hub.branches_and_tags(tuned, "model") == ({"main": later}, {"v1": head})
    hub.move_tag(tuned, "v1", later)
    hub.move_tag(tuned, "new", later)
    assert hub.branches_and_tags(tuned, "model")[1] == {"v1": later, "new": later}


@pytest.mark.parametrize("code", [429, 503, 507])
def test_hub_never_repeats_a_tag_or_a_merge_blindly(
    writer: Stage, busy: Callable[..., tuple[str, list[str]]], code: int
) -> None:
    address, seen = busy(code=code, refusals=9)
    hub = hub_at(address)
    changes: list[Callable[[], object]] = [
        lambda: hub.tag("tester/tiny", "v1", "0" * 40),
        lambda: hub.create_branch("tester/tiny", "b", "0" * 40),
    ]
    for change in changes:
        seen.clear()
        with pytest.raises(HubUnreachable, match=f"the Hub answered {code}|no room left"):
            change()
        assert len(seen) == 1


def test_hub_sets_a_tag_once_and_leaves_one_that_stands(hub: Hub, tuned: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    head = hub.info(tuned, "model").commit
    later = hub.commit(tuned, {"a": tmp_path / "a"}, delete=[], parent=head, message="m")
    assert hub.set_tag(tuned, "v1", head) == head
    assert hub.set_tag(tuned, "v1", later) == head
