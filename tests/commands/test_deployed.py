"""Saying which release the service runs."""

from pathlib import Path

import pytest
from huggingface_hub import HfApi

from pipeline.commands import deployed
from pipeline.errors import ReleaseRefused
from pipeline.hub import Hub
from pipeline.params import load
from pipeline.records.log import Deployed
from pipeline.workspace import live, log, receipts
from tests.conftest import Stage
from tests.support import workspaces
from tests.support.records import adopted, put, receipt
from tests.support.workspaces import PROJECT, set_params

REPO = "tester/deployed"


@pytest.fixture
def folder(writer: Stage, tmp_path: Path) -> Path:
    """A workspace with two releases."""
    for name in ("params.yaml", "dvc.yaml"):
        (tmp_path / name).write_bytes((PROJECT / name).read_bytes())
    workspaces.repository(tmp_path, dvc=False)
    set_params(tmp_path, {"live.repo": REPO, "release.repo": REPO, "hub.xet": False})
    workspaces.forget(writer.endpoint, REPO)
    (tmp_path / "model").mkdir()
    for version in ("v1", "v2"):
        (tmp_path / "model" / "config.json").write_text(version)
        commit = workspaces.put(writer.endpoint, REPO, "model", tmp_path / "model")
        Hub(load(tmp_path).hub).tag(REPO, version, commit)
        put(tmp_path, receipt(version, repo=REPO, commit=commit))
    return tmp_path


def tags(folder: Path) -> dict[str, str]:
    return Hub(load(folder).hub).branches_and_tags(REPO, "model")[1]


def told(folder: Path) -> list[tuple[str, str, str | None]]:
    found = [entry.what for entry in log.entries(folder).values()]
    return [(one.repo, one.version, one.tagged) for one in found if isinstance(one, Deployed)]


def test_deployed_points_the_tag_at_the_release_and_tells_the_log(folder: Path) -> None:
    commits = tags(folder)
    for version in ("v1", "v2", "v2", "v1"):
        done = deployed.run(folder, load(folder), version)
        assert (done.version, done.denied) == (version, None)
        assert tags(folder)["deployed"] == done.commit == commits[version]
    assert told(folder) == [(REPO, version, commits[version]) for version in ("v1", "v2", "v1")]


def test_deployed_is_kept_in_the_log_alone_where_the_token_may_not_tag(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed.run(folder, load(folder), "v1")
    monkeypatch.setenv("HF_TOKEN", workspaces.READ_TOKEN)
    done = deployed.run(folder, load(folder), "v2")
    assert done.denied is not None
    commits = tags(folder)
    assert commits["deployed"] == commits["v1"] != done.commit
    assert told(folder)[-1] == (REPO, "v2", commits["v1"])
    found = live.expected(log.entries(folder), receipts.read_all(folder), load(folder))
    assert found is not None
    assert (found.commit, live.moved(found, commits["deployed"])) == (done.commit, False)


def test_deployed_takes_an_adopted_model_in_another_repository(folder: Path, writer: Stage) -> None:
    receipts.save_adoption(folder, adopted(writer.base, repo="tester/tiny"))
    done = deployed.run(folder, load(folder), "adopted-1")
    assert (done.repo, done.commit) == ("tester/tiny", writer.base)
    assert told(folder) == [("tester/tiny", "adopted-1", writer.base)]
    Hub(load(folder).hub).delete_tag("tester/tiny", "deployed")
    deployed.run(folder, load(folder), "v1")
    assert told(folder)[-1][:2] == (REPO, "v1")


def test_deployed_takes_the_release_of_release_repo_where_others_are_called_the_same(folder: Path) -> None:
    put(folder, receipt("v1", repo="tester/earlier", commit="e" * 40))
    assert deployed.run(folder, load(folder), "v1").repo == REPO
    set_params(folder, {"release.repo": "tester/new"})
    with pytest.raises(ReleaseRefused, match=r"v1 is a release of tester/.* and of tester/.*; wanted one"):
        deployed.run(folder, load(folder), "v1")
    assert deployed.run(folder, load(folder), f"{REPO}@v1").repo == REPO


def test_deployed_uses_the_tag_of_params(folder: Path) -> None:
    set_params(folder, {"live.tag": "production"})
    deployed.run(folder, load(folder), "v1")
    assert set(tags(folder)) == {"v1", "v2", "production"}


def test_deployed_names_the_releases_there_are(folder: Path) -> None:
    with pytest.raises(ReleaseRefused, match="has the releases v1, v2; wanted 'v3' among them"):
        deployed.run(folder, load(folder), "v3")
    assert "deployed" not in tags(folder)


def test_deployed_refuses_a_release_whose_tag_was_moved(folder: Path, writer: Stage) -> None:
    api = HfApi(endpoint=writer.endpoint)
    api.delete_tag(REPO, tag="v1")
    with pytest.raises(ReleaseRefused, match="the tag v1 points to None on the Hub"):
        deployed.run(folder, load(folder), "v1")
    api.create_tag(REPO, tag="v1", revision=tags(folder)["v2"])
    with pytest.raises(ReleaseRefused, match=f"the tag v1 points to {tags(folder)['v2'][:12]} on the Hub"):
        deployed.run(folder, load(folder), "v1")
    assert "deployed" not in tags(folder)
