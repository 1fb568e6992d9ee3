"""Where an adopted model is."""

from pipeline.records import RepoRef
from tests.support import records


def test_adopted_model_is_at_its_repository_and_commit() -> None:
    found = records.adopted("a" * 40, repo="o/n")
    assert found.is_at(RepoRef(repo="o/n", revision="a" * 40))
    assert not found.is_at(RepoRef(repo="o/n", revision="b" * 40))
    assert not found.is_at(RepoRef(repo="o/m", revision="a" * 40))
