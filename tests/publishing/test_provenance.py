"""A release's statement fits its files to the byte, says who made what, and is the same each time."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import Contradicted
from pipeline.publishing import provenance
from pipeline.publishing.release_tree import PROVENANCE, SIGNATURE
from pipeline.records import Card, LogState, Pin, Verdict
from pipeline.workspace import digests, paths

LOG = LogState(head="f" * 40, looks=2, alpha_spent=0.01)


@pytest.fixture
def statement(judged: Path, tmp_path: Path) -> Path:
    """A release's folder with two files and the statement over them."""
    for name in ("a.txt", "b/c.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name, encoding="utf-8")
    return write(judged, tmp_path)


def write(judged: Path, folder: Path, **changes: Any) -> Path:
    records = {name: judged / path for name, path in paths.RECORDS.items()}
    values: dict[str, Any] = {
        "repo": "tester/tuned",
        "recipe": "r",
        "approval": None,
        "previous": None,
        "log": LOG,
    }
    return provenance.write(
        judged,
        folder / PROVENANCE,
        {name: folder / name for name in ("a.txt", "b/c.txt")},
        (Verdict.load(records["gate"]), Card.load(records["card"]), Pin.load(records["pin"])),
        **(values | changes),
    )


def found(folder: Path) -> dict[str, str]:
    return {path: digests.sha256(folder / path) for path in digests.files(folder)}


def test_provenance_is_read_back_as_it_was_written(statement: Path, judged: Path) -> None:
    said = provenance.read(statement)
    assert (said.repository, said.previous, said.log) == ("tester/tuned", None, LOG)
    assert said.candidate == Verdict.load(judged / paths.RECORDS["gate"]).candidate
    assert list(said.files) == ["a.txt", "b/c.txt"]
    inner = json.loads(statement.read_bytes())["predicate"]["buildDefinition"]
    assert inner["internalParameters"]["records"].keys() == set(paths.RECORDS.values())
    names = [one["name"] for one in inner["resolvedDependencies"]]
    assert names == ["dataset", "base", "code"]


def test_provenance_of_the_same_candidate_is_the_same_bytes(statement: Path, judged: Path) -> None:
    before = statement.read_bytes()
    assert write(judged, statement.parent).read_bytes() == before
    assert write(judged, statement.parent, previous="1" * 40).read_bytes() != before


def test_provenance_fits_the_files_and_leaves_out_what_comes_after_it(statement: Path) -> None:
    folder = statement.parent
    (folder / SIGNATURE).write_text("{}", encoding="utf-8")
    said = provenance.verify(folder, found(folder))
    assert said is not None
    assert said.version
    assert provenance.verify(folder, {"a.txt": "0"}) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda folder: (folder / "a.txt").write_text("other"), r"a\.txt has sha256 [0-9a-f]{12}, wanted"),
        (lambda folder: (folder / "a.txt").unlink(), r"a\.txt is missing"),
        (lambda folder: (folder / "evil.py").write_text(""), r"evil\.py is not among its files"),
    ],
)
def test_provenance_names_each_file_that_does_not_fit(statement: Path, change: Any, said: str) -> None:
    change(statement.parent)
    with pytest.raises(Contradicted, match=said):
        provenance.verify(statement.parent, found(statement.parent))


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"_type": 1, "predicateType": 2}', "[" * 100_000])
def test_provenance_that_is_none_is_not_trusted(tmp_path: Path, content: str) -> None:
    (tmp_path / PROVENANCE).write_text(content, encoding="utf-8")
    with pytest.raises(Contradicted, match="is no statement of a release; do not trust these files"):
        provenance.read(tmp_path / PROVENANCE)


def test_provenance_of_another_kind_is_named(statement: Path) -> None:
    content = json.loads(statement.read_bytes()) | {"predicateType": "https://slsa.dev/provenance/v0.2"}
    statement.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(Contradicted, match=r"'https://slsa\.dev/provenance/v0\.2'; wanted"):
        provenance.read(statement)


def test_provenance_of_a_rollback_says_what_it_restores_and_where(statement: Path, tmp_path: Path) -> None:
    target = tmp_path / "again.json"
    provenance.rewrite(
        statement, target, repo="tester/other", version="v3", restores="v1", previous="2" * 40, log=None
    )
    said, before = provenance.read(target), provenance.read(statement)
    assert (said.repository, said.version, said.restores) == ("tester/other", "v3", "v1")
    assert (said.previous, said.log) == ("2" * 40, None)
    assert (said.files, said.candidate) == (before.files, before.candidate)
