"""The rows that a model was trained on which says no more than its data set."""

from pathlib import Path

import pytest

from pipeline.dataset.training_fingerprint import trained_rows
from pipeline.errors import InvalidData
from pipeline.params.pin import TrainedOn
from pipeline.stages.pin import trained
from tests.conftest import Stage
from tests.support import workspaces
from tests.support.hubs import hub_at
from tests.support.splits import PIN, dataset_params, three


def put(stage: Stage, folder: Path, repo: str, **changes: object) -> TrainedOn:
    workspaces.write_splits(folder, three() | changes)  # type: ignore[arg-type]
    return TrainedOn(repo=repo, revision=workspaces.put(stage.endpoint, repo, "dataset", folder))


def test_rows_are_those_of_the_train_split_as_a_release_describes_them(writer: Stage, tmp_path: Path) -> None:
    asked = put(writer, tmp_path, "tester/trained")
    found, rows = trained.described(hub_at(), asked, dataset_params(), PIN)
    assert found.pinned.revision == asked.revision
    queries = list(three()["train"]["query"])
    assert rows.equals(trained_rows(queries, ("tr",)))


def test_data_set_without_that_split_or_column_is_named(writer: Stage, tmp_path: Path) -> None:
    asked = put(writer, tmp_path, "tester/trained-other")
    other = dataset_params(splits={"train": "egitim", "dev": "validation", "test": "test"})
    with pytest.raises(InvalidData, match=r"on which the live model was trained, has the splits test, train"):
        trained.described(hub_at(), asked, other, PIN)
    columns = {"query": "soru", "positive": "positive", "negative": "negative"}
    with pytest.raises(InvalidData, match=r"wanted 'soru', as dataset.columns.query says"):
        trained.described(hub_at(), asked, dataset_params(columns=columns), PIN)
