"""What a release knows of the log, and whether a clone's log holds that."""

from pathlib import Path

import pytest
from huggingface_hub import HfApi

from pipeline.errors import ReleaseRefused
from pipeline.params import load
from pipeline.publishing import log_state
from pipeline.records import LogState, Verdict
from pipeline.records.log import EarlierLooks, Groups, Released
from pipeline.workspace import log, paths, receipts
from tests.support import releasing
from tests.support.hubs import hub_at
from tests.support.records import receipt


def told(folder: Path) -> list[Released]:
    return [entry.what for entry in log.entries(folder).values() if isinstance(entry.what, Released)]


def candidate(folder: Path) -> str:
    return Verdict.load(folder / paths.RECORDS["gate"]).candidate


def test_log_holds_what_is_in_it_and_no_more(ready: Path) -> None:
    head = log.head(ready)
    assert head is not None
    known = LogState(head=head, looks=1, alpha_spent=0.01)
    assert log_state.covered(ready, known)
    assert not log_state.covered(ready, known.model_copy(update={"looks": 2}))
    assert not log_state.covered(ready, known.model_copy(update={"head": "0" * 40}))


def test_log_that_was_declared_lost_covers_the_heads_that_it_names(ready: Path) -> None:
    gone = LogState(head="1" * 40, looks=7, alpha_spent=0.01)
    log.append(ready, EarlierLooks(candidates=(), groups=Groups(), lost=True, heads=("1" * 40,)))
    assert log_state.covered(ready, gone)
    assert not log_state.covered(ready, gone.model_copy(update={"head": "2" * 40}))


def test_hub_says_nothing_of_the_log_before_a_release_or_where_a_stranger_released(
    ready: Path, api: HfApi
) -> None:
    assert log_state.by_hub(hub_at(), releasing.REPO) is None
    api.create_repo(releasing.REPO)
    api.upload_file(path_or_fileobj=b"hand made", path_in_repo="notes.txt", repo_id=releasing.REPO)
    assert log_state.by_hub(hub_at(), releasing.REPO) is None
    api.upload_file(path_or_fileobj=b"{}", path_in_repo="provenance.json", repo_id=releasing.REPO)
    assert log_state.by_hub(hub_at(), releasing.REPO) is None


def test_hub_says_of_a_release_what_its_receipt_says(ready: Path, api: HfApi) -> None:
    made, _ = releasing.run(ready)
    newest = receipts.latest(ready, releasing.REPO)
    assert newest is not None
    assert log_state.by_hub(hub_at(), releasing.REPO) == made.log == newest.log


def test_state_of_a_candidate_that_nobody_judged_is_refused(ready: Path, writer: object) -> None:
    with pytest.raises(ReleaseRefused, match="holds no look of candidate ffff"):
        log_state.demand(ready, hub_at(), releasing.REPO, "f" * 64)


def test_log_is_told_of_a_release_once(ready: Path) -> None:
    made = receipt("v1", repo=load(ready).release.repo, candidate=candidate(ready))
    log_state.tell(ready, made)
    log_state.tell(ready, made)
    assert [(one.version, one.candidate) for one in told(ready)] == [("v1", candidate(ready))]
    log_state.tell(ready, receipt("v2", repo=made.repo, candidate=made.candidate))
    assert [one.version for one in told(ready)] == ["v1", "v2"]


def test_log_is_not_told_of_a_release_whose_look_it_does_not_hold(ready: Path) -> None:
    log_state.tell(ready, receipt("v1", candidate="f" * 64))
    assert told(ready) == []
