"""Names that become arguments of git and DVC, and keys that are valid."""

import pytest
from pydantic import ValidationError

from pipeline.params.release import Backup, KeySignature


@pytest.mark.parametrize("name", ["", "-o", "--upload-pack=evil", "a b", "a\n"])
@pytest.mark.parametrize("key", ["git", "branch", "dvc"])
def test_name_is_never_an_option_of_git_or_dvc(key: str, name: str) -> None:
    good = {"git": "origin", "branch": "main", "dvc": "s3"}
    assert Backup.model_validate(good).git == "origin"
    with pytest.raises(ValidationError, match="is no name; wanted one without spaces"):
        Backup.model_validate(good | {key: name})


def test_one_public_key_or_several_are_valid() -> None:
    key = KeySignature(method="key", private_key="a", public_key="b")
    assert key.public_keys == ("b",)
    assert key.model_copy(update={"public_key": ("b", "c")}).public_keys == ("b", "c")
    with pytest.raises(ValidationError):
        KeySignature(method="key", private_key="a", public_key=())
