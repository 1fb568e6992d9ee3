"""What training runs on is what params.yaml names."""

import pytest

from pipeline.engine import installation
from pipeline.errors import InvalidParams
from pipeline.params import load
from tests.support.workspaces import PROJECT


def test_installation_says_which_library_is_another_one() -> None:
    train = load(PROJECT).train
    installation.same_versions(train)
    versions = train.versions.model_copy(update={"torch": "0.0.1"})
    with pytest.raises(InvalidParams, match=r"train\.versions\.torch is 0\.0\.1 and .* is installed"):
        installation.same_versions(train.model_copy(update={"versions": versions}))


def test_installation_names_the_device() -> None:
    assert "GB free" in installation.device()
