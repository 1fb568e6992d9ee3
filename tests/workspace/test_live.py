"""What candidates are compared with, by log and receipts, and who must see to it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import InvalidParams
from pipeline.params import load
from pipeline.records import Receipt, RepoRef, Training
from pipeline.records.log import Adopted, Deployed
from pipeline.workspace import live, log, paths, receipts
from tests.support import workspaces
from tests.support.records import adopted, put, receipt
from tests.support.workspaces import PROJECT, set_params

REPO = "tester/tuned"
HANDMADE = "tester/handmade"
ONE, TWO, THREE, STRANGER = ("1" * 40, "2" * 40, "3" * 40, "9" * 40)
DATA = RepoRef(repo="tester/triplets", revision="d" * 40)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A git repository with a params.yaml and a log, in which nothing was released."""
    for name in ("params.yaml", "dvc.yaml"):
        (tmp_path / name).write_bytes((PROJECT / name).read_bytes())
    names = {"dataset.repo": DATA.repo, "dataset.revision": DATA.revision}
    set_params(tmp_path, {"live.repo": REPO, "release.repo": REPO} | names)
    workspaces.repository(tmp_path, dvc=False)
    return tmp_path


def released(folder: Path, version: str, commit: str, **changes: Any) -> Receipt:
    """Write the receipt of a release that was made with what params.yaml says now."""
    params = load(folder)
    values = {
        "candidate": f"candidate of {version}",
        "recipe": receipts.recipe(params),
        "ingredients": receipts.ingredients(params),
        "dataset": DATA,
    }
    made = receipt(version, repo=REPO, commit=commit).model_copy(update=values | changes)
    put(folder, made)
    return made


def deploy(folder: Path, version: str, commit: str, **changes: Any) -> None:
    log.append(folder, Deployed(repo=REPO, commit=commit, version=version, tagged=commit, **changes))


def standing(folder: Path) -> live.Standing | None:
    return live.expected(log.entries(folder), receipts.read_all(folder), load(folder))


def refused(folder: Path) -> str:
    with pytest.raises(InvalidParams) as caught:
        live.demand(folder, load(folder))
    return str(caught.value)


def fine(folder: Path) -> None:
    live.demand(folder, load(folder))


def test_live_is_nothing_before_the_first_release(folder: Path) -> None:
    assert standing(folder) is None
    fine(folder)


def test_live_is_what_was_deployed_last(folder: Path) -> None:
    for version, commit in (("v1", ONE), ("v2", TWO), ("v3", THREE)):
        released(folder, version, commit)
    deploy(folder, "v2", TWO)
    deploy(folder, "v1", ONE)
    found = standing(folder)
    assert found is not None
    assert str(found) == f"v1 of {REPO} is deployed (commit {ONE[:12]})"


def test_live_is_the_newest_release_where_nothing_is_deployed(folder: Path) -> None:
    released(folder, "v1", ONE)
    released(folder, "v2", TWO, kind="rollback", restores="v1")
    found = standing(folder)
    assert found is not None
    assert str(found) == f"v2 of {REPO} is the newest release (commit {TWO[:12]})"


def test_live_is_not_what_another_workspace_of_the_same_git_repository_deployed(folder: Path) -> None:
    log.append(folder, Deployed(repo="tester/other-model", commit=STRANGER, version="v7"))
    assert standing(folder) is None
    released(folder, "v1", ONE)
    found = standing(folder)
    assert found is not None
    assert found.commit == ONE


def test_live_is_a_release_to_an_earlier_repository_too(folder: Path) -> None:
    released(folder, "v1", ONE)
    set_params(folder, {"live.repo": "tester/renamed", "release.repo": "tester/renamed"})
    assert "v1 of tester/tuned is the newest release" in refused(folder)


def test_live_that_was_adopted_comes_with_its_data_set(folder: Path) -> None:
    receipts.save_adoption(folder, adopted(STRANGER, DATA))
    found = standing(folder)
    assert found is not None
    assert (found.version, found.adopted, found.trained_on) == ("adopted-1", True, DATA)
    told = Adopted(repo=HANDMADE, commit=STRANGER, version="adopted-1", trained_on=DATA)
    live.tell(folder, load(folder), told)
    live.tell(folder, load(folder), told)
    assert len(log.entries(folder)) == 1
    set_params(folder, {"live.repo": HANDMADE, "live.revision": STRANGER})
    assert "live.trained_on is null; wanted tester/triplets at dddddddddddd" in refused(folder)
    set_params(folder, {"live.trained_on": DATA.model_dump()})
    fine(folder)
    deploy(folder, "v1", ONE)
    log.append(folder, Deployed(repo=HANDMADE, commit=STRANGER, version="adopted-1"))
    again = standing(folder)
    assert again is not None
    assert (again.adopted, again.trained_on) == (True, DATA)


def test_live_of_nobody_knows_what_data_may_not_be_given_some_by_hand(folder: Path) -> None:
    receipts.save_adoption(folder, adopted(STRANGER))
    set_params(folder, {"live.repo": HANDMADE, "live.revision": STRANGER})
    fine(folder)
    set_params(folder, {"live.trained_on": DATA.model_dump()})
    assert "live.trained_on is tester/triplets at dddddddddddd; wanted null" in refused(folder)


