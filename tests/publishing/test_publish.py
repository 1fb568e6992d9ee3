"""What becomes main was verified before; whatever fails, main is the old tree or the new one, whole."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import CommitOperationAdd, HfApi

from pipeline.errors import BrokenChain, HubDenied, HubMoved, HubUnreachable, ReleaseRefused
from pipeline.hub import Hub
from tests.support.releasing import REPO, clean, commits, refusal, run, second, tags, tree
from tests.support.workspaces import set_params

WAYS = pytest.mark.parametrize("way", [True, False], ids=["pull_request", "branch"])


@pytest.fixture
def line(ready: Path) -> Path:
    return ready


def through(folder: Path, way: bool) -> None:
    set_params(folder, {"release.pull_requests": way})


def break_off(monkeypatch: pytest.MonkeyPatch, name: str, error: BaseException, *, after: bool) -> None:
    """Let a method of the Hub fail once: before it acted, or after, so that its answer is lost."""
    whole: Callable[..., Any] = getattr(Hub, name)
    failed: list[str] = []

    def cut(self: Hub, *arguments: object, **options: object) -> object:
        if failed or (name == "download" and not arguments[3]("config.json")):  # type: ignore[operator]
            return whole(self, *arguments, **options)  # what a release says of itself is read before
        failed.append(name)
        if after:
            whole(self, *arguments, **options)
        raise error

    monkeypatch.setattr(Hub, name, cut)


class Killed(BaseException):
    """Stands for a kill: nothing in the product catches it."""


@WAYS
def test_publication_makes_one_commit_and_leaves_nothing_staged(line: Path, api: HfApi, way: bool) -> None:
    through(line, way)
    receipt, _ = run(line)
    assert commits(api)[0] == receipt.commit
    assert len(commits(api)) == 2
    assert receipt.parent == commits(api)[1]
    assert (receipt.pull_request is not None) is way
    assert set(tree(api)) == set(receipt.files)
    assert clean(api)
    second(line)
    again, _ = run(line)
    assert (again.version, again.parent) == ("v2", receipt.commit)
    assert tags(api) == {"v1": receipt.commit, "v2": again.commit}
    assert len(commits(api)) == 3
    assert clean(api)


def test_publication_says_in_the_pull_request_what_it_releases(line: Path, api: HfApi) -> None:
    receipt, _ = run(line)
    assert receipt.pull_request is not None
    assert receipt.verdict is not None
    found = api.get_discussion_details(REPO, receipt.pull_request)
    assert (found.status, found.title) == ("merged", f"v1: candidate {receipt.candidate[:12]}")
    text = found.events[0].content  # type: ignore[attr-defined]
    for part in (
        f"candidate: {receipt.candidate}",
        f"verdict: passed, {receipt.verdict.checks} checks, look 1",
        f"dataset: {receipt.dataset.repo} at {receipt.dataset.revision}",
        f"on top of: {receipt.parent}",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("way", "step", "after"),
    [
        (True, "open_pull_request", True),
        (True, "download", False),
        (True, "merge", False),
        (True, "merge", True),
        (True, "tag", True),
        (False, "create_branch", True),
        (False, "commit", True),
        (False, "tag", False),
    ],
)
def test_publication_killed_at_any_step_goes_on_to_one_commit(
    line: Path, api: HfApi, monkeypatch: pytest.MonkeyPatch, way: bool, step: str, after: bool
) -> None:
    through(line, way)
    with monkeypatch.context() as patch:
        break_off(patch, step, Killed(), after=after)
        with pytest.raises(Killed):
            run(line)
    receipt, before = run(line)
    assert not before
    assert len(commits(api)) == 2
    assert commits(api)[0] == receipt.commit
    assert tags(api) == {"v1": receipt.commit}
    assert len(list((line / "receipts").iterdir())) == 1
    assert clean(api)
    if way:
        assert receipt.pull_request is not None
        numbers = [one.num for one in api.get_repo_discussions(REPO)]
        assert numbers == [receipt.pull_request], "a second pull request was opened"
    assert run(line) == (receipt, True)


@pytest.mark.parametrize(
    ("way", "step"),
    [(True, "open_pull_request"), (True, "tag"), (False, "create_branch"), (False, "commit"), (False, "tag")],
)
def test_publication_whose_answer_is_lost_looks_and_goes_on_in_the_same_run(
    line: Path, api: HfApi, monkeypatch: pytest.MonkeyPatch, way: bool, step: str
) -> None:
    through(line, way)
    break_off(monkeypatch, step, HubUnreachable("nobody answered"), after=True)
    receipt, _ = run(line)
    assert len(commits(api)) == 2
    assert tags(api) == {"v1": receipt.commit}
    assert clean(api)
    if way:
        assert len(list(api.get_repo_discussions(REPO))) == 1


@WAYS
def test_publication_that_surely_was_not_done_is_tried_again(
    line: Path, api: HfApi, monkeypatch: pytest.MonkeyPatch, way: bool
) -> None:
    through(line, way)
    busy = HubUnreachable("429", not_done=True)
    break_off(monkeypatch, "open_pull_request" if way else "commit", busy, after=False)
    break_off(monkeypatch, "tag", busy, after=False)
    receipt, _ = run(line)
    assert tags(api) == {"v1": receipt.commit}
    assert clean(api)


def test_publication_opens_no_second_pull_request_where_nobody_knows(
    line: Path, api: HfApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def silent(self: Hub, *arguments: object, **options: object) -> None:
        asked.append(1)
        raise HubUnreachable("nobody answered")

    with monkeypatch.context() as patch:
        patch.setattr(Hub, "open_pull_request", silent)
        message = refusal(line, HubUnreachable)
    assert len(asked) == 1
    assert f"main of {REPO} was not touched" in message
    assert len(commits(api)) == 1
    receipt, _ = run(line)
    assert tags(api) == {"v1": receipt.commit}


@WAYS
@pytest.mark.parametrize(
    "failure",
    [BrokenChain("other bytes"), HubDenied("no right"), OSError(28, "No space left on device")],
    ids=["verify", "denied", "disk"],
)
def test_publication_that_fails_before_the_merge_leaves_main_and_takes_away_what_was_staged(
    line: Path, api: HfApi, monkeypatch: pytest.MonkeyPatch, way: bool, failure: Exception
) -> None:
    first, _ = run(line)
    second(line)
    through(line, way)
    standing = tree(api)
    with monkeypatch.context() as patch:
        break_off(patch, "download", failure, after=False)
        with pytest.raises(type(failure)) as caught:
            run(line)
    assert commits(api)[0] == first.commit
    assert tree(api) == standing
    assert tags(api) == {"v1": first.commit}
    assert clean(api)
    if not isinstance(failure, OSError):
        assert f"main of {REPO} was not touched; " in str(caught.value)
        assert "was taken away" in str(caught.value)
    if way:
        closed = [one for one in api.get_repo_discussions(REPO) if one.status == "closed"]
        found = api.get_discussion_details(REPO, closed[0].num)
        said = [event.content for event in found.events if event.type == "comment"]  # type: ignore[attr-defined]
        assert any(str(failure).split("\n")[0] in one for one in said[1:]), said
    receipt, _ = run(line)
    assert (receipt.version, receipt.parent) == ("v2", first.commit)


@WAYS
def test_publication_refuses_to_merge_on_a_main_that_moved(
    line: Path, api: HfApi, monkeypatch: pytest.MonkeyPatch, way: bool
) -> None:
    through(line, way)
    download = Hub.download
    strangers: list[str] = []

    def late(self: Hub, *arguments: object, **options: object) -> object:
        answer = download(self, *arguments, **options)  # type: ignore[arg-type]
        one = api.create_commit(REPO, [CommitOperationAdd("theirs.txt", b"x")], commit_message="Mine")
        strangers.append(one.oid)
        return answer

    monkeypatch.setattr(Hub, "download", late)
    assert "Somebody else committed meanwhile" in refusal(line, HubMoved)
    assert commits(api)[0] == strangers[0]
    assert clean(api)
    assert tags(api) == {}


@WAYS
@pytest.mark.parametrize("empty", [True, False], ids=["first", "second"])
def test_publication_whose_tag_is_taken_meanwhile_is_taken_back_and_can_be_repeated(
    line: Path, api: HfApi, monkeypatch: pytest.MonkeyPatch, way: bool, empty: bool
) -> None:
    through(line, way)
    if not empty:
        run(line)
        second(line)
    version = "v1" if empty else "v2"
    before = tree(api) if not empty else {}
    tag = Hub.tag

    def taken(self: Hub, repo: str, name: str, commit: str) -> None:
        api.create_tag(repo, tag=name, revision=commits(api)[1])
        tag(self, repo, name, commit)

    with monkeypatch.context() as patch:
        patch.setattr(Hub, "tag", taken)
        message = refusal(line, ReleaseRefused)
    assert f"the tag {version} of {REPO} points to" in message
    assert f"main of {REPO} holds the files of" in message
    assert tree(api) == before
    api.delete_tag(REPO, tag=version)
    receipt, _ = run(line)
    assert tags(api)[version] == receipt.commit
    assert set(tree(api)) == set(receipt.files)
    assert clean(api)


def test_publication_whose_bytes_change_on_main_is_taken_back_with_its_tag(
    line: Path, api: HfApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = run(line)
    second(line)
    break_off(monkeypatch, "set_tag", Killed(), after=True)
    with pytest.raises(Killed):
        run(line)
    assert set(tags(api)) == {"v1", "v2"}
    with monkeypatch.context() as patch:
        break_off(patch, "download", BrokenChain("other bytes"), after=False)
        message = refusal(line, BrokenChain)
    assert f"main of {REPO} holds the files of {first.commit[:12]} again, by the new commit" in message
    assert tree(api) == tree(api, first.commit)
    assert tags(api) == {"v1": first.commit}
    receipt, _ = run(line)
    assert (receipt.version, tags(api)["v2"]) == ("v2", receipt.commit)
    assert receipt.parent == commits(api)[1] != first.commit


def test_publication_whose_hub_goes_away_behind_the_merge_says_what_stands(
    line: Path, api: HfApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(self: Hub, *arguments: object) -> str:
        raise HubUnreachable("nobody answered")

    with monkeypatch.context() as patch:
        patch.setattr(Hub, "set_tag", gone)
        message = refusal(line, HubUnreachable)
    assert f"v1 is main of {REPO} at {commits(api)[0][:12]}, and not finished: run it again" in message
    assert set(tree(api)) > {"config.json"}
    receipt, _ = run(line)
    assert tags(api) == {"v1": receipt.commit}
