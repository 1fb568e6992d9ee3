"""The columns of a split: what is refused of them, and what is read as ours."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from datasets import ClassLabel, Dataset, Features, Value

from pipeline.errors import InvalidData
from tests.support import workspaces
from tests.support.splits import COMMIT, Splits, dataset_params, read, split, three
from tests.support.workspaces import COLUMNS, triplets

SLICED: dict[str, list[Any]] = {
    "topic": ["a", None, "b"],
    "year": [2024, 2025, 2026],
    "old": [True, False, True],
}


def negatives(found: dict[str, pl.DataFrame]) -> list[list[str | None]]:
    names = [name for name in found["train"].columns if name.startswith("negative")]
    return [list(row) for row in found["train"].select(names).iter_rows()]


def test_pin_can_swap_columns(tmp_path: Path) -> None:
    columns = {"query": "positive", "positive": "query", "negative": "negative"}
    found = split(tmp_path, three(), columns=columns)
    assert found["train"]["query"].to_list() == triplets(6)["positive"]


def test_pin_names_a_column_that_is_missing(tmp_path: Path) -> None:
    short = {name: triplets(3)[name] for name in ("query", "positive")}
    with pytest.raises(
        InvalidData, match=r"'train'.* has the columns query, positive; wanted 'negative' too"
    ):
        split(tmp_path, {"train": short, "validation": short, "test": short})


def test_pin_keeps_a_null_cell_for_the_audit(tmp_path: Path) -> None:
    texts = triplets(6)
    holes: dict[str, list[Any]] = {**texts, "positive": [*texts["positive"][:4], None, None]}
    found = split(tmp_path, three(train=holes))["train"]
    assert found["positive"].to_list() == holes["positive"]
    assert found["row"].to_list() == [0, 1, 2, 3, 4, 5]


def test_pin_gives_each_row_without_a_query_a_group_of_its_own(tmp_path: Path) -> None:
    holes: dict[str, list[Any]] = {**triplets(4), "query": [None, "hat", None, " HAT "]}
    workspaces.write_splits(tmp_path, three(train=holes, test=holes))
    found = read(tmp_path, dataset_params())
    groups = found.frames["train"]["group"].to_list() + found.frames["test"]["group"].to_list()
    assert all(len(one) == 16 for one in groups)
    assert len({groups[place] for place in (0, 2, 4, 6)}) == 4
    assert groups[1] == groups[3] == groups[5] == groups[7]
    assert set(found.newly_held["group"]) & set(groups) == {groups[1]}


@pytest.mark.parametrize("nothing", ["  ", "\u200b\ufeff"])
def test_pin_holds_out_no_group_of_blank_queries(tmp_path: Path, nothing: str) -> None:
    # Else every later row with an empty query would be moved, and counted as moved.
    blank: dict[str, list[Any]] = {**triplets(2), "query": [nothing, "hat"]}
    workspaces.write_splits(tmp_path, three(test=blank))
    found = read(tmp_path, dataset_params())
    held = found.newly_held.filter(pl.col("split") == "test")["group"].to_list()
    assert held == [found.frames["test"]["group"][1]]
    assert found.frames["test"]["first_seen"].to_list() == [COMMIT, COMMIT]


def test_pin_brings_the_columns_of_slices_as_strings(tmp_path: Path) -> None:
    content: Splits = {
        name: {**triplets(3, start), **SLICED}
        for name, start in (("train", 0), ("validation", 10), ("test", 20))
    }
    found = split(tmp_path, content, slices=("year", "topic", "old"))
    for part in found.values():
        assert part.columns == ["row", *COLUMNS, "group", "first_seen", "year", "topic", "old"]
        assert part["year"].to_list() == ["2024", "2025", "2026"]
        assert part["topic"].to_list() == ["a", None, "b"]
        assert part["old"].to_list() == ["true", "false", "true"]


def test_pin_can_break_down_by_a_column_that_is_a_text_too(tmp_path: Path) -> None:
    columns = {"query": "soru", "positive": "positive", "negative": "negative"}
    content: Splits = {
        name: {**triplets(3, start), "soru": ["x", "y", "z"]}
        for name, start in (("train", 0), ("validation", 10), ("test", 20))
    }
    found = split(tmp_path, content, columns=columns, slices=("soru",))["train"]
    assert found["soru"].equals(found["query"])


def test_pin_names_every_column_of_slices_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match=r"wanted 'topic', 'year' too. Correct dataset.slices"):
        split(tmp_path, three(), slices=("topic", "year"))


def test_pin_refuses_a_slice_that_holds_lists(tmp_path: Path) -> None:
    content: Splits = {
        name: {**triplets(2, start), "topic": [["a"], ["b"]]}
        for name, start in (("train", 0), ("validation", 10), ("test", 20))
    }
    with pytest.raises(
        InvalidData, match=r"'topic' of split 'train' holds List\(String\); wanted single values"
    ):
        split(tmp_path, content, slices=("topic",))


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ([1, 2], "int"),
        ([1.5, 2.5], "float"),
        ([True, False], "bool"),
        ([["a"], ["b"]], "list"),
        ([{"a": 1}, {"a": 2}], "dict"),
        ([None, None], "NoneType"),
    ],
)
def test_pin_refuses_a_column_that_holds_no_strings(tmp_path: Path, cells: list[Any], kind: str) -> None:
    bad: dict[str, list[Any]] = {**triplets(2), "positive": cells}
    with pytest.raises(
        InvalidData, match=f"'positive' of split 'train' holds .*, a {kind}, in row 0; wanted strings"
    ):
        split(tmp_path, three(train=bad, validation=bad, test=bad))


def test_pin_refuses_a_split_whose_column_is_of_another_type(tmp_path: Path) -> None:
    bad: dict[str, list[Any]] = {**triplets(2), "negative": [1, 2]}
    with pytest.raises(
        InvalidData, match=r"cannot be read: .*wanted files that hold the same columns, of strings"
    ):
        split(tmp_path, three(train=bad))


def test_pin_refuses_strings_mixed_with_numbers(tmp_path: Path) -> None:
    rows = [{"query": "a", "positive": "b", "negative": "c"}, {"query": 5, "positive": "b", "negative": "c"}]
    for name in ("train", "validation", "test"):
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    params = dataset_params()
    with pytest.raises(
        InvalidData, match="'query' of split 'train' holds '5', a int, in row 1; wanted strings"
    ):
        read(tmp_path, params)


def test_pin_names_the_first_cell_that_is_no_string_behind_nulls(tmp_path: Path) -> None:
    bad: dict[str, list[Any]] = {**triplets(3), "negative": [None, None, 7]}
    with pytest.raises(
        InvalidData, match="'negative' of split 'train' holds '7', a int, in row 2; wanted strings"
    ):
        split(tmp_path, three(train=bad, validation=bad, test=bad))


def test_pin_reads_pairs(tmp_path: Path) -> None:
    pairs = {name: {key: triplets(3)[key] for key in ("query", "positive")} for name in three()}
    found = split(tmp_path, pairs, columns={"query": "query", "positive": "positive", "negative": None})
    assert found["test"].columns == ["row", "query", "positive", "group", "first_seen"]


def test_pin_reads_negatives_of_several_columns(tmp_path: Path) -> None:
    rows: dict[str, list[Any]] = triplets(3) | {"negative_1": ["a", "b", "c"], "negative_2": ["d", None, "f"]}
    names = {"query": "query", "positive": "positive", "negative": ("negative_1", "negative_2")}
    found = split(tmp_path, dict.fromkeys(three(), rows), columns=names)
    assert negatives(found) == [["a", "d"], ["b", None], ["c", "f"]]


def test_pin_reads_negatives_of_a_list_of_any_length(tmp_path: Path) -> None:
    lists = [["a", "b", "c"], ["d"], [None, "e"], []]
    train = triplets(4) | {"negative": lists}
    found = split(tmp_path, three() | {"train": train} | dict.fromkeys(("validation", "test"), train))
    assert negatives(found) == [["a", "b", "c"], ["d", None, None], ["e", None, None], [None, None, None]]


def test_pin_gives_each_split_as_many_columns_of_negatives(tmp_path: Path) -> None:
    short = triplets(2) | {"negative": [["a"], ["b"]]}
    found = split(
        tmp_path, dict.fromkeys(three(), short) | {"train": triplets(2) | {"negative": [["a", "b"], ["c"]]}}
    )
    assert found["test"].columns == found["train"].columns
    assert found["test"]["negative_2"].to_list() == [None, None]


def test_pin_names_columns_that_nothing_reads(tmp_path: Path) -> None:
    labelled = {name: {**rows, "label": [1] * len(rows["query"])} for name, rows in three().items()}
    workspaces.write_splits(tmp_path, labelled)
    assert read(tmp_path, dataset_params()).unused == ("label",)


def test_pin_reads_classes_by_name(tmp_path: Path) -> None:
    kinds = Features({**dict.fromkeys(COLUMNS, Value("string")), "topic": ClassLabel(names=["bill", "line"])})
    for name in ("train", "validation", "test"):
        rows = Dataset.from_dict({**triplets(3), "topic": [0, 1, -1]}, features=kinds)
        rows.to_parquet(tmp_path / f"{name}.parquet")
    found = read(tmp_path, dataset_params(slices=("topic",))).frames
    assert found["train"]["topic"].to_list() == ["bill", "line", None]
