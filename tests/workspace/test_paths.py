"""One home for every path: dvc.yaml, git and the code mean the same files."""

from pathlib import Path

import pytest

from pipeline.params.document import read_yaml
from pipeline.workspace import lineage, paths
from tests.support.workspaces import PROJECT

CONSTANTS = {value for value in vars(paths).values() if isinstance(value, str)}
NAMED = CONSTANTS | {*paths.RECORDS.values(), *paths.MODELS.values()}


@pytest.mark.parametrize("name", lineage.NAMES)
def test_paths_name_every_file_that_a_stage_writes(name: str) -> None:
    assert set(lineage.stage(PROJECT, name).outs) <= NAMED


def test_paths_kept_in_git_are_those_that_dvc_does_not_cache() -> None:
    """git commits what a step wrote only where the path stands in the list; DVC keeps the others."""
    stages = read_yaml(PROJECT / paths.STAGES)["stages"]
    outs = [one for stage in stages.values() for key in ("outs", "metrics") for one in stage.get(key, [])]
    plain = {one for one in outs if isinstance(one, str)}
    uncached = {path for one in outs if isinstance(one, dict) for path in one}
    kept = set(paths.KEPT_IN_GIT)
    assert {path.split("/")[0] if path not in kept else path for path in uncached} <= kept
    assert not plain & kept


def test_paths_of_single_files_are_inside_their_folders() -> None:
    assert paths.clean(Path("w"), "dev") == Path("w") / paths.CLEAN / "dev.parquet"
    assert paths.receipt("c" * 40) == f"{paths.RECEIPTS}/{'c' * 40}.json"
    assert paths.approval("a" * 64) == f"{paths.APPROVALS}/{'a' * 64}.json"
