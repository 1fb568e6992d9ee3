"""How the trial of a base is told: what it refuses, how it failed, and what the base is given."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import InvalidData, InvalidParams
from pipeline.isolated import child
from pipeline.params import load
from pipeline.records import BaseTrial
from pipeline.stages.pin.model import trial_process
from tests.support.workspaces import PROJECT

PARAMS = load(PROJECT)


def told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, answer: dict[str, Any]) -> BaseTrial:
    monkeypatch.setattr(child, "ask", lambda *_: answer)
    return trial_process.tried(tmp_path / "base", tmp_path, PARAMS)


@pytest.mark.parametrize("kind", [InvalidData, InvalidParams])
def test_refusal_is_of_its_kind_and_names_the_base(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: type[Exception]
) -> None:
    said = f"{tmp_path / 'base'} has no pad token"
    with pytest.raises(kind, match=rf"^base {PARAMS.base.repo} at .*: the base has no pad token$"):
        told(monkeypatch, tmp_path, {"refused": said, "kind": kind.__name__})


def test_failure_of_a_library_is_one_message(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match=r"cannot be used: KeyError: 'x'; wanted a model that loads"):
        told(monkeypatch, tmp_path, {"failed": "KeyError: 'x'"})


def test_process_that_was_killed_is_told_with_what_it_needs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(InvalidData, match=r"ended with -9: .*memory may not have sufficed"):
        told(monkeypatch, tmp_path, {"ended": "ended with -9: it said nothing"})


def trial(**changes: Any) -> BaseTrial:
    return BaseTrial.model_validate(
        {
            "tokens": 8,
            "prompts": {},
            "normalize_added": False,
            "similarity": None,
            "default_prompt": None,
            "truncate_dim": None,
            "pad_token": None,
            "auto_map_dropped": False,
        }
        | changes
    )


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"normalize_added": True}, "gets a module Normalize"),
        ({"similarity": "dot"}, "was saved with the similarity dot, and is judged by the cosine"),
        ({"default_prompt": "q: "}, "put 'q: ' before every text, which the model will not"),
        ({"truncate_dim": 8}, "was cut to 8 dimensions, which the model will not be"),
        ({"pad_token": "</s>"}, "names no padding token, and gets </s>"),
        ({"auto_map_dropped": True}, "names code of its own, which is taken out"),
    ],
)
def test_each_change_of_the_base_is_a_line(changes: dict[str, Any], line: str) -> None:
    assert trial_process.changes(trial(**changes)) == [f"base   {line}"]


def test_base_that_is_as_judged_or_was_never_tried_has_no_lines() -> None:
    assert trial_process.changes(trial()) == trial_process.changes(None) == []
