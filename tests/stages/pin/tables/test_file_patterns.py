"""Patterns match paths of the commit's list, by the rules of `datasets`, and lead nowhere else."""

import pytest

from pipeline.stages.pin.tables.file_patterns import inferred, inside, matching

LISTED = [
    "README.md",
    "data/train-0.parquet",
    "data/test.jsonl",
    "data/.hidden.csv",
    "t[1].csv",
    "__x__/a.csv",
]


@pytest.mark.parametrize(
    ("path", "folder", "found"),
    [
        ("a/../b.csv", "", "b.csv"),
        ("b.csv", "data", "data/b.csv"),
        ("../b.csv", "data", "b.csv"),
        ("../../b.csv", "data", None),
        ("..", "", None),
        ("/etc/passwd", "data", None),
        ("hf://datasets/a/b/c.csv", "", None),
        ("http://host/c.csv", "", None),
    ],
)
def test_file_patterns_stay_inside_the_repository(path: str, folder: str, found: str | None) -> None:
    assert inside(path, folder) == found


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("data/*", ["data/test.jsonl", "data/train-0.parquet"]),
        ("**/*.parquet", ["data/train-0.parquet"]),
        ("*", ["t[1].csv"]),  # nothing of the repository's own housekeeping
        ("README.md", ["README.md"]),
        ("data/.hidden.csv", ["data/.hidden.csv"]),
        ("__x__/*", ["__x__/a.csv"]),
        ("**/a.csv", []),
        ("t[1].csv", ["t[1].csv"]),
        ("none.csv", []),
    ],
)
def test_file_patterns_match_what_is_listed(pattern: str, found: list[str]) -> None:
    assert matching(pattern, LISTED) == found


def test_file_patterns_read_splits_off_names() -> None:
    found = inferred(LISTED)
    assert list(found) == ["train", "test"]
    assert matching(found["test"][0], LISTED) or matching(found["test"][-1], LISTED) == ["data/test.jsonl"]
    with pytest.raises(FileNotFoundError):
        inferred(["README.md"])
