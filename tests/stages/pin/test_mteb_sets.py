"""The data set of a task is read as any other, written out anew, and scored before anything is trained."""

import math
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
import yaml
from datasets import ClassLabel, Dataset, Features, Value, load_dataset

from pipeline.errors import InvalidData, InvalidParams
from pipeline.params.pin import MtebProbe
from pipeline.records import MtebTask, RepoRef
from pipeline.stages.pin import mteb_sets
from pipeline.stages.pin.mteb_sets import TaskSet
from tests.conftest import Stage
from tests.support import mteb_tasks, workspaces
from tests.support.hubs import hub_at
from tests.support.mteb_tasks import CLASSES, PAIR_CLASSES, STS
from tests.support.splits import PIN

pytestmark = pytest.mark.usefixtures("mteb_runs")


def published(stage: Stage, name: str, folder: Path, task: str, **more: Any) -> MtebProbe:
    """Put a data set on the Hub, and give the probe of a task that is scored on it."""
    commit = workspaces.put(stage.endpoint, f"tester/{name}", "dataset", folder)
    return MtebProbe(kind="mteb", task=task, repo=f"tester/{name}", revision=commit, **more)


def fetched(probe: MtebProbe, room: Path) -> TaskSet:
    return mteb_sets.fetch(hub_at(), {"x": probe}, room, PIN, 1)["x"]


def test_task_is_pinned_with_the_files_of_its_own_subsets(writer: Stage, tmp_path: Path) -> None:
    data = {**PAIR_CLASSES, "greek": PAIR_CLASSES["turkish"]}
    folder = mteb_tasks.write(tmp_path / "set", data, {"greek": "/etc/passwd"})
    probe = published(writer, "xnli", folder, "XNLIV2", subsets=("turkish",))
    found = fetched(probe, tmp_path / "room")
    assert set(found.pinned.files) == {"README.md", "turkish/test.parquet"}
    assert (found.pinned.revision, found.pinned.license) == (probe.revision, "mit")
    assert (found.task.subsets, found.task.splits, found.task.whole) == (("turkish",), ("test",), False)
    assert found.task.own == RepoRef(repo="mteb/XNLIV2", revision="06108371a8bceee5024a527c4330baa29eb5a013")
    written = {path.relative_to(found.folder).as_posix() for path in found.folder.rglob("*.*")}
    assert written == {"README.md", "0000/0000.parquet"}
    front = yaml.safe_load((found.folder / "README.md").read_text(encoding="utf-8").split("---\n")[1])
    files = [{"split": "test", "path": "0000/0000.parquet"}]
    assert front == {"configs": [{"config_name": "turkish", "data_files": files}]}
    rows = pl.read_parquet(found.folder / "0000" / "0000.parquet")
    assert rows.to_dict(as_series=False) == PAIR_CLASSES["turkish"]["test"]


def test_task_keeps_the_names_of_its_classes(writer: Stage, tmp_path: Path) -> None:
    folder = mteb_tasks.write(tmp_path / "set", CLASSES)
    features = Features({"text": Value("string"), "label": ClassLabel(names=["kötü", "iyi"])})
    for path in folder.rglob("*.parquet"):
        columns = pl.read_parquet(path).to_dict(as_series=False)
        pq.write_table(Dataset.from_dict(columns, features=features).data.table, path)
    probe = published(writer, "reviews", folder, "TurkishProductSentimentClassification")
    found = fetched(probe, tmp_path / "room")
    assert found.task.whole
    again = load_dataset(str(found.folder), cache_dir=str(tmp_path / "cache"))
    assert set(again) == {"train", "test"}
    assert again["test"].features == features


def test_task_whose_data_set_leaves_its_repository_is_refused(writer: Stage, tmp_path: Path) -> None:
    folder = mteb_tasks.write(tmp_path / "set", STS, {"default": "../../secret.parquet"})
    probe = published(writer, "leaving", folder, "STSBenchmark")
    with pytest.raises(
        InvalidData, match=r"tester/leaving at .*, which probes.x is scored on, reads .*leaves"
    ):
        fetched(probe, tmp_path / "room")


def test_task_whose_data_set_holds_code_is_refused_and_nothing_fetched(writer: Stage, tmp_path: Path) -> None:
    folder = mteb_tasks.write(tmp_path / "set", STS)
    (folder / "coded.py").write_text("raise SystemExit\n")
    probe = published(writer, "coded", folder, "STSBenchmark")
    with pytest.raises(InvalidData, match=r"holds coded.py, which loading it can run"):
        fetched(probe, tmp_path / "room")
    assert not (tmp_path / "room").exists()


def test_task_that_cannot_read_the_data_set_is_refused(writer: Stage, tmp_path: Path) -> None:
    folder = mteb_tasks.write(tmp_path / "set", CLASSES)
    probe = published(writer, "other", folder, "STSBenchmark")
    with pytest.raises(InvalidData, match=r"probes.x: mteb .* cannot score its task STSBenchmark .*'score'"):
        fetched(probe, tmp_path / "room")


def test_task_whose_split_is_not_there_is_refused_with_those_that_are(writer: Stage, tmp_path: Path) -> None:
    folder = mteb_tasks.write(tmp_path / "set", {"default": {"validation": STS["default"]["test"]}})
    probe = published(writer, "validation", folder, "STSBenchmark")
    with pytest.raises(
        InvalidData,
        match=r"name in probes.x.subsets and probes.x.splits .*: test; splits of the data set: validation\)",
    ):
        fetched(probe, tmp_path / "room")
    there = probe.model_copy(update={"splits": ("validation",)})
    assert not fetched(there, tmp_path / "again").task.whole


@pytest.mark.parametrize("scores", [[3.0] * 30, [math.nan, *STS["default"]["test"]["score"][1:]]])
def test_task_that_gives_no_number_whatever_the_vectors_is_refused(
    writer: Stage, tmp_path: Path, scores: list[float]
) -> None:
    data = {"default": {"test": STS["default"]["test"] | {"score": scores}}}
    probe = published(writer, "alike", mteb_tasks.write(tmp_path / "set", data), "STSBenchmark")
    with pytest.raises(InvalidData, match=r"task STSBenchmark gives no number for default, test of this"):
        fetched(probe, tmp_path / "room")


def test_task_has_no_subset_of_another_name() -> None:
    probe = MtebProbe(kind="mteb", task="XNLIV2", revision="0" * 40, subsets=("tr",))
    with pytest.raises(InvalidParams, match=r"probes.x.subsets names tr; wanted .*XNLIV2 has: .*turkish"):
        mteb_sets.described({"x": probe})


def test_task_is_said_with_what_is_not_as_mteb_has_it() -> None:
    task = MtebTask(
        name="STSBenchmark",
        kind="STS",
        metric="cosine_spearman",
        subsets=("default",),
        splits=("test",),
        whole=True,
        own=RepoRef(repo="mteb/sts", revision="a" * 40),
        version="2.26.24",
    )
    at = "STSBenchmark of mteb 2.26.24 on"
    assert mteb_sets.said(task.own, task) == f"{at} mteb/sts at {'a' * 12}"
    other = RepoRef(repo="mteb/sts", revision="b" * 40)
    assert mteb_sets.said(other, task) == f"{at} mteb/sts at {'b' * 12}; mteb names {'a' * 12} of it"
    turkish = RepoRef(repo="x/sts-tr", revision="b" * 40)
    assert mteb_sets.said(turkish, task) == f"{at} x/sts-tr at {'b' * 12}; mteb names mteb/sts for it"
