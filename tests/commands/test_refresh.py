"""What refresh moves, and what it leaves alone."""

import shutil
from pathlib import Path

import pytest

from pipeline.commands import refresh
from pipeline.errors import HubNotFound, HubUnreachable
from pipeline.hub import Hub
from pipeline.params import load
from pipeline.params.rewrite import rewrite
from pipeline.records import RepoRef
from pipeline.workspace import receipts
from tests.conftest import Stage
from tests.support import workspaces
from tests.support.records import put, receipt
from tests.support.workspaces import set_params

TUNED = "tester/refresh-tuned"
DATA = "tester/refresh-data"


class Room:
    """A workspace of which `refresh` needs only params.yaml and the receipts, and what lies on the Hub."""

    def __init__(self, folder: Path, stage: Stage) -> None:
        self.folder = folder
        self.stage = stage
        self.hub = Hub(load(folder).hub)
        self.rows = 0

    def run(self) -> dict[str, str]:
        return refresh.run(self.folder, load(self.folder))

    def new_data(self) -> str:
        self.rows += 10
        source = self.folder / "source"
        workspaces.write_splits(source, {"train": workspaces.triplets(self.rows)})
        return workspaces.put(self.stage.endpoint, DATA, "dataset", source)

    def new_model(self, text: str) -> str:
        (self.folder / "tuned").mkdir(exist_ok=True)
        (self.folder / "tuned" / "config.json").write_text(text)
        return workspaces.put(self.stage.endpoint, TUNED, "model", self.folder / "tuned")

    def release(self, commit: str, anchor: str | None = None) -> None:
        params = load(self.folder)
        put(
            self.folder,
            receipt("v1", repo=TUNED, commit=commit).model_copy(
                update={
                    "recipe": receipts.recipe(params),
                    "dataset": RepoRef(repo=DATA, revision=params.dataset.revision),
                    "anchor": anchor,
                }
            ),
        )


@pytest.fixture
def room(writer: Stage, tmp_path: Path) -> Room:
    from huggingface_hub import HfApi

    HfApi(endpoint=writer.endpoint).delete_repo(DATA, repo_type="dataset", missing_ok=True)
    workspaces.forget(writer.endpoint, TUNED)
    shutil.copyfile(workspaces.PROJECT / "params.yaml", tmp_path / "params.yaml")
    names = {"dataset.repo": DATA, "live.repo": TUNED, "release.repo": TUNED, "hub.xet": False}
    set_params(tmp_path, names)
    found = Room(tmp_path, writer)
    path = tmp_path / "params.yaml"
    path.write_text(rewrite(path, {"dataset.revision": found.new_data()}), encoding="utf-8")
    return found


def test_refresh_moves_nothing_when_nothing_moved(room: Room) -> None:
    before = (room.folder / "params.yaml").read_bytes()
    assert room.run() == {}
    assert (room.folder / "params.yaml").read_bytes() == before


def test_refresh_moves_the_data_set_to_the_head_of_its_branch(room: Room) -> None:
    before = (room.folder / "params.yaml").read_text(encoding="utf-8")
    old = load(room.folder).dataset.revision
    head = room.new_data()
    assert room.run() == {"dataset.revision": head}
    assert (room.folder / "params.yaml").read_text(encoding="utf-8") == before.replace(old, head)
    assert room.run() == {}


def test_refresh_keeps_every_comment_and_the_order(room: Room) -> None:
    room.new_data()
    room.run()
    text = (room.folder / "params.yaml").read_text(encoding="utf-8")
    assert "# a commit, never a branch; `refresh` moves it" in text
    assert "# The production workspace: BGE-M3 on Turkish telecom triplets." in text
    assert text.index("dataset:") < text.index("base:") < text.index("hub:")


def test_refresh_follows_another_branch_where_told(room: Room) -> None:
    from huggingface_hub import HfApi

    HfApi(endpoint=room.stage.endpoint).create_branch(DATA, repo_type="dataset", branch="stable")
    set_params(room.folder, {"dataset.branch": "stable"})
    room.new_data()
    assert room.run() == {}


def test_refresh_takes_the_first_live_model_from_its_tag(room: Room) -> None:
    commit = room.new_model("{}")
    assert room.run() == {}
    room.hub.move_tag(TUNED, "deployed", commit)
    room.new_model('{"a": 1}')
    assert room.run() == {"live.revision": commit}
    assert load(room.folder).live.revision == commit


def test_refresh_does_not_move_live_when_nothing_else_moved_since_the_release(room: Room) -> None:
    commit = room.new_model("{}")
    room.release(commit)
    room.hub.move_tag(TUNED, "deployed", commit)
    before = (room.folder / "params.yaml").read_bytes()
    assert room.run() == {}
    assert (room.folder / "params.yaml").read_bytes() == before


