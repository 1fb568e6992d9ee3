"""Taking in a model that something else made, as the one that the service runs."""

import json
import shutil
from pathlib import Path

import pytest
from huggingface_hub import snapshot_download

from pipeline.commands import adopt, deployed, refresh
from pipeline.errors import HubNotFound, InvalidData, InvalidParams, ReleaseRefused
from pipeline.hub import Hub
from pipeline.params import load
from pipeline.records import Adoption, RepoRef
from pipeline.records.log import Adopted
from pipeline.workspace import live, log, receipts
from tests.conftest import Make, Stage
from tests.support import workspaces
from tests.support.records import put, receipt
from tests.support.workspaces import git, set_params, triplets

HANDMADE = "tester/handmade"


@pytest.fixture
def folder(make_workspace: Make, writer: Stage) -> Path:
    for repo in (HANDMADE, "tester/tuned"):
        workspaces.forget(writer.endpoint, repo)
    return make_workspace(dvc=False)


@pytest.fixture
def handmade(folder: Path, writer: Stage, tmp_path: Path) -> str:
    """A model on the Hub that is none of this line's, and its commit."""
    source = snapshot_download("tester/tiny", revision=writer.base, endpoint=writer.endpoint)
    shutil.copytree(source, tmp_path / "handmade", ignore=shutil.ignore_patterns(".gitattributes"))
    return workspaces.put(writer.endpoint, HANDMADE, "model", tmp_path / "handmade")


def run(folder: Path, what: str, trained_on: str | None = None) -> Adoption:
    return adopt.run(folder, load(folder), what, trained_on)


def standing(folder: Path) -> live.Standing | None:
    return live.expected(log.entries(folder), receipts.read_all(folder), load(folder))


def test_adopt_writes_a_receipt_and_tells_the_log(folder: Path, handmade: str, writer: Stage) -> None:
    made = run(folder, f"{HANDMADE}@main", "tester/triplets@main")
    data = RepoRef(repo="tester/triplets", revision=writer.dataset)
    assert (made.version, made.repo, made.commit, made.trained_on) == ("adopted-1", HANDMADE, handmade, data)
    listed = Hub(load(folder).hub).files(HANDMADE, "model", handmade)
    assert made.files == {path: one.digest for path, one in listed.items() if path != ".gitattributes"}
    assert receipts.adoptions(folder) == [made]
    assert receipts.load_all(folder) == []
    assert git(folder, "show", "--name-only", "--format=%s").split() == [
        "Adopt", "adopted-1", "receipts/adopted-1.json",
    ]  # fmt: skip
    (entry,) = log.entries(folder).values()
    assert entry.what == Adopted(repo=HANDMADE, commit=handmade, version="adopted-1", trained_on=data)
    assert "run `katman refresh`" in adopt.summary(made)
    with pytest.raises(InvalidParams, match=f"adopted-1 of {HANDMADE} is deployed"):
        live.demand(folder, load(folder))
    assert refresh.run(folder, load(folder)) == {
        "live.repo": HANDMADE,
        "live.revision": handmade,
        "live.trained_on": data.model_dump(),
    }
    live.demand(folder, load(folder))


def test_adopt_again_says_the_same_and_another_data_set_is_another_version(
    folder: Path, handmade: str
) -> None:
    first = run(folder, f"{HANDMADE}@{handmade}")
    assert run(folder, f"{HANDMADE}@main") == first
    assert len(log.entries(folder)) == 1
    assert first.trained_on is None
    assert "nobody knows which rows it has seen" in adopt.summary(first)
    second = run(folder, f"{HANDMADE}@main", "tester/triplets@main")
    assert second.version == "adopted-2"
    assert receipts.adoptions(folder) == [first, second]
    found = standing(folder)
    assert found is not None
    assert (found.version, found.trained_on) == ("adopted-2", second.trained_on)


def test_adopted_model_is_no_release_of_this_line(folder: Path, handmade: str) -> None:
    run(folder, f"{HANDMADE}@main")
    assert receipts.next_version(folder, HANDMADE) == "v1"
    assert receipts.latest(folder, HANDMADE) is None
    set_params(folder, {"release.repo": HANDMADE})
    assert receipts.next_version(folder, HANDMADE) == "v1"


def test_adopt_and_deployed_each_count_from_when_they_were_said(
    folder: Path, handmade: str, writer: Stage
) -> None:
    commit = workspaces.put(writer.endpoint, "tester/tuned", "model", folder.parent / "handmade")
    Hub(load(folder).hub).tag("tester/tuned", "v1", commit)
    put(folder, receipt("v1", repo="tester/tuned", commit=commit))
    said = []
    for version in ("v1", None, "v1", "adopted-1"):
        if version is None:
            run(folder, f"{HANDMADE}@main")
        else:
            deployed.run(folder, load(folder), version)
        found = standing(folder)
        assert found is not None
        said.append((found.version, found.commit))
    assert said == [("v1", commit), ("adopted-1", handmade), ("v1", commit), ("adopted-1", handmade)]


@pytest.mark.parametrize(
    ("what", "trained_on", "said"),
    [
        ("tester/handmade", None, "'tester/handmade' names no commit; wanted REPO@REV, like owner/name@main"),
        ("@main", None, "'@main' names no commit"),
        ("tester/handmade@main", "tester/triplets", "'tester/triplets' names no commit"),
    ],
)
def test_adopt_names_what_is_no_commit(
    folder: Path, handmade: str, what: str, trained_on: str | None, said: str
) -> None:
    with pytest.raises(InvalidParams) as caught:
        run(folder, what, trained_on)
    assert said in str(caught.value)
    assert log.entries(folder) == {}


def test_adopt_keeps_nothing_of_what_cannot_be_compared_with(
    folder: Path, handmade: str, writer: Stage
) -> None:
    with pytest.raises(HubNotFound):
        run(folder, f"{HANDMADE}@nowhere")
    with pytest.raises(HubNotFound):
        run(folder, f"{HANDMADE}@main", "tester/none@main")
    source = folder.parent / "theirs"
    workspaces.write_splits(source, {"training": triplets(5)})
    workspaces.put(writer.endpoint, "tester/adopt-theirs", "dataset", source)
    with pytest.raises(InvalidData, match="has the splits training; wanted 'train'"):
        run(folder, f"{HANDMADE}@main", "tester/adopt-theirs@main")
    dims = {"model.dims": [64, 48], "gate.floors": {64: 0.0, 48: 0.0}}
    set_params(folder, dims)
    with pytest.raises(InvalidData, match=r"has 32 dimensions and model.dims are \[64, 48\]; wanted at"):
        run(folder, f"{HANDMADE}@main")
    assert receipts.read_all(folder) == []
    assert log.entries(folder) == {}


def test_adopt_refuses_what_no_library_can_load(folder: Path, handmade: str, writer: Stage) -> None:
    source = folder.parent / "handmade"
    config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    (source / "config.json").write_text(json.dumps(config | {"hidden_size": 48}), encoding="utf-8")
    workspaces.put(writer.endpoint, HANDMADE, "model", source)
    with pytest.raises(InvalidData, match="holds no model that sentence-transformers can load"):
        run(folder, f"{HANDMADE}@main")
    assert receipts.read_all(folder) == []


def test_adopt_refuses_a_release_of_this_line(folder: Path, handmade: str) -> None:
    put(folder, receipt("v3", repo=HANDMADE, commit=handmade))
    with pytest.raises(ReleaseRefused, match=r"is v3, which was released from here.*katman deployed v3"):
        run(folder, f"{HANDMADE}@main")
    assert log.entries(folder) == {}
