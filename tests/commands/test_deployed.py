"""Saying which release the service runs."""

from pathlib import Path

import pytest
from huggingface_hub import HfApi

from pipeline.commands import deployed
from pipeline.errors import ReleaseRefused
from pipeline.hub import Hub
from pipeline.params import load
from tests.conftest import Stage
from tests.support import workspaces
from tests.support.records import put, receipt
from tests.support.workspaces import PROJECT, set_params

REPO = "tester/deployed"


@pytest.fixture
def folder(writer: Stage, tmp_path: Path) -> Path:
    """A workspace with two releases."""
    (tmp_path / "params.yaml").write_bytes((PROJECT / "params.yaml").read_bytes())
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


def test_deployed_points_the_tag_at_the_release(folder: Path) -> None:
    for version in ("v1", "v2", "v2", "v1"):
        commit = deployed.run(folder, load(folder), version)
        assert tags(folder)["deployed"] == commit == tags(folder)[version]


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