def test_refresh_moves_live_together_with_the_data(room: Room) -> None:
    commit = room.new_model("{}")
    room.release(commit)
    room.hub.move_tag(TUNED, "deployed", commit)
    head = room.new_data()
    assert room.run() == {"dataset.revision": head, "live.revision": commit}
    assert room.run() == {}


@pytest.mark.parametrize(
    "change", [{"train.learning_rate": 0.5}, {"train.recipe_version": 99}, {"gate.base_min_gain": 0.5}]
)
def test_refresh_moves_live_after_the_recipe_changed(room: Room, change: dict[str, object]) -> None:
    commit = room.new_model("{}")
    room.release(commit)
    room.hub.move_tag(TUNED, "deployed", commit)
    set_params(room.folder, change)
    assert room.run() == {"live.revision": commit}


def test_refresh_does_not_move_live_after_the_hardware_changed(room: Room) -> None:
    commit = room.new_model("{}")
    room.release(commit)
    room.hub.move_tag(TUNED, "deployed", commit)
    set_params(room.folder, {"hardware.threads": 2})
    assert room.run() == {}


def test_refresh_moves_the_anchor_together_with_the_data(room: Room) -> None:
    commit = room.new_model("{}")
    room.release(commit, anchor="a" * 40)
    before = (room.folder / "params.yaml").read_bytes()
    assert room.run() == {}
    assert (room.folder / "params.yaml").read_bytes() == before
    head = room.new_data()
    assert room.run() == {"dataset.revision": head, "anchor.revision": "a" * 40}
    assert load(room.folder).anchor.revision == "a" * 40
    assert room.run() == {}


def test_refresh_moves_the_anchor_after_the_recipe_changed(room: Room) -> None:
    room.release(room.new_model("{}"), anchor="a" * 40)
    set_params(room.folder, {"train.seed": 3})
    assert room.run() == {"anchor.revision": "a" * 40}


def test_refresh_takes_the_anchor_of_the_newest_receipt_of_the_live_repository(room: Room) -> None:
    put(
        room.folder,
        receipt("v2", repo=TUNED, commit="2" * 40).model_copy(update={"anchor": "b" * 40}),
        receipt("v1", repo=TUNED, commit="1" * 40).model_copy(update={"anchor": "a" * 40}),
        receipt("v9", repo="tester/else", commit="9" * 40).model_copy(update={"anchor": "c" * 40}),
    )
    assert room.run() == {"anchor.revision": "b" * 40}


def test_refresh_leaves_the_anchor_where_no_receipt_names_one(room: Room) -> None:
    set_params(room.folder, {"anchor.revision": "a" * 40})
    room.release(room.new_model("{}"))
    head = room.new_data()
    assert room.run() == {"dataset.revision": head}


def test_refresh_leaves_live_where_the_tag_was_removed(room: Room) -> None:
    set_params(room.folder, {"live.revision": room.new_model("{}")})
    room.new_data()
    assert list(room.run()) == ["dataset.revision"]


def test_refresh_replaces_a_live_model_that_is_gone_though_nothing_else_moved(room: Room) -> None:
    commit = room.new_model("{}")
    room.release(commit)
    room.hub.move_tag(TUNED, "deployed", commit)
    set_params(room.folder, {"live.revision": "0" * 40})
    assert room.run() == {"live.revision": commit}
    assert room.run() == {}


@pytest.mark.parametrize("everything", [True, False])
def test_refresh_leaves_a_live_model_that_is_gone_where_there_is_no_other(
    room: Room, everything: bool
) -> None:
    commit = room.new_model("{}")
    room.release(commit)
    if everything:
        workspaces.forget(room.stage.endpoint, TUNED)
    set_params(room.folder, {"live.revision": "0" * 40})
    assert room.run() == {}
    assert load(room.folder).live.revision == "0" * 40


def test_refresh_takes_a_rollback_for_no_release(room: Room) -> None:
    commit = room.new_model("{}")
    room.release(commit)
    room.hub.move_tag(TUNED, "deployed", commit)
    back = receipt("v2", repo=TUNED, commit="2" * 40)
    put(room.folder, back.model_copy(update={"kind": "rollback", "restores": "v0"}))
    assert room.run() == {}


def test_refresh_names_a_branch_that_is_not_there(room: Room) -> None:
    set_params(room.folder, {"dataset.branch": "nowhere"})
    before = (room.folder / "params.yaml").read_bytes()
    with pytest.raises(HubNotFound, match="no such revision"):
        room.run()
    assert (room.folder / "params.yaml").read_bytes() == before


def test_refresh_changes_nothing_when_the_hub_is_down(room: Room) -> None:
    set_params(room.folder, {"hub.endpoint": "http://127.0.0.1:1"})
    before = (room.folder / "params.yaml").read_bytes()
    with pytest.raises(HubUnreachable):
        room.run()
    assert (room.folder / "params.yaml").read_bytes() == before
