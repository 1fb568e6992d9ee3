"""What a change of release means for stored vectors is told from the names of two spaces."""

import json
from pathlib import Path

import pytest

from pipeline.embedding.vector_space import CONFIG, SPACE_KEY, change, explain, live_space
from tests.support.records import receipt


@pytest.mark.parametrize(
    ("before", "after", "kind", "said"),
    [
        ("a", "a", "minor", "stored vectors can stay"),
        ("a", "b", "major", "every vector that was stored in the other space must be made anew"),
        (None, "b", "unknown", "a receipt does not name it"),
        ("a", None, "unknown", "a receipt does not name it"),
    ],
)
def test_vector_space_names_the_change(before: str | None, after: str | None, kind: str, said: str) -> None:
    first, second = receipt("v1", space=before), receipt("v2", space=after)
    assert change(first, second) == kind
    assert said in explain(first, second)
    assert change(None, second) == "first"


@pytest.mark.parametrize(
    ("content", "space"),
    [
        (json.dumps({SPACE_KEY: "s1"}), "s1"),
        ("{}", "c0"),
        ("[]", "c0"),
        ("{", "c0"),
        (json.dumps({SPACE_KEY: 3}), "c0"),
    ],
)
def test_vector_space_is_what_a_model_says_else_its_commit(tmp_path: Path, content: str, space: str) -> None:
    assert live_space(tmp_path, "c0") == "c0"
    (tmp_path / CONFIG).write_text(content, encoding="utf-8")
    assert live_space(tmp_path, "c0") == space
