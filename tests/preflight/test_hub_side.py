"""What the Hub would say no to at the end is asked at the beginning."""

from pathlib import Path

import pytest
from huggingface_hub import HfApi

from pipeline.errors import HubDenied, InvalidParams, ReleaseRefused
from pipeline.params import load
from pipeline.preflight import hub_side
from tests.conftest import Make, Stage
from tests.support import workspaces
from tests.support.hubs import hub_at


def test_token_that_may_write_is_named_and_one_that_may_not_is_refused(
    writer: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert hub_side.token(hub_at(), "tester/new").startswith("tester, may ")
    monkeypatch.setenv("HF_TOKEN", workspaces.READ_TOKEN)
    with pytest.raises(
        HubDenied, match=r"may only read; .*Set HF_TOKEN to another token, or correct release"
    ):
        hub_side.token(hub_at(), "tester/new")


def test_repository_that_is_not_there_will_be_made_and_a_strangers_is_refused(
    writer: Stage, api: HfApi, tmp_path: Path
) -> None:
    workspaces.forget(writer.endpoint, "tester/side")
    assert hub_side.release(hub_at(), tmp_path, "tester/side") == "tester/side will be created"
    api.create_repo("tester/side")
    assert hub_side.release(hub_at(), tmp_path, "tester/side") == "tester/side exists"
    api.upload_file(path_or_fileobj=b"x", path_in_repo="model.safetensors", repo_id="tester/side")
    with pytest.raises(ReleaseRefused):
        hub_side.release(hub_at(), tmp_path, "tester/side")


def test_metadata_of_the_card_are_tried_on_the_hubs_own_validator(
    writer: Stage, make_workspace: Make
) -> None:
    params = load(make_workspace(dvc=False))
    assert hub_side.card(hub_at(), params).startswith("the Hub accepts {")
    odd = params.model_copy(update={"model": params.model.model_copy(update={"license": "Apache 2.0"})})
    with pytest.raises(InvalidParams, match=r"would refuse a card with the licence 'Apache 2.0'"):
        hub_side.card(hub_at(), odd)


def test_sizes_are_what_the_hub_lists(writer: Stage, make_workspace: Make) -> None:
    params = load(make_workspace(dvc=False))
    found = hub_side.sizes(hub_at(), params)
    assert found.dataset > 0
    assert found.weights > 0
    assert found.releases == 0
