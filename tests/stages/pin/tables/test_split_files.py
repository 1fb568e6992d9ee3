"""Which files a README may name, and how each of its notations is read."""

from pathlib import Path

import pytest

from pipeline.errors import InvalidData
from pipeline.stages.pin.tables.file_patterns import inferred, inside, matching
from pipeline.stages.pin.tables.split_files import SplitFiles, chosen
from pipeline.stages.pin.tables.subsets import declared

LISTED = {
    "README.md",
    "train.csv",
    "data/a.csv",
    "data/b.csv",
    "data/deep/c.csv",
    "data/notes.md",
    ".hidden/d.csv",
    "__MACOSX/e.csv",
    "t1.csv",
    "t[2].csv",
    "x::y.csv",
}


@pytest.mark.parametrize(
    ("path", "folder", "wanted"),
    [
        ("train.csv", "", "train.csv"),
        ("./data//a.csv", "", "data/a.csv"),
        ("data/../train.csv", "", "train.csv"),
        ("../train.csv", "data", "train.csv"),
        ("a.csv", "data", "data/a.csv"),
        ("x::y.csv", "", "x::y.csv"),
        ("..", "", None),
        ("../train.csv", "", None),
        ("data/../../train.csv", "", None),
        ("*/../../train.csv", "", None),
        ("../../x", "data", None),
        ("/etc/passwd", "", None),
        ("/etc/passwd", "data", None),
        ("//host/x", "", None),
        ("http://host/x.csv", "", None),
        ("hf://datasets/a/b/x.csv", "", None),
        ("file:///etc/passwd", "", None),
        ("zip://x.csv::http://host/x.zip", "", None),
        ("zip://x.csv::archive.zip", "", None),
        ("simplecache::http://host/x.csv", "", None),
    ],
)
def test_a_path_is_inside_or_none(path: str, folder: str, wanted: str | None) -> None:
    assert inside(path, folder) == wanted


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ("train.csv", ["train.csv"]),
        ("*.csv", ["t1.csv", "t[2].csv", "train.csv", "x::y.csv"]),
        ("data/*.csv", ["data/a.csv", "data/b.csv"]),
        ("data/**", ["data/a.csv", "data/b.csv", "data/deep/c.csv", "data/notes.md"]),
        ("**/c.csv", ["data/deep/c.csv"]),
        ("data/?.csv", ["data/a.csv", "data/b.csv"]),
        ("data/[!a].csv", ["data/b.csv"]),
        ("t[1].csv", ["t1.csv"]),
        ("t[2].csv", ["t[2].csv"]),
        ("x::y.csv", ["x::y.csv"]),
        (".hidden/*", [".hidden/d.csv"]),
        ("__MACOSX/*", ["__MACOSX/e.csv"]),
        ("README.md", ["README.md"]),
        ("*.md", []),
        ("data", []),
        ("file:train.csv", []),
        ("~/train.csv", []),
        ("C:\\train.csv", []),
        ("data\\a.csv", []),
        ("simplecache::train.csv", []),
    ],
)
def test_a_pattern_matches_listed_files_alone(pattern: str, wanted: list[str]) -> None:
    assert matching(pattern, LISTED) == wanted


def test_splits_are_inferred_from_listed_names() -> None:
    assert list(inferred({"train.csv", "dev.csv", "eval.csv"})) == ["train", "validation", "test"]
    assert list(inferred({"data/x-00000-of-00001.parquet"})) == ["x"]
    with pytest.raises(FileNotFoundError):
        inferred({"README.md"})


def choose(folder: Path, text: str, name: str | None = None) -> SplitFiles:
    (folder / "README.md").write_text(f"---\n{text}\n---\n")
    return chosen(declared(folder, LISTED, "data set x/y", name), LISTED, "data set x/y")


