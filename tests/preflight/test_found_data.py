"""A data set as it stands on the Hub: its README and its first rows."""

import json
from pathlib import Path

import polars as pl
import pytest

from pipeline.errors import InvalidData, InvalidParams
from pipeline.preflight import found_data
from tests.conftest import Stage
from tests.support import workspaces
from tests.support.hubs import hub_at
from tests.support.splits import LIMITS
from tests.support.workspaces import triplets


def nobody(_: object) -> None:
    return None


@pytest.fixture(scope="module")
def several(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("several")
    for name, start in (("pair", 0), ("triplet", 50)):
        (folder / name).mkdir()
        pl.DataFrame(triplets(3, start)).write_ndjson(folder / name / "train.jsonl")
    configs = [
        {"config_name": name, "data_files": [{"split": "train", "path": f"{name}/train.jsonl"}]}
        for name in ("pair", "triplet")
    ]
    said = {"configs": configs, "language": "de", "license": "mit"}
    (folder / "README.md").write_text(f"---\n{json.dumps(said)}\n---\n")
    return workspaces.put(stage.endpoint, "tester/found-several", "dataset", folder)


def test_data_set_is_found_with_rows_of_each_split(writer: Stage) -> None:
    found = found_data.find(hub_at(), "tester/triplets", "main", None, nobody, LIMITS)
    assert found.commit == writer.dataset
    assert dict(found.rows) == {"train": 60, "validation": 20, "test": 30}
    assert found.tables["train"]["query"].to_list()[:2] == triplets(60)["query"][:2]
    assert (found.subset, found.languages) == (None, ["tr"])
    assert found.read.startswith("its README and ")


def test_subset_is_asked_for_where_there_are_several(writer: Stage, several: str) -> None:
    with pytest.raises(InvalidParams, match=r"has the subsets pair, triplet; .*--subset NAME"):
        found_data.find(hub_at(), "tester/found-several", "main", None, nobody, LIMITS)
    asked: list[list[str]] = []

    def choose(names: object) -> str:
        asked.append(list(names))  # type: ignore[call-overload]
        return "triplet"

    found = found_data.find(hub_at(), "tester/found-several", "main", None, choose, LIMITS)
    assert asked == [["pair", "triplet"]]
    assert (found.subset, found.subsets) == ("triplet", ["pair", "triplet"])
    assert found.tables["train"]["query"].to_list() == triplets(3, 50)["query"]
    assert (found.languages, found.license) == (["de"], "mit")


def test_subset_that_was_named_is_not_asked_for(writer: Stage, several: str) -> None:
    assert found_data.find(hub_at(), "tester/found-several", "main", "pair", nobody, LIMITS).subset == "pair"
    with pytest.raises(InvalidData, match="wanted 'other' among them"):
        found_data.find(hub_at(), "tester/found-several", "main", "other", nobody, LIMITS)


def test_data_set_with_a_script_is_not_looked_into(writer: Stage, tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text("1")
    workspaces.put(writer.endpoint, "tester/found-script", "dataset", tmp_path)
    with pytest.raises(InvalidData, match=r"holds x\.py"):
        found_data.find(hub_at(), "tester/found-script", "main", None, nobody, LIMITS)
