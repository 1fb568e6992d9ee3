"""mteb describes its tasks and scores them, in a process that has neither token nor model."""

import tomllib
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from zlib import crc32

import numpy as np
import psutil  # type: ignore[import-untyped]
import pytest
from scipy.stats import spearmanr  # type: ignore[import-untyped]

from pipeline.errors import InvalidData, InvalidParams, InvalidWorkspace
from pipeline.isolated import mteb_process, mteb_worker
from pipeline.isolated.mteb_process import Mteb, PartScore, Role
from tests.support import mteb_tasks
from tests.support.mteb_tasks import CLASSES, PAIR_CLASSES, RETRIEVAL, STS, DataSet, words
from tests.support.workspaces import PROJECT, TOKEN


def test_mteb_describes_a_task(mteb: Mteb) -> None:
    found = mteb.describe("STS22.v2", "probes.sts")
    assert (found.kind, found.metric, found.repo) == ("STS", "cosine_spearman", "mteb/sts22-crosslingual-sts")
    assert len(found.revision) == 40
    assert {"tr", "en", "de-en"} <= set(found.subsets)
    assert (found.splits, found.reads) == (("test",), "default")
    assert mteb.describe("XNLIV2", "probes.x").reads == "subsets"
    assert mteb.describe("TurHistQuadRetrieval", "probes.x").reads == "any"  # it loads in a way of its own


@pytest.mark.parametrize(
    ("task", "said"),
    [
        (
            "stsbenchmark",
            r"probes.x.task is 'stsbenchmark', which is no task of mteb .* \(near that: STSBench",
        ),
        ("Nothing at all like it", "wanted one that it has .near that: "),
        ("VisualSTS17Eng", "puts together from STS17MultilingualVisualSTS; wanted a single task"),
        ("Caltech101", "which is of image; wanted a task of text alone"),
    ],
)
def test_mteb_names_what_is_no_task_for_texts(mteb: Mteb, task: str, said: str) -> None:
    with pytest.raises(InvalidParams, match=said):
        mteb.describe(task, "probes.x")


def apart(texts: list[str]) -> "np.ndarray[tuple[int, int], np.dtype[np.float32]]":
    """Encode texts by their words, no two quite alike: of equal cosines the last digit decides the rank."""
    vectors = words(texts)
    for place, text in enumerate(texts):
        row = vectors[place]
        row += np.random.default_rng(crc32(text.encode())).normal(0, 0.01, len(row))
    return vectors


@pytest.mark.parametrize(
    ("task", "subset", "data", "roles", "wanted"),
    [
        ("STSBenchmark", "default", STS, {"query": 60, "document": 0}, None),
        ("TurkishProductSentimentClassification", "default", CLASSES, {"query": 80, "document": 0}, 1.0),
        ("XNLIV2", "turkish", PAIR_CLASSES, {"query": 40, "document": 0}, 1.0),
        ("TurkishRAGEvalRetrieval", "passages", RETRIEVAL, {"query": 10, "document": 20}, 1.0),
    ],
)
def test_mteb_scores_what_the_vectors_deserve(
    mteb: Mteb,
    tmp_path: Path,
    task: str,
    subset: str,
    data: DataSet,
    roles: dict[Role, int],
    wanted: float | None,
) -> None:
    folder = mteb_tasks.write(tmp_path / "set", data)
    counts: dict[Role, int] = {"query": 0, "document": 0}

    def encode(texts: list[str], role: Role) -> "np.ndarray[tuple[int, int], np.dtype[np.float32]]":
        counts[role] += len(texts)
        return apart(texts)

    found = mteb.score(task, folder, encode, subsets=(subset,), splits=("test",), key="probes.x")
    if wanted is None:
        rows = STS["default"]["test"]
        first, second = (apart(rows[name]) for name in ("sentence1", "sentence2"))
        cosines = (
            (first * second).sum(axis=1) / np.linalg.norm(first, axis=1) / np.linalg.norm(second, axis=1)
        )
        wanted = spearmanr(rows["score"], cosines).statistic
        assert 0.5 < wanted < 1
    assert found.score == pytest.approx(wanted, abs=1e-6)
    assert found.parts == (PartScore(subset, "test", found.score),)
    assert counts == roles


def test_mteb_says_what_it_misses_in_a_data_set(mteb: Mteb, tmp_path: Path) -> None:
    folder = mteb_tasks.write(tmp_path / "set", CLASSES)
    for splits, said in ((("test",), "'score'"), (("dev",), "KeyError: 'dev'")):
        with pytest.raises(InvalidData, match=rf"probes.x: mteb 2.* cannot score .*{said}.* or another task"):
            mteb.score("STSBenchmark", folder, words, subsets=("default",), splits=splits, key="probes.x")


def test_mteb_has_neither_token_nor_network_nor_card(mteb: Mteb) -> None:
    (process,) = (one for one in psutil.Process().children() if mteb_worker.__file__ in one.cmdline())
    environment = process.environ()
    assert TOKEN not in environment.values()
    assert (environment["HF_HUB_OFFLINE"], environment["CUDA_VISIBLE_DEVICES"]) == ("1", "")
    assert not Path(environment["HOME"]).is_relative_to(Path.home())


def test_mteb_that_dies_is_a_fault_that_says_how(tmp_path: Path) -> None:
    with mteb_process.running() as mteb:
        mteb.kill()
        with pytest.raises(InvalidWorkspace, match=r"cannot be used: it ended with -9: it said nothing"):
            mteb.describe("STSBenchmark", "probes.x")


def test_mteb_that_is_killed_while_it_scores_is_no_fault_of_the_data(tmp_path: Path) -> None:
    folder = mteb_tasks.write(tmp_path / "set", STS)
    with mteb_process.running() as mteb:

        def killed(texts: list[str], role: Role) -> "np.ndarray[tuple[int, int], np.dtype[np.float32]]":
            mteb.kill()
            return words(texts)

        with pytest.raises(
            InvalidWorkspace,
            match=r"probes.x: .* did not live to score STSBenchmark: it ended with -9.*memory",
        ):
            mteb.score("STSBenchmark", folder, killed, subsets=("default",), splits=("test",), key="probes.x")


@pytest.mark.parametrize("version", [None, "1.38.9", "2.25.1", "3.0.0rc1"])
def test_mteb_that_is_missing_or_another_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, version: str | None
) -> None:
    def found(name: str) -> str:
        if version is None:
            raise PackageNotFoundError(name)
        return version

    monkeypatch.setattr(mteb_process, "version", found)
    with pytest.raises(
        InvalidWorkspace,
        match=rf"of mteb {version or 'none'} is installed; .* -m pip install 'mteb>=2.26,<3'`",
    ):
        mteb_process.installed()


def test_mteb_is_the_one_that_the_extra_installs() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["optional-dependencies"]["mteb"] == [mteb_process.WANTED]
