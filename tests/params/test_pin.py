"""What the sections of pinned things refuse."""

from typing import Any

import pytest
from pydantic import ValidationError

from pipeline.params.pin import ColumnNames, CutParams, PairsProbe, RetrievalFiles, SplitNames
from tests.support.splits import COMMIT, dataset_params

COLUMNS = {"query": "q", "positive": "p"}


def test_splits_have_names_of_their_own_or_are_cut() -> None:
    assert SplitNames(train="a", dev=None, test=None).test is None
    with pytest.raises(ValidationError, match="a, b, a name a split twice"):
        SplitNames(train="a", dev="b", test="a")


@pytest.mark.parametrize(("negative", "names"), [(None, ()), ("n", ("n",)), (("n", "m"), ("n", "m"))])
def test_negatives_are_one_column_several_or_none(negative: Any, names: tuple[str, ...]) -> None:
    assert ColumnNames(**COLUMNS, negative=negative).negatives == names


@pytest.mark.parametrize(("negative", "said"), [("p", "q, p, p name a column twice"), ((), "an empty list")])
def test_columns_that_cannot_be_meant_are_refused(negative: Any, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        ColumnNames(**COLUMNS, negative=negative)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"languages": ("Turkish",)}, "are not codes of languages"),
        ({"languages": ("tr", "tr")}, "are not codes of languages"),
        ({"languages": ()}, "at least 1 item"),
        ({"slices": ("a b",)}, "are not columns of letters"),
        ({"slices": ("a", "a")}, "each once"),
        (
            {"slices": ("negative_2", "topic")},
            r"\['negative_2'\] are names of columns that katman makes itself",
        ),
    ],
)
def test_data_set_that_cannot_be_meant_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        dataset_params(**changes)


def test_retrieval_set_is_of_files_that_can_be_read() -> None:
    files = {
        "repo": "o/n",
        "revision": COMMIT,
        "corpus": "a.jsonl.gz",
        "queries": "b.parquet",
        "qrels": "c.tsv",
    }
    found = RetrievalFiles.model_validate(files)
    assert "qrels_from" not in found.model_dump()  # as before it was there
    with pytest.raises(
        ValidationError, match=r"'c.csv' is no file that can be read; wanted one that ends in"
    ):
        RetrievalFiles.model_validate(files | {"qrels": "c.csv"})


def test_probe_of_pairs_has_three_columns() -> None:
    pairs = {"kind": "pairs", "repo": "o/n", "revision": COMMIT, "file": "a.tsv", "first": "a", "second": "b"}
    assert PairsProbe.model_validate(pairs | {"score": "c"}).score == "c"
    with pytest.raises(ValidationError, match="a, b, a name a column twice; wanted three"):
        PairsProbe.model_validate(pairs | {"score": "a"})


def test_cuts_leave_something_to_train_on() -> None:
    assert CutParams(dev_share=0.5, test_share=0.4, salt="").test_share == 0.4
    with pytest.raises(ValidationError, match=r"dev_share 0.5 and test_share 0.5 leave no train split"):
        CutParams(dev_share=0.5, test_share=0.5, salt="")
