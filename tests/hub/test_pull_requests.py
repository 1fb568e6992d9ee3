"""A pull request is opened once, and found again whatever became of it."""

import re
from pathlib import Path

import pytest

from pipeline.errors import HubError
from pipeline.hub import Hub


def test_hub_pull_request_is_opened_seen_merged_or_closed(hub: Hub, tuned: str, tmp_path: Path) -> None:

    (tmp_path / "a").write_text("a")
    head = hub.info(tuned, "model").commit
    for _ in range(2):
        hub.open_pull_request(
            tuned, {"a": tmp_path / "a"}, delete=[], parent=head, title="v1: a", text="candidate: 1"
        )
    one, two = hub.pull_requests(tuned, re.compile("v1: .*"), "open")
    assert (one.number, two.number, one.title, one.status) == (1, 2, "v1: a", "open")
    assert "candidate: 1" in one.text
    assert set(hub.files(tuned, "model", one.commit or "")) == {".gitattributes", "a"}
    hub.close(tuned, 2, "not this one")
    hub.close(tuned, 2, "not this one")
    assert hub.pull_request(tuned, 2).status == "closed"
    with pytest.raises(HubError, match="could not merge pull request 2"):
        hub.merge(tuned, 2)
    merged = hub.merge(tuned, 1)
    assert merged.merged_as == hub.info(tuned, "model").commit
    assert hub.merge(tuned, 1) == merged
    assert hub.pull_requests(tuned, re.compile("v1: .*"), "open") == []
    assert hub.pull_requests(tuned, re.compile("v2: .*"), "closed") == []
    assert len(hub.pull_requests(tuned, re.compile("v1: .*"), "closed")) == 2
    assert hub.history(tuned)[0] == merged.merged_as
