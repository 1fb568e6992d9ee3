"""What is fetched of a repository at its commit, and what is refused before anything is."""

from pathlib import Path

import pytest

from pipeline.errors import HubNotFound, InvalidData
from pipeline.params import load
from pipeline.stages.pin import downloads
from tests.conftest import Make, Stage
from tests.support import workspaces
from tests.support.hubs import hub_at
from tests.support.splits import PIN

GONE = "0" * 40


@pytest.fixture(scope="module")
def scripted(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("scripted")
    (folder / "load.py").write_text("print('run')")
    (folder / "train.jsonl").write_text("{}\n")
    (folder / "notes.txt").write_text("n")
    return workspaces.put(stage.endpoint, "tester/scripted", "dataset", folder)


def test_data_set_with_a_script_is_refused(writer: Stage, scripted: str) -> None:
    with pytest.raises(InvalidData, match=r"tester/scripted at .* holds load.py, which loading it can run"):
        downloads.data(hub_at(), "tester/scripted", scripted, PIN)


def test_data_set_is_fetched_whole_with_each_digest(writer: Stage) -> None:
    found = downloads.data(hub_at(), "tester/triplets", writer.dataset, PIN)
    assert ".gitattributes" not in found.pinned.files
    assert {"train.jsonl"} <= set(found.pinned.files) or len(found.pinned.files) >= 3
    assert all(
        found.folder.joinpath(path).stat().st_size == one.size for path, one in found.pinned.files.items()
    )
    assert found.pinned.revision == writer.dataset


def test_copy_is_no_link_into_the_cache(writer: Stage, tmp_path: Path) -> None:
    found = downloads.data(hub_at(), "tester/triplets", writer.dataset, PIN)
    found.copy(tmp_path / "copied")
    for path in found.pinned.files:
        copied = tmp_path / "copied" / path
        assert not copied.is_symlink()
        assert copied.read_bytes() == (found.folder / path).read_bytes()


def test_single_files_are_fetched_and_a_missing_one_is_named(writer: Stage, scripted: str) -> None:
    ask = {"repo": "tester/scripted", "revision": scripted, "pin": PIN}
    found = downloads.tables(hub_at(), "retrieval", files=["train.jsonl"], **ask)  # type: ignore[arg-type]
    assert set(found.pinned.files) == {"train.jsonl"}
    with pytest.raises(
        InvalidData,
        match=r"has no queries.jsonl, which retrieval names; it has notes.txt, train.jsonl. Correct",
    ):
        downloads.tables(hub_at(), "retrieval", files=["train.jsonl", "queries.jsonl"], **ask)  # type: ignore[arg-type]


def test_name_of_a_branch_is_no_commit(writer: Stage) -> None:
    with pytest.raises(InvalidData, match="wanted the commit itself"):
        downloads.data(hub_at(), "tester/triplets", "main", PIN)


def test_base_says_what_of_it_nobody_reads(writer: Stage, make_workspace: Make) -> None:
    params = load(make_workspace(dvc=False))
    assert downloads.look(hub_at(), params.base, params.model) == writer.base
    found = downloads.base(hub_at(), params.base.repo, params.base.revision, (), max_workers=1)
    assert "model.safetensors" in found.pinned.files
    assert not set(found.pinned.files) & set(found.pinned.unused)


def test_release_that_is_gone_names_the_way_out(writer: Stage) -> None:
    assert downloads.release(hub_at(), "live", "tester/gone", None, max_workers=1) is None
    with pytest.raises(HubNotFound, match=r"(?s)the live model is gone: .*katman adopt REPO@REV"):
        downloads.release(hub_at(), "live", "tester/gone", GONE, max_workers=1)
    with pytest.raises(HubNotFound, match=r"(?s)the anchor model is gone: .*anchor.revision to null"):
        downloads.release(hub_at(), "anchor", "tester/gone", GONE, max_workers=1)
