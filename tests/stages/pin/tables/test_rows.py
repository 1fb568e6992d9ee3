"""Rows as a data set's own files hold them, and what is refused of them."""

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from pipeline.errors import InvalidData
from tests.support import workspaces
from tests.support.splits import dataset_params, loaded, read, split, three
from tests.support.workspaces import COLUMNS, triplets

WRITE: dict[str, Callable[[pl.DataFrame, Path], object]] = {
    "csv": lambda frame, path: frame.write_csv(path.with_suffix(".csv")),
    "json": lambda frame, path: frame.write_ndjson(path.with_suffix(".jsonl")),
    "parquet": lambda frame, path: frame.write_parquet(path.with_suffix(".parquet")),
}


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


def test_pin_keeps_an_empty_cell_of_a_csv_file_as_null(tmp_path: Path) -> None:
    for name in ("train", "validation", "test"):
        (tmp_path / f"{name}.csv").write_text("query,positive,negative\na,,c\nd,e,f\n")
    found = read(tmp_path, dataset_params()).frames["train"]
    assert found["positive"].to_list() == [None, "e"]


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