CONFIG = "configs:\n- config_name: default\n  "


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("data_files: train.csv", {"train": ("train.csv",)}),
        ("data_files: [train.csv, data/*.csv]", {"train": ("train.csv", "data/a.csv", "data/b.csv")}),
        ("data_files: [{split: a, path: train.csv}]", {"a": ("train.csv",)}),
        ("data_files: [{split: a.b, path: [t1.csv, 'no*']}]", {"a.b": ("t1.csv",)}),
        ("data_files: {test: train.csv, train: [t1.csv]}", {"test": ("train.csv",), "train": ("t1.csv",)}),
        ("data_dir: data\n  data_files: '**'", {"train": ("data/a.csv", "data/b.csv", "data/deep/c.csv")}),
        ("data_dir: data", {"train": ("data/a.csv", "data/b.csv", "data/deep/c.csv")}),
    ],
)
def test_files_are_chosen_in_each_notation(
    tmp_path: Path, text: str, wanted: dict[str, tuple[str, ...]]
) -> None:
    found = choose(tmp_path, CONFIG + text)
    assert {
        split: tuple(p for p in paths if p.endswith(".csv")) for split, paths in found.files.items()
    } == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("data_files: [{split: a, path: [/etc/passwd]}]", "reads '/etc/passwd' for the split 'a'"),
        ("data_files: {a: [train.csv, 'hf://datasets/a/b/*.csv']}", "reads 'hf://datasets/a/b/\\*.csv' for"),
        ("data_files: '**/../../*.csv'", r"reads '\*\*/../../\*.csv' for .*: that leaves the repository"),
        ("data_dir: /etc", "reads '/etc' for data_dir"),
        ("data_dir: hf://datasets/a/b", "reads 'hf://datasets/a/b' for data_dir"),
        ("data_dir: data\n  data_files: ../../x.csv", "reads '../../x.csv' for"),
        ("data_dir: data/deep/none", "its folder data/deep/none has no files"),
        ("data_dir: [data]", "declares data_dir as"),
        (
            "data_files: none.csv",
            "names 'none.csv' for the split 'train', which is no data file of its commit",
        ),
        ("data_files: 'none*.csv'", "has no file that 'none\\*.csv' matches"),
        ("data_files: []", "has no file that nothing matches"),
        ("data_files: 'a**.csv'", "which is no pattern"),
        ("data_files: [{split: a, path: t1.csv}, {split: a, path: t1.csv}]", "each split once"),
        ("data_files: [{split: a/b, path: t1.csv}]", "each split once"),
        ("data_files: [{split: a, path: t1.csv, more: 1}]", "each split once"),
        ("data_files: [{split: a, path: {b: c}}]", "wanted a path"),
        ("data_files: 5", "wanted a path"),
        ("data_files: train.csv\n  converters: {query: eval}", "sets converters in its README"),
        ("data_files: train.csv\n  na_values: 2024-01-01", "declares a date for a config"),
        ("data_files: train.csv\n  sep: !!python/name:os.system x", "front matter .* cannot be read"),
        ("data_files: train.csv\n  x: &x [*x]", "deeper than 40"),
        (
            "a: &a [x,x,x,x,x,x,x,x,x,x]\n  b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
            "  c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n  d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
            "  e: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]",
            "more than 100,000 values",
        ),
    ],
)
def test_files_are_refused_with_what_names_them(tmp_path: Path, text: str, wanted: str) -> None:
    with pytest.raises(InvalidData, match=wanted):
        choose(tmp_path, CONFIG + text)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            "configs:\n- {config_name: a}\n- {config_name: b}",
            "has the subsets 'a', 'b', and none of them by default",
        ),
        (
            "configs:\n- {config_name: a, default: true}\n- {config_name: b, default: true}",
            "and 2 of them by default",
        ),
        ("configs: 5", "declares configs that are no list"),
        ("configs: [{data_files: train.csv}]", "declares configs that are no list"),
        ("configs: [", "front matter .* cannot be read"),
        ("just text", "front matter .* cannot be read"),
    ],
)
def test_one_config_is_chosen_or_none(tmp_path: Path, text: str, wanted: str) -> None:
    with pytest.raises(InvalidData, match=wanted):
        choose(tmp_path, text)


def test_a_config_can_be_chosen_by_name(tmp_path: Path) -> None:
    text = "configs:\n- {config_name: a, data_files: t1.csv}\n- {config_name: b, data_files: train.csv}"
    assert choose(tmp_path, text, "b").files == {"train": ("train.csv",)}


@pytest.mark.parametrize("name", ["data.zip", "data.tar", "data.tar.gz"])
def test_archives_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidData, match=f"in the archive {name}, whose members can name files elsewhere"):
        chosen(declared(tmp_path, {name}, "data set x/y"), {name}, "data set x/y")


@pytest.mark.parametrize("name", ["a.png", "a.lance", "a.h5", "task.toml"])
def test_readers_of_anything_but_rows_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidData, match=r"cannot be read: .* wanted arrow, csv, json, parquet, text"):
        chosen(declared(tmp_path, {name}, "data set x/y"), {name}, "data set x/y")


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        ({"TRAIN.csv", "Dev.csv", "TEST.csv"}, "would have Dev.csv, TEST.csv in the split 'train', because"),
        ({"train.xlsx"}, "has for the split 'train', by the names of its files, train.xlsx; wanted Parquet"),
    ],
)
def test_split_of_files_named_otherwise_is_refused(tmp_path: Path, listed: set[str], said: str) -> None:
    with pytest.raises(InvalidData, match=said):
        chosen(declared(tmp_path, listed, "x/y"), listed, "x/y")


def test_splits_that_are_named_like_others_are_their_own(tmp_path: Path) -> None:
    listed = {f"data/{name}-00000-of-00001.parquet" for name in ("train_sft", "test_sft", "training")}
    found = chosen(declared(tmp_path, listed, "x/y"), listed, "x/y")
    assert found.files == {
        name: (f"data/{name}-00000-of-00001.parquet",) for name in ("test_sft", "train_sft", "training")
    }
