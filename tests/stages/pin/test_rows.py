"""Rows as a data set's own files hold them, and what is refused of them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from datasets import ClassLabel, Dataset, Features, Value

from pipeline.errors import InvalidData
from pipeline.params.pin import DatasetParams
from pipeline.stages.pin import splits
from pipeline.workspace import holdout
from tests.support import workspaces
from tests.support.splits import COMMIT, CUT, Splits, dataset_params, loaded, three
from tests.support.workspaces import COLUMNS, triplets

WRITE: dict[str, Callable[[pl.DataFrame, Path], object]] = {
    "csv": lambda frame, path: frame.write_csv(path.with_suffix(".csv")),
    "json": lambda frame, path: frame.write_ndjson(path.with_suffix(".jsonl")),
    "parquet": lambda frame, path: frame.write_parquet(path.with_suffix(".parquet")),
}


def read(folder: Path, params: DatasetParams) -> splits.Division:
    """Divide what a folder holds, with an empty ledger."""
    return splits.divide(loaded(folder, params), params, CUT, holdout.read(folder))


def split(folder: Path, content: Splits, **changes: Any) -> dict[str, pl.DataFrame]:
    workspaces.write_splits(folder, content)
    return read(folder, dataset_params(**changes)).frames


def test_pin_maps_the_names_of_splits_and_columns(tmp_path: Path) -> None:
    texts = dict(zip(("soru", "iyi", "kötü"), triplets(3).values(), strict=True)) | {"note": ["x"] * 3}
    found = split(
        tmp_path,
        {"egitim": texts, "dogrulama": texts, "deneme": texts},
        splits={"train": "egitim", "dev": "dogrulama", "test": "deneme"},
        columns={"query": "soru", "positive": "iyi", "negative": "kötü"},
    )
    assert list(found) == ["train", "dev", "test"]
    for rows_found in found.values():
        assert rows_found.columns == ["row", *COLUMNS, "group", "first_seen"]
        assert rows_found.select(COLUMNS).to_dict(as_series=False) == triplets(3)
        assert rows_found["row"].to_list() == [0, 1, 2]


def test_pin_can_swap_columns(tmp_path: Path) -> None:
    columns = {"query": "positive", "positive": "query", "negative": "negative"}
    found = split(tmp_path, three(), columns=columns)
    assert found["train"]["query"].to_list() == triplets(6)["positive"]


def test_pin_reads_splits_that_the_data_set_declares_itself(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    for name, start in (("bir", 0), ("iki", 10), ("uc", 20)):
        pl.DataFrame(triplets(3, start)).write_csv(tmp_path / "files" / f"{name}.csv")
    (tmp_path / "files" / "other.csv").write_text("this,is\nno,triplet\n")
    files = "".join(
        f"  - split: {theirs}\n    path: files/{name}.csv\n"
        for theirs, name in (("train", "bir"), ("validation", "iki"), ("test", "uc"))
    )
    readme = f"---\nconfigs:\n- config_name: default\n  data_files:\n{files}---\n"
    (tmp_path / "README.md").write_text(readme)
    params = dataset_params()
    found = read(tmp_path, params)
    assert found.frames["dev"].select(COLUMNS).to_dict(as_series=False) == triplets(3, 10)
    assert {name: (one.source, one.cut, one.rows) for name, one in found.origins.items()} == {
        "train": ("train", False, 3),
        "dev": ("validation", False, 3),
        "test": ("test", False, 3),
    }


@pytest.mark.parametrize("kind", ["csv", "json", "parquet"])
def test_pin_gives_the_same_rows_whatever_the_files_are(tmp_path: Path, kind: str) -> None:
    for name, columns in three().items():
        WRITE[kind](pl.DataFrame(columns), tmp_path / name)
    params = dataset_params()
    found = read(tmp_path, params).frames
    assert found["test"].select(COLUMNS).to_dict(as_series=False) == triplets(4, 20)


def test_pin_names_a_split_that_is_missing(tmp_path: Path) -> None:
    splits = three()
    del splits["validation"]
    with pytest.raises(
        InvalidData, match=r"the splits test \(of .*\), train \(of .*\); wanted 'validation' for dev"
    ) as caught:
        split(tmp_path, splits)
    assert "Correct dataset.splits.dev, or set it to null" in str(caught.value)


def test_pin_names_a_column_that_is_missing(tmp_path: Path) -> None:
    short = {name: triplets(3)[name] for name in ("query", "positive")}
    with pytest.raises(
        InvalidData, match=r"'train'.* has the columns query, positive; wanted 'negative' too"
    ):
        split(tmp_path, {"train": short, "validation": short, "test": short})


@pytest.mark.parametrize("kind", ["parquet", "csv", "json"])
def test_pin_refuses_a_split_without_rows(tmp_path: Path, kind: str) -> None:
    empty = pl.DataFrame(schema=dict.fromkeys(COLUMNS, pl.String))
    for name, frame in (
        ("train", pl.DataFrame(triplets(3))),
        ("validation", pl.DataFrame(triplets(3))),
        ("test", empty),
    ):
        WRITE[kind](frame, tmp_path / name)
    params = dataset_params()
    with pytest.raises(InvalidData, match=r"has no rows|cannot be read: .*wanted files that hold"):
        read(tmp_path, params)


@pytest.mark.parametrize("content", [b"", b"no parquet", b"PAR1PAR1"])
def test_pin_refuses_a_file_that_cannot_be_read(tmp_path: Path, content: bytes) -> None:
    workspaces.write_splits(tmp_path, three())
    (tmp_path / "data" / "train-00000-of-00001.parquet").write_bytes(content)
    with pytest.raises(
        InvalidData, match=r"data set tester/pin at 000000000000 cannot be read: .*pin a commit"
    ):
        loaded(tmp_path, dataset_params())


def test_pin_refuses_a_repository_without_data(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# Nothing\n")
    with pytest.raises(InvalidData, match="cannot be read"):
        loaded(tmp_path, dataset_params())


def test_pin_keeps_a_null_cell_for_the_audit(tmp_path: Path) -> None:
    texts = triplets(6)
    holes: dict[str, list[Any]] = {**texts, "positive": [*texts["positive"][:4], None, None]}
    found = split(tmp_path, three(train=holes))["train"]
    assert found["positive"].to_list() == holes["positive"]
    assert found["row"].to_list() == [0, 1, 2, 3, 4, 5]


def test_pin_keeps_an_empty_cell_of_a_csv_file_as_null(tmp_path: Path) -> None:
    for name in ("train", "validation", "test"):
        (tmp_path / f"{name}.csv").write_text("query,positive,negative\na,,c\nd,e,f\n")
    found = read(tmp_path, dataset_params()).frames["train"]
    assert found["positive"].to_list() == [None, "e"]


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


SLICED: dict[str, list[Any]] = {
    "topic": ["a", None, "b"],
    "year": [2024, 2025, 2026],
    "old": [True, False, True],
}


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


def test_pin_says_which_files_made_the_splits_where_their_names_did(tmp_path: Path) -> None:
    for name, start in (("egitim", 0), ("gelistirme", 10), ("sinama", 20)):
        pl.DataFrame(triplets(3, start)).write_ndjson(tmp_path / f"{name}.jsonl")
    with pytest.raises(InvalidData, match=r"egitim.jsonl, gelistirme.jsonl, sinama.jsonl") as caught:
        read(tmp_path, dataset_params(splits={"train": "egitim", "dev": "gelistirme", "test": "sinama"}))
    assert "`configs`" in str(caught.value)


def test_pin_refuses_a_split_that_two_names_of_files_make(tmp_path: Path) -> None:
    for name, start in (("train", 0), ("dev", 10), ("test", 20), ("eval", 30)):
        pl.DataFrame(triplets(3, start)).write_ndjson(tmp_path / f"{name}.jsonl")
    with pytest.raises(InvalidData, match=r"'test', by the names of its files, eval.jsonl, test.jsonl"):
        read(tmp_path, dataset_params())


def test_pin_takes_words_of_a_csv_file_for_words(tmp_path: Path) -> None:
    for name in ("train", "validation", "test"):
        rows = triplets(4) | {"negative": ["NA", "null", "None", ""]}
        pl.DataFrame(rows).write_csv(tmp_path / f"{name}.csv")
    found = read(tmp_path, dataset_params()).frames
    assert found["train"]["negative"].to_list() == ["NA", "null", "None", None]


def negatives(found: dict[str, pl.DataFrame]) -> list[list[str | None]]:
    names = [name for name in found["train"].columns if name.startswith("negative")]
    return [list(row) for row in found["train"].select(names).iter_rows()]


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


def test_pin_reads_one_of_several_subsets(tmp_path: Path) -> None:
    for subset, start in (("pair", 0), ("triplet", 50)):
        (tmp_path / subset).mkdir()
        for place, name in enumerate(("train", "dev", "test")):
            pl.DataFrame(triplets(3, start + 10 * place)).write_ndjson(tmp_path / subset / f"{name}.jsonl")
    splits = {"train": "train", "dev": "dev", "test": "test"}
    configs = [
        {
            "config_name": subset,
            "data_files": [
                {"split": name, "path": f"{subset}/{name}.jsonl"} for name in ("train", "dev", "test")
            ],
        }
        for subset in ("pair", "triplet")
    ]
    (tmp_path / "README.md").write_text(f"---\n{json.dumps({'configs': configs})}\n---\n")
    found = read(tmp_path, dataset_params(subset="triplet", splits=splits)).frames
    assert found["train"]["query"].to_list() == triplets(3, 50)["query"]
    with pytest.raises(InvalidData, match=r"has the subsets 'pair', 'triplet'; wanted 'other' among them"):
        read(tmp_path, dataset_params(subset="other", splits=splits))
    with pytest.raises(InvalidData, match=r"Name it in dataset.subset"):
        read(tmp_path, dataset_params(splits=splits))
