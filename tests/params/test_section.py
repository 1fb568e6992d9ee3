"""What every section of params.yaml is, and the names that several have."""

import pytest
from pydantic import ValidationError

from pipeline.params.section import Commit, RepoId, Section, Share


class _Some(Section):
    commit: Commit
    repo: RepoId
    share: Share


GOOD = {"commit": "a1" * 20, "repo": "owner/name.of_it-1", "share": 0.5}


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("commit", "main", "is not a commit: wanted 40 hexadecimal digits"),
        ("commit", "A1" * 20, "is not a commit"),
        ("commit", "a1" * 21, "is not a commit"),
        ("repo", "name", "is not a repository; wanted its owner and name"),
        ("repo", "owner/name/more", "is not a repository"),
        ("repo", "owner/../name", "is not a repository"),
        ("repo", "owner/na me", "is not a repository"),
        ("share", 1.1, "less than or equal to 1"),
        ("share", "0.5", "valid number"),
        ("share", True, "valid number"),
        ("share", float("nan"), "finite number"),
        ("other", 1, "Extra inputs are not permitted"),
    ],
)
def test_section_refuses_what_cannot_be_meant(key: str, value: object, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        _Some.model_validate(GOOD | {key: value})


def test_section_is_frozen() -> None:
    some = _Some.model_validate(GOOD)
    with pytest.raises(ValidationError, match="frozen"):
        some.share = 0.1
