"""A trial is made again as soon as anything changed that it rests on, and only then."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.params import load
from pipeline.records import BaseTrial, PinnedFile, PinnedRepo
from pipeline.stages.pin.model import kept_trials
from tests.support.workspaces import PROJECT

PARAMS = load(PROJECT)
TRIAL = BaseTrial(tokens=16, prompts={"query": "", "document": ""}, normalize_added=True)


def base(digest: str = "sha256:1") -> PinnedRepo:
    files = {"model.safetensors": PinnedFile(size=1, digest=digest)}
    return PinnedRepo(repo="tester/tiny", revision="0" * 40, private=False, license=None, files=files)


def made(folder: Path, **changes: Any) -> bool:
    """Return whether a trial was made."""
    calls = []

    def attempt() -> BaseTrial:
        calls.append(1)
        return TRIAL

    asked: dict[str, Any] = {"base": base(), "params": PARAMS, "code": {"pipeline/errors.py": "1"}} | changes
    assert kept_trials.kept(folder, **asked, attempt=attempt) == TRIAL
    return bool(calls)


def test_kept_trials_are_not_made_again(tmp_path: Path) -> None:
    assert made(tmp_path)
    assert not made(tmp_path)
    # Another name of the same files, and what no trial reads.
    other = base().model_copy(update={"repo": "tester/copy", "revision": "1" * 40})
    assert not made(tmp_path, base=other)
    assert not made(tmp_path, params=PARAMS.model_copy(update={"gate": None}))


@pytest.mark.parametrize(
    "changes",
    [
        {"base": base("sha256:2")},
        {"code": {"pipeline/errors.py": "2"}},
        {
            "params": PARAMS.model_copy(
                update={"model": PARAMS.model.model_copy(update={"max_seq_length": 9})}
            )
        },
    ],
    ids=["base", "code", "recipe"],
)
def test_kept_trials_are_made_anew_where_something_changed(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert made(tmp_path)
    assert made(tmp_path, **changes)
    assert not made(tmp_path)


def test_kept_trials_rest_on_the_libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert made(tmp_path)
    monkeypatch.setattr(kept_trials, "version", lambda name: "0.0.1")
    assert made(tmp_path)


def test_kept_trials_that_cannot_be_read_are_made_anew(tmp_path: Path) -> None:
    assert made(tmp_path)
    (path,) = tmp_path.rglob("*.json")
    path.write_text("{", encoding="utf-8")
    assert made(tmp_path)


def test_kept_trials_hold_no_trial_that_failed(tmp_path: Path) -> None:
    def fails() -> BaseTrial:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        kept_trials.kept(tmp_path, base(), PARAMS, {}, fails)
    assert not list(tmp_path.rglob("*.json"))
