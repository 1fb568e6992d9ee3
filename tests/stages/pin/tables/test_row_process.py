"""Rows are those that `datasets` itself gives of a folder, for every shape that it is good for."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from datasets import load_dataset

from pipeline.errors import InvalidData
from pipeline.stages.pin.tables import rows
from pipeline.workspace import digests
from tests.support.splits import LIMITS, dataset_params
from tests.support.workspaces import triplets


def frame(start: int = 0, count: int = 3) -> pl.DataFrame:
    return pl.DataFrame(triplets(count, start))


def readme(folder: Path, text: str) -> None:
    (folder / "README.md").write_text(f"---\n{text}---\n# A set\n")


def shards(folder: Path) -> None:
    (folder / "data").mkdir()
    for shard in range(3):
        frame(shard * 10).write_parquet(folder / "data" / f"train-{shard:05}-of-00003.parquet")
    frame(50).write_parquet(folder / "data" / "validation-00000-of-00001.parquet")
    frame(60).write_parquet(folder / "data" / "extra-00000-of-00001.parquet")
    readme(folder, "license: mit\n")


def jsonl(folder: Path) -> None:
    for name, start in (("train", 0), ("dev", 10), ("test", 20), ("test_more", 30)):
        frame(start).write_ndjson(folder / f"{name}.jsonl")
    (folder / "LICENSE").write_text("none")
    (folder / "notes.txt").write_text("none")
    (folder / ".hidden.jsonl").write_text("{}")


def gzipped(folder: Path) -> None:
    for name, start in (("train", 0), ("test", 20)):
        (folder / f"{name}.csv.gz").write_bytes(gzip.compress(frame(start).write_csv().encode()))
        (folder / f"{name}.2.csv.gz").write_bytes(gzip.compress(frame(start + 5).write_csv().encode()))


def folders(folder: Path) -> None:
    for name, start in (("train/b", 0), ("train/a", 10), ("test/deep/c", 20)):
        path = folder / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        frame(start).write_csv(path)


def one_file(folder: Path) -> None:
    frame().write_parquet(folder / "all.parquet")


def tabs(folder: Path) -> None:
    frame().write_csv(folder / "train.tsv", separator="\t")


def default_config(folder: Path) -> None:
    (folder / "a").mkdir()
    for number in (2, 1, 10):
        frame(number).write_csv(folder / "a" / f"part{number}.csv")
    frame(40).write_csv(folder / "held.csv")
    readme(
        folder,
        "configs:\n- config_name: default\n  data_files:\n  - split: train\n    path:\n    - held.csv\n"
        "    - a/part*.csv\n  - split: validation\n    path: ./a/../held.csv\n  - split: deep\n"
        "    path: '**/part[12].csv'\n",
    )


def several_configs(folder: Path) -> None:
    for name, start in (("en", 0), ("tr", 10)):
        (folder / name).mkdir()
        frame(start).write_ndjson(folder / name / "train.jsonl")
        frame(start + 5).write_ndjson(folder / name / "test.jsonl")
    readme(
        folder,
        "configs:\n- config_name: en\n  data_dir: en\n- config_name: tr\n  data_dir: tr\n  default: true\n",
    )


def plain_list(folder: Path) -> None:
    frame().write_csv(folder / "b.csv")
    frame(10).write_csv(folder / "a.csv")
    readme(folder, "configs:\n- config_name: x\n  data_files:\n  - b.csv\n  - '*.csv'\n")


def csv_options(folder: Path) -> None:
    (folder / "t.csv").write_text("# a line\n'a;1';NA;007\n'b';;1,5\n")
    readme(
        folder,
        "configs:\n- config_name: default\n  data_files: t.csv\n  sep: ';'\n"
        "  quotechar: \"'\"\n  comment: '#'\n"
        "  names: [query, positive, negative]\n  keep_default_na: false\n  decimal: ','\n"
        "  unknown_option: 1\n  description: none\n",
    )


FEATURES = (
    "  - name: query\n    dtype: string\n  - name: positive\n    dtype: string\n  - name: label\n    dtype:\n"
    "      class_label:\n        names:\n          '0': no\n          '1': 'yes'\n"
)


def stated_features(folder: Path) -> None:
    (folder / "train.csv").write_text("query,positive,label\n007,a,1\n8,b,0\n")
    readme(
        folder,
        f"dataset_info:\n  features:\n{FEATURES}  splits:\n  - name: train\n    num_examples: 2\n",
    )


def config_features(folder: Path) -> None:
    (folder / "train.csv").write_text("query,positive,label\n007,a,1\n8,b,0\n")
    readme(folder, f"configs:\n- config_name: a\n  data_files: train.csv\n  features:\n{FEATURES}")


def older(folder: Path) -> None:
    frame().write_csv(folder / "train.csv")
    value = {"dtype": "string", "_type": "Value"}
    sizes = {"train": {"name": "train", "num_examples": 3}}
    info = {"features": dict.fromkeys(triplets(1), value), "splits": sizes}
    (folder / "dataset_infos.json").write_text(json.dumps({"old--set": info}))


def standalone(folder: Path) -> None:
    frame().write_csv(folder / "a.csv")
    frame(10).write_csv(folder / "b.csv")
    readme(folder, "configs:\n- config_name: a\n  data_files: a.csv\n")
    (folder / ".huggingface.yaml").write_text("configs:\n- config_name: b\n  data_files: b.csv\n")


def json_field(folder: Path) -> None:
    (folder / "a.json").write_text(json.dumps({"rows": frame().to_dicts()}))
    readme(folder, "configs:\n- config_name: a\n  data_files: a.json\n  field: rows\n")


def aliases(folder: Path) -> None:
    frame().write_csv(folder / "a.csv")
    frame(10).write_csv(folder / "b.csv")
    readme(
        folder,
        "configs:\n- config_name: a\n  data_files:\n  - split: train\n    path: &files [a.csv, b.csv]\n"
        "  - split: test\n    path: *files\n",
    )


SHAPES: list[Callable[[Path], None]] = [
    shards,
    jsonl,
    gzipped,
    folders,
    one_file,
    tabs,
    default_config,
    several_configs,
    plain_list,
    csv_options,
    stated_features,
    config_features,
    older,
    standalone,
    json_field,
    aliases,
]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: str(shape.__name__))
def test_rows_are_those_of_datasets_itself(tmp_path: Path, shape: Callable[[Path], None]) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    shape(folder)
    wanted: Any = load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))
    found = rows.load(folder, digests.files(folder), dataset_params(), LIMITS)
    assert list(found.splits) == list(wanted)
    for split, part in wanted.items():
        assert found.splits[split].features == part.features
        assert found.splits[split].data.table.to_pylist() == part.data.table.to_pylist()
    assert list(found.files) == list(wanted)


def test_rows_come_with_the_files_that_hold_them(tmp_path: Path) -> None:
    shards(tmp_path)
    found = rows.load(tmp_path, digests.files(tmp_path), dataset_params(), LIMITS)
    assert found.files["train"] == tuple(f"data/train-{shard:05}-of-00003.parquet" for shard in range(3))
    assert found.files["validation"] == ("data/validation-00000-of-00001.parquet",)


@pytest.mark.parametrize("name", ["t[1].csv", "x::y.csv", "zip:x::y.csv", "a b*.csv", "ö?.csv"])
def test_rows_come_from_files_of_any_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(frame().write_csv())
    quoted = json.dumps(name, ensure_ascii=False)
    readme(tmp_path, f"configs:\n- config_name: default\n  data_files: {quoted}\n")
    found = rows.load(tmp_path, digests.files(tmp_path), dataset_params(), LIMITS)
    assert found.files == {"train": (name,)}
    assert found.splits["train"].to_dict() == triplets(3)


def test_rows_come_from_no_file_that_the_commit_does_not_list(tmp_path: Path) -> None:
    frame().write_csv(tmp_path / "train.csv")
    frame(10).write_csv(tmp_path / "train_more.csv")
    readme(tmp_path, "configs:\n- config_name: default\n  data_files: train_more.csv\n")
    found = rows.load(tmp_path, {"train.csv"}, dataset_params(), LIMITS)
    assert found.files == {"train": ("train.csv",)}
    with pytest.raises(InvalidData, match=r"'train_more.csv' for the split 'train', which is no data file"):
        rows.load(tmp_path, {"train.csv", "README.md"}, dataset_params(), LIMITS)


def test_rows_are_as_many_as_the_readme_states(tmp_path: Path) -> None:
    frame().write_csv(tmp_path / "train.csv")
    readme(
        tmp_path,
        "dataset_info:\n  splits:\n  - name: train\n    num_examples: 4\n",
    )
    with pytest.raises(InvalidData, match="README states 4 rows in the split 'train', its files hold 3"):
        rows.load(tmp_path, digests.files(tmp_path), dataset_params(), LIMITS)
