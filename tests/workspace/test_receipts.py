"""What was released before, and from which recipe."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import BrokenChain
from pipeline.params import load
from pipeline.records import RepoRef
from pipeline.workspace import digests, receipts
from tests.support.records import put, receipt
from tests.support.workspaces import PROJECT, set_params

PROBE = {
    "kind": "pairs",
    "repo": "tester/sts",
    "revision": "0" * 40,
    "file": "a.tsv",
    "first": "a",
    "second": "b",
    "score": "c",
}


def test_receipts_of_a_new_workspace_are_none(tmp_path: Path) -> None:
    assert receipts.load_all(tmp_path) == []
    assert receipts.latest(tmp_path, "tester/tuned") is None
    assert receipts.next_version(tmp_path, "tester/tuned") == "v1"


def test_receipts_are_ordered_by_version_and_not_by_name(tmp_path: Path) -> None:
    put(tmp_path, receipt("v10", commit="a"), receipt("v2", commit="c"), receipt("v9", commit="b"))
    assert [one.version for one in receipts.load_all(tmp_path)] == ["v2", "v9", "v10"]
    assert receipts.next_version(tmp_path, "tester/tuned") == "v11"


def test_receipts_of_another_repository_do_not_count(tmp_path: Path) -> None:
    put(tmp_path, receipt("v3", repo="tester/other"), receipt("v1"))
    assert receipts.next_version(tmp_path, "tester/tuned") == "v2"
    assert receipts.next_version(tmp_path, "tester/new") == "v1"


def test_receipts_name_a_file_that_is_none(tmp_path: Path) -> None:
    put(tmp_path, receipt("v1"))
    (tmp_path / "receipts" / "x.json").write_text("{}")
    with pytest.raises(BrokenChain, match=r"x.json is no receipt .*git checkout receipts"):
        receipts.load_all(tmp_path)


def test_receipts_refuse_a_version_that_is_none(tmp_path: Path) -> None:
    put(tmp_path, receipt("v1").model_copy(update={"version": "1.0"}))
    with pytest.raises(BrokenChain, match=r"'1.0' is no version; wanted one like v1"):
        receipts.load_all(tmp_path)


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({"dataset.revision": "0" * 40}, True),
        ({"live.revision": "0" * 40}, True),
        ({"anchor.revision": "0" * 40}, True),
        ({"hardware.threads": 2}, True),
        ({"hub.timeout_seconds": 5}, True),
        ({"train.seed": 1}, False),
        ({"train.recipe_version": 99}, False),
        ({"base.revision": "0" * 40}, False),
        ({"gate.base_min_gain": 0.5}, False),
        ({"dataset.branch": "other"}, False),
        ({"probes": {"sts": PROBE}}, False),
        ({"model.prompts.query": "soru: "}, False),
    ],
)
def test_receipts_recipe_changes_with_all_but_what_refresh_moves(
    tmp_path: Path, changes: dict[str, Any], same: bool
) -> None:
    (tmp_path / "params.yaml").write_bytes((PROJECT / "params.yaml").read_bytes())
    before = receipts.recipe(load(tmp_path))
    set_params(tmp_path, changes)
    assert (receipts.recipe(load(tmp_path)) == before) is same


@pytest.mark.parametrize(
    ("changes", "alone"),
    [
        ({}, True),
        ({"train.recipe_version": 99}, True),
        ({"live.revision": "0" * 40, "anchor.revision": "0" * 40}, True),
        ({"hardware.threads": 2, "hub.timeout_seconds": 5}, True),
        ({"dataset.revision": "0" * 40}, False),
        ({"dataset.repo": "tester/other"}, False),
        ({"base.revision": "0" * 40}, False),
        ({"train.recipe_version": 99, "train.seed": 1}, False),
        ({"gate.alpha": 0.01}, False),
    ],
)
def test_receipts_know_a_change_of_code_alone(tmp_path: Path, changes: dict[str, Any], alone: bool) -> None:
    (tmp_path / "params.yaml").write_bytes((PROJECT / "params.yaml").read_bytes())
    params = load(tmp_path)
    newest = receipt("v1").model_copy(
        update={
            "recipe": receipts.recipe(params),
            "recipe_version": params.train.recipe_version,
            "dataset": RepoRef(repo=params.dataset.repo, revision=params.dataset.revision),
        }
    )
    set_params(tmp_path, changes)
    assert receipts.code_alone(load(tmp_path), newest) is alone


def test_receipts_of_before_there_were_anchors_can_be_read(tmp_path: Path) -> None:
    new = ("anchor", "space", "approval", "recipe_version")
    old = receipt("v1").model_dump_json(exclude=set(new))
    (tmp_path / "receipts").mkdir()
    (tmp_path / "receipts" / "a.json").write_text(old, encoding="utf-8")
    (one,) = receipts.load_all(tmp_path)
    assert [getattr(one, name) for name in new] == [None] * 4


@pytest.mark.parametrize(
    ("history", "taken_back"),
    [
        ([("a", None)], None),
        ([("a", None), ("c", None)], None),
        ([("a", None), ("c", None), ("a", "v1")], "v3"),
        ([("c", None), ("a", None), ("c", "v1")], None),
        ([("a", None), ("c", None), ("a", "v1"), ("c", None)], None),
        ([("a", None), ("c", None), ("b", None), ("a", "v1")], "v4"),
        ([("a", None), ("c", None), ("b", None), ("c", "v2")], None),
        ([("c", None), ("a", None), ("c", "v1"), ("b", None)], None),
        ([("b", None), ("c", None), ("b", "v1"), ("a", None)], "v3"),
    ],
)
def test_receipts_know_which_candidate_was_taken_back(
    tmp_path: Path, history: list[tuple[str, str | None]], taken_back: str | None
) -> None:
    for number, (candidate, restores) in enumerate(history, 1):
        changes = {
            "candidate": candidate,
            "restores": restores,
            "kind": "rollback" if restores else "release",
        }
        put(tmp_path, receipt(f"v{number}").model_copy(update=changes))
    found = receipts.withdrawal(tmp_path, "tester/tuned", "c")
    assert (found.version if found else None) == taken_back
    newest = receipts.latest_release(tmp_path, "tester/tuned")
    assert newest is not None
    assert newest.kind == "release"


def test_recipe_leaves_out_a_key_that_was_added_with_its_value_as_before() -> None:
    params = load(PROJECT)
    before = params.gate.model_copy(update={"max_rows_left": 1.0, "retention_of": None})
    upgraded = params.model_copy(update={"gate": before})
    content = upgraded.model_dump(
        mode="json",
        exclude={"live", "anchor", "hardware", "hub", "approve", "refresh", "release", "tracking"},
    )
    added = {
        "dataset": ("subset", "languages", "revision"),
        "gate": ("max_rows_left", "retention_of"),
        "pin": ("limits",),
    }
    for section, keys in added.items():
        for key in keys:
            del content[section][key]
    assert receipts.recipe(upgraded) == digests.of_value(content)
    assert receipts.recipe(params) != receipts.recipe(upgraded)
