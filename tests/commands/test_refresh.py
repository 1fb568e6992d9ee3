"""What refresh moves, and what it leaves alone."""

import shutil
from pathlib import Path

import pytest

from pipeline.commands import refresh
from pipeline.errors import HubNotFound, HubUnreachable, InvalidParams
from pipeline.hub import Hub
from pipeline.params import load
from pipeline.params.rewrite import rewrite
from pipeline.preflight import moved_rows
from pipeline.preflight.moved_rows import MovedRows, SplitMoves
from pipeline.records import RepoRef
from pipeline.records.log import Adopted, Deployed, Groups, Look
from pipeline.workspace import live, log, receipts
from tests.conftest import Stage
from tests.support import workspaces
from tests.support.records import adopted, put, receipt
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

    def run(self) -> refresh.Values:
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
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copyfile(workspaces.PROJECT / name, tmp_path / name)
    workspaces.repository(tmp_path, dvc=False)
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
    assert room.run() == {"dataset.revision": head, "live.revision": commit, "anchor.revision": "a" * 40}
    assert load(room.folder).anchor.revision == "a" * 40
    assert room.run() == {}


def test_refresh_moves_the_anchor_after_the_recipe_changed(room: Room) -> None:
    commit = room.new_model("{}")
    room.release(commit, anchor="a" * 40)
    set_params(room.folder, {"train.seed": 3})
    assert room.run() == {"live.revision": commit, "anchor.revision": "a" * 40}


def test_refresh_takes_the_anchor_of_the_newest_receipt_of_its_repository(room: Room) -> None:
    set_params(room.folder, {"live.revision": "2" * 40})
    put(
        room.folder,
        receipt("v2", repo=TUNED, commit="2" * 40).model_copy(update={"anchor": "b" * 40}),
        receipt("v1", repo=TUNED, commit="1" * 40).model_copy(update={"anchor": "a" * 40}),
        receipt("v9", repo="tester/else", commit="9" * 40).model_copy(update={"anchor": "c" * 40}),
    )
    assert room.run() == {"anchor.revision": "b" * 40}


def test_refresh_leaves_the_anchor_where_no_receipt_names_one(room: Room) -> None:
    set_params(room.folder, {"anchor.revision": "a" * 40})
    commit = room.new_model("{}")
    room.release(commit)
    head = room.new_data()
    assert room.run() == {"dataset.revision": head, "live.revision": commit}


def test_refresh_leaves_live_where_the_tag_was_removed(room: Room) -> None:
    set_params(room.folder, {"live.revision": room.new_model("{}")})
    room.new_data()
    assert list(room.run()) == ["dataset.revision"]


def test_refresh_replaces_a_live_model_that_is_gone_though_nothing_else_moved(room: Room) -> None:
    first = room.new_model("{}")
    second = room.new_model('{"a": 1}')
    room.release(second)
    room.hub.move_tag(TUNED, "deployed", first)
    set_params(room.folder, {"live.revision": "0" * 40})
    assert room.run() == {"live.revision": first}
    assert room.run() == {}


@pytest.mark.parametrize("everything", [True, False])
def test_refresh_leaves_a_live_model_that_is_gone_where_there_is_no_other(
    room: Room, everything: bool
) -> None:
    """The release itself is no other: it would be compared with itself."""
    commit = room.new_model("{}")
    room.release(commit)
    if everything:
        workspaces.forget(room.stage.endpoint, TUNED)
    set_params(room.folder, {"live.revision": "0" * 40})
    assert room.run() == {}
    assert load(room.folder).live.revision == "0" * 40


def test_refresh_takes_the_newest_release_where_nothing_is_deployed(room: Room) -> None:
    commit = room.new_model("{}")
    room.release(commit)
    head = room.new_data()
    assert room.run() == {"dataset.revision": head, "live.revision": commit}
    assert log.entries(room.folder) == {}


def test_refresh_tells_the_log_of_a_tag_that_somebody_moved(room: Room) -> None:
    first, second = room.new_model("{}"), room.new_model('{"a": 1}')
    room.release(first)
    room.hub.move_tag(TUNED, "deployed", first)
    assert room.run() == {}
    room.hub.move_tag(TUNED, "deployed", second)
    head = room.new_data()
    assert room.run() == {"dataset.revision": head, "live.revision": second}
    told = [entry.what for entry in log.entries(room.folder).values()]
    assert told == [
        Deployed(repo=TUNED, commit=first, version="v1", tagged=first),
        Deployed(repo=TUNED, commit=second, version=second[:12], tagged=second),
    ]
    assert room.run() == {}
    assert len(log.entries(room.folder)) == 2


def test_refresh_believes_the_log_where_the_token_could_not_move_the_tag(room: Room) -> None:
    first, second = room.new_model("{}"), room.new_model('{"a": 1}')
    room.release(second)
    room.hub.move_tag(TUNED, "deployed", first)
    log.append(room.folder, Deployed(repo=TUNED, commit=second, version="v1", tagged=first))
    set_params(room.folder, {"train.seed": 3})
    assert room.run() == {"live.revision": second}


