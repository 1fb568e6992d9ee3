"""A gate that was widened after it said no is named wherever a person looks, and waits for one."""

from pathlib import Path

import pytest
from huggingface_hub import HfApi

from pipeline.commands import approve, release
from pipeline.errors import ReleaseRefused, WaitsForPerson
from pipeline.params import load
from pipeline.records import Receipt, Verdict
from pipeline.stages.card import step as card
from pipeline.stages.evaluate import step as evaluate
from pipeline.stages.gate import step as gate
from pipeline.stages.pin import step as pin
from pipeline.stages.train import step as train
from pipeline.workspace import paths
from tests.support import workspaces
from tests.support.workspaces import set_params

NARROW = {"ndcg": 0.0001, "hard": 0.0001, "accuracy": 0.0001}
WIDE = {"ndcg": 0.9, "hard": 0.9, "accuracy": 0.9}


def judged(folder: Path, changes: dict[str, object]) -> Verdict:
    set_params(folder, changes)
    gate.run(folder, load(folder))
    card.run(folder, load(folder))
    workspaces.commit(folder)
    return Verdict.load(folder / paths.RECORDS["gate"])


def candidate(folder: Path, rate: float, live: Receipt) -> None:
    """Train another one, to be compared with a release; that vectors can stay is another test's matter."""
    set_params(
        folder,
        {
            "train.learning_rate": rate,
            "live.revision": live.commit,
            "anchor.revision": live.commit,
            "evaluate.compatible_loss": 1.0,
        },
    )
    for step in (pin, train, evaluate):
        step.run(folder, load(folder))


def waits(folder: Path, api: HfApi, named: str) -> Receipt:
    """The release waits for a person who is told what is looser; then it goes out with that in it."""
    with pytest.raises(WaitsForPerson, match="the gate is looser than it was for the last release") as caught:
        release.run(folder, load(folder))
    assert named in str(caught.value)
    shown = (folder / "card" / "README.md").read_text(encoding="utf-8").replace("\\", "")
    assert named in shown.partition("<details>")[0]
    approve.run(folder, load(folder), "Ada", "the margin was too narrow for so few rows")
    receipt, _ = release.run(folder, load(folder))
    assert receipt.approval is not None
    assert receipt.pull_request is not None
    events = api.get_discussion_details(receipt.repo, receipt.pull_request).events
    assert any(named in getattr(event, "content", "") for event in events)
    return receipt


@pytest.mark.long
def test_margin_that_was_widened_after_a_refusal_is_named_and_waits_for_a_person(
    line: Path, api: HfApi
) -> None:
    judged(line, {"gate.live_margins": NARROW, "gate.anchor_margins": NARROW})
    first, _ = release.run(line, load(line))
    candidate(line, 0.002, first)
    refused = judged(line, {})
    assert (refused.passed, refused.loosened) == (False, {})
    with pytest.raises(ReleaseRefused):
        release.run(line, load(line))
    widened = judged(line, {"gate.live_margins": WIDE, "gate.anchor_margins": WIDE})
    assert widened.passed
    assert set(widened.loosened) == {f"{name}_margins.{key}" for name in ("live", "anchor") for key in WIDE}
    assert f"looser: {widened.loosened['live_margins.ndcg']}" in gate.summary(widened)
    assert widened.look == refused.look
    second = waits(line, api, "gate.live_margins.ndcg is 0.9, and was 0.0001 when v1 was judged")
    assert second.version == "v2"
    candidate(line, 0.003, second)
    assert judged(line, {}).loosened == {}


@pytest.mark.long
def test_looks_that_were_allowed_after_the_rows_were_spent_are_named_and_wait_for_a_person(
    line: Path, api: HfApi
) -> None:
    judged(line, {"gate.max_looks": 2, "gate.live_margins": WIDE, "gate.anchor_margins": WIDE})
    first, _ = release.run(line, load(line))
    for rate in (0.002, 0.003):
        candidate(line, rate, first)
        spent = judged(line, {})
    assert (spent.look, spent.outcome) == (3, "test_spent")
    more = judged(line, {"gate.max_looks": 1000})
    assert (more.look, more.outcome) == (3, "passed")
    assert list(more.loosened) == ["max_looks"]
    waits(line, api, "gate.max_looks is 1000, and was 2 when v1 was judged")
