"""Which subsets a data set declares, in each of the notations, and which is read where none is named."""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from pipeline.errors import InvalidData
from pipeline.stages.pin.tables.subsets import by_default, declared, names

FILES = [{"split": "train", "path": "a.csv"}]


@pytest.fixture
def readme(tmp_path: Path) -> "Readme":
    return Readme(tmp_path)


class Readme:
    """A data set whose README has some front matter."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, **front: Any) -> "Readme":
        with (self.folder / "README.md").open("w", encoding="utf-8") as file:
            file.write("---\n")
            YAML().dump(front, file)
            file.write("---\n# Ours\n")
        return self

    def names(self) -> list[str]:
        return names(self.folder, ["README.md"], "data set o/n")

    def default(self) -> str | None:
        return by_default(self.folder, ["README.md"], "data set o/n")

    def patterns(self, name: str | None = None) -> Any:
        return declared(self.folder, ["README.md"], "data set o/n", name).patterns


@pytest.mark.parametrize(
    ("data_files", "patterns"),
    [
        ("*.csv", {"train": ["*.csv"]}),
        (["a.csv", "b.csv"], {"train": ["a.csv", "b.csv"]}),
        ({"train": "a.csv", "test": ["b.csv"]}, {"train": ["a.csv"], "test": ["b.csv"]}),
        (FILES, {"train": ["a.csv"]}),
        (None, None),
    ],
)
def test_subsets_read_every_notation_of_files(readme: Readme, data_files: Any, patterns: Any) -> None:
    assert readme.write(configs=[{"config_name": "x", "data_files": data_files}]).patterns() == patterns


@pytest.mark.parametrize(
    ("configs", "default"),
    [
        ([{"config_name": "a"}], "a"),
        ([{"config_name": "a"}, {"config_name": "default"}], "default"),
        ([{"config_name": "a"}, {"config_name": "b", "default": True}], "b"),
        ([{"config_name": "a"}, {"config_name": "b"}], None),
        ([{"config_name": "a", "default": True}, {"config_name": "b", "default": True}], None),
    ],
)
def test_subsets_have_a_default_or_are_listed(
    readme: Readme, configs: list[Any], default: str | None
) -> None:
    readme.write(configs=configs)
    assert readme.names() == sorted(one["config_name"] for one in configs)
    assert readme.default() == default
    if default is None:
        with pytest.raises(InvalidData, match=r"the subsets 'a', 'b', and .* Name it in dataset\.subset"):
            readme.patterns()
    assert readme.patterns("a") is None


@pytest.mark.parametrize(
    ("configs", "said"),
    [
        ("a", "configs that are no list of entries with a config_name each"),
        ([{"data_files": "a.csv"}], "configs that are no list of entries with a config_name each"),
        ([{"config_name": "a", "data_files": [{"split": "train"}]}], "data_files with the entry"),
        ([{"config_name": "a", "data_files": [*FILES, *FILES]}], "each split once"),
        ([{"config_name": "a", "data_files": {"no split": "a.csv"}}], "data_files with the entry 'no split'"),
        ([{"config_name": "a", "data_dir": 3}], "data_dir as 3; wanted a folder's path"),
    ],
)
def test_subsets_that_are_none_are_named(readme: Readme, configs: Any, said: str) -> None:
    with pytest.raises(InvalidData, match=said):
        readme.write(configs=configs).patterns()


def test_subsets_of_front_matter_that_is_no_yaml_are_named(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("---\na: [\n---\n", encoding="utf-8")
    with pytest.raises(InvalidData, match=r"front matter in README\.md that cannot be read"):
        Readme(tmp_path).names()


def test_subsets_of_an_older_data_set_stand_in_a_file_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "dataset_infos.json").write_text(
        '{"plain_text": {"splits": {"train": {"name": "train", "num_examples": 3}}}}', encoding="utf-8"
    )
    found = declared(tmp_path, ["dataset_infos.json"], "data set o/n")
    assert (found.name, found.rows) == ("default", {"train": 3})