def test_refresh_believes_the_log_where_the_tag_was_removed(room: Room) -> None:
    commit = room.new_model("{}")
    room.release(room.new_model('{"a": 1}'))
    log.append(room.folder, Deployed(repo=TUNED, commit=commit, version="v0", tagged=commit))
    set_params(room.folder, {"train.seed": 3})
    assert room.run() == {"live.revision": commit}


def test_refresh_brings_an_adopted_model_with_its_repository_and_data_set(room: Room) -> None:
    commit = room.new_model("{}")
    data = RepoRef(repo=DATA, revision=load(room.folder).dataset.revision)
    told = Adopted(repo=TUNED, commit=commit, version="adopted-1", trained_on=data)
    set_params(room.folder, {"live.repo": "tester/elsewhere", "release.repo": "tester/elsewhere"})
    receipts.save_adoption(room.folder, adopted(commit, data, TUNED))
    log.append(room.folder, told)
    assert room.run() == {
        "live.repo": TUNED,
        "live.revision": commit,
        "live.trained_on": {"repo": DATA, "revision": data.revision},
    }
    text = (room.folder / "params.yaml").read_text(encoding="utf-8")
    assert f"  trained_on: {{repo: {DATA}, revision: {data.revision}}} " in text
    assert "# {repo, revision}: its data set" in text
    live.demand(room.folder, load(room.folder))
    log.append(room.folder, Deployed(repo=TUNED, commit=commit, version="v1"))
    assert room.run() == {}


def test_refresh_drops_the_data_set_of_a_model_that_is_no_longer_live(room: Room) -> None:
    commit = room.new_model("{}")
    room.release(commit)
    data = {"repo": DATA, "revision": load(room.folder).dataset.revision}
    set_params(room.folder, {"live.revision": "0" * 40, "live.trained_on": data, "train.seed": 3})
    assert room.run() == {"live.revision": commit, "live.trained_on": None}


def test_refresh_puts_live_back_where_a_change_was_taken_back(room: Room) -> None:
    """Else the release would be compared with itself, and with itself as the best release so far."""
    commit = room.new_model("{}")
    room.release(commit, anchor=commit)
    before = (room.folder / "params.yaml").read_bytes()
    seed = load(room.folder).train.seed
    set_params(room.folder, {"train.seed": seed + 1})
    assert room.run() == {"live.revision": commit, "anchor.revision": commit}
    set_params(room.folder, {"train.seed": seed})
    with pytest.raises(InvalidParams, match=r"live\.revision is v1 itself"):
        live.demand(room.folder, load(room.folder))
    assert room.run() == {"live.revision": None, "anchor.revision": None}
    live.demand(room.folder, load(room.folder))
    set_params(room.folder, {})
    assert load(room.folder).model_dump() == _loaded(room.folder, before)
    assert room.run() == {}


def _loaded(folder: Path, content: bytes) -> dict[str, object]:
    (folder / "before").mkdir()
    (folder / "before" / "params.yaml").write_bytes(content)
    return load(folder / "before").model_dump()


def test_refresh_names_a_deployed_model_that_is_gone(room: Room) -> None:
    room.release("1" * 40)
    set_params(room.folder, {"train.seed": 3})
    with pytest.raises(HubNotFound, match=r"v1 of .* is the newest release .*gone from the Hub.*adopt"):
        room.run()


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


def test_refresh_leaves_a_data_set_that_is_pinned(room: Room) -> None:
    set_params(room.folder, {"refresh.policy": "pin"})
    head = room.new_data()
    found = room.run()
    assert found == {}
    assert (
        f"the data set stays: {head[:12]} is the head of main, and refresh.policy is pin"
        in refresh.summary(found)
    )


def test_refresh_shows_what_moved_and_waits_for_enough(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    moved = MovedRows("a", "b", {"train": SplitMoves(3, 1, 2, 10, 12)}, [["train", "a  query", "p", "n"]])
    monkeypatch.setattr(moved_rows, "compare", lambda *_: moved)
    head = room.new_data()
    set_params(room.folder, {"refresh.min_rows": 6})
    found = room.run()
    assert found == {}
    assert "5 rows are new; wanted 6" in refresh.summary(found)
    assert "train  3 rows added, 1 removed, 2 changed; 10 before, 12 now" in refresh.summary(found)
    assert refresh.summary(found).endswith("new    train | a query | p | n")
    set_params(room.folder, {"refresh.min_rows": 5})
    assert room.run() == {"dataset.revision": head}


def test_refresh_waits_some_days_after_a_look(room: Room) -> None:
    look = Look(candidate="c", test_digest="t", groups=Groups(), gate={}, alpha=0.01, outcome="failed")
    log.append(room.folder, look)
    head = room.new_data()
    set_params(room.folder, {"refresh.min_days": 2.0})
    found = room.run()
    assert found == {}
    assert "0 days after a look; wanted 2" in refresh.summary(found)
    set_params(room.folder, {"refresh.min_days": 0.0})
    assert room.run() == {"dataset.revision": head}