CHANGES: list[dict[str, object]] = [
    {"train.learning_rate": 0.5},
    {"train.recipe_version": 99},
    {"train.versions.torch": "9.9.9"},
    {"dataset.revision": "e" * 40},
    {"dataset.repo": "tester/other"},
    {"dataset.columns.query": "anchor"},
    {"base.revision": "e" * 40},
    {"model.prompts.query": "soru: "},
    {"pin.cut.salt": "other"},
    {"audit.policies.near_duplicate": "drop"},
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
def test_live_is_demanded_of_whoever_changed_what_weights_depend_on(
    folder: Path, change: Mapping[str, object]
) -> None:
    released(folder, "v1", ONE, anchor=ONE)
    fine(folder)
    set_params(folder, change)
    said = refused(folder)
    assert said.startswith(
        f"v1 of {REPO} is the newest release (commit {ONE[:12]}), and live.revision is null; wanted"
    )
    assert said.endswith(
        f"Run `katman refresh`, or give an experiment `-S live.revision={ONE}` `-S anchor.revision={ONE}`"
    )
    set_params(folder, {"live.revision": STRANGER})
    assert f"live.revision is {STRANGER[:12]} of {REPO}" in refused(folder)
    set_params(folder, {"live.revision": ONE})
    fine(folder)


@pytest.mark.parametrize(
    "change",
    [
        {"gate.alpha": 0.01},
        {"card.domain": "other"},
        {"evaluate.search_vectors": 7},
        {"model.name": "Other"},
        {"dataset.branch": "other"},
        {"hardware.threads": 2},
    ],
    ids=lambda change: next(iter(change)),
)
def test_live_is_not_demanded_where_the_candidate_stays_the_released_one(
    folder: Path, change: Mapping[str, object]
) -> None:
    released(folder, "v1", ONE)
    set_params(folder, change)
    fine(folder)


def test_live_is_demanded_where_other_weights_came_of_the_same_parameters(folder: Path) -> None:
    from pipeline.workspace import lineage
    from tests.support import sealed

    released(folder, "v1", ONE)
    made = sealed.records(folder, "candidate of v1", {})
    for name in ("pin", "train"):
        (folder / paths.RECORDS[name]).parent.mkdir(exist_ok=True)
        record = made[name].model_copy(update={"params": lineage.params_digest(folder, name)})
        if isinstance(record, Training):
            record = record.model_copy(update={"wrote": {paths.MODEL: "candidate of v1"}})
        (folder / paths.RECORDS[name]).write_text(record.dump(), encoding="utf-8")
    fine(folder)
    path = folder / paths.RECORDS["train"]
    path.write_text(path.read_text("utf-8").replace("candidate of v1", "trained by force"), encoding="utf-8")
    assert "live.revision is null" in refused(folder)
    # What params.yaml no longer asks for says nothing of the candidate to come.
    path.write_text(path.read_text("utf-8").replace('"params": "', '"params": "0'), encoding="utf-8")
    fine(folder)


def test_live_is_never_the_candidate_itself(folder: Path) -> None:
    released(folder, "v1", ONE)
    set_params(folder, {"live.revision": ONE})
    assert "live.revision is v1 itself" in refused(folder)


def test_live_of_a_workspace_that_kept_no_log_is_any_release_and_no_stranger(folder: Path) -> None:
    for version, commit in (("v1", ONE), ("v2", TWO)):
        released(folder, version, commit, ingredients=None)
    set_params(folder, {"train.learning_rate": 0.5, "live.revision": ONE})
    fine(folder)
    for revision in (None, STRANGER):
        set_params(folder, {"live.revision": revision})
        assert "v2 of tester/tuned is the newest release" in refused(folder)
    deploy(folder, "v2", TWO)
    set_params(folder, {"live.revision": ONE})
    assert "v2 of tester/tuned is deployed" in refused(folder)


def test_live_of_a_workspace_with_a_log_is_the_newest_release_alone(folder: Path) -> None:
    for version, commit in (("v1", ONE), ("v2", TWO)):
        released(folder, version, commit)
    set_params(folder, {"train.learning_rate": 0.5, "live.revision": ONE})
    assert "v2 of tester/tuned is the newest release" in refused(folder)


@pytest.mark.parametrize(
    ("tagged", "moved"), [(None, False), (ONE, False), (TWO, False), (STRANGER, True)], ids=str
)
def test_tag_tells_of_a_deployment_only_where_it_was_moved_since_the_log_was_told(
    folder: Path, tagged: str | None, moved: bool
) -> None:
    """The token could not move the tag from v1 to v2."""
    log.append(folder, Deployed(repo=REPO, commit=TWO, version="v2", tagged=ONE))
    found = standing(folder)
    assert live.moved(found, tagged) is moved
    assert live.tag_repo(found, load(folder)) == REPO


def test_tag_is_news_where_the_log_knows_of_no_deployment(folder: Path) -> None:
    assert live.moved(None, ONE)
    released(folder, "v1", ONE)
    assert live.moved(standing(folder), ONE)
    assert not live.moved(standing(folder), None)
