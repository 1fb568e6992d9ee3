"""Which cases a folder holds: what goes onto the Hub for each, what it changes, and what is wanted."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

COMMON = "common"


@dataclass(frozen=True)
class Case:
    """One input.

    Attributes:
        name: Its folder, and the part of it, where a folder holds several.
        base: Folder of the base; None takes the common one.
        dataset: Folder of the data set; None takes the common one.
        others: Folders of further data sets, by repository.
        changes: Keys of params.yaml that it sets; a commit of zeros stands for the repository's newest.
        wanted: What shall come, in the words of the folder's README.
    """

    name: str
    base: Path | None
    dataset: Path | None
    others: dict[str, Path] = field(default_factory=dict)
    changes: dict[str, Any] = field(default_factory=dict)
    wanted: str = ""


def cases(folder: Path) -> list[Case]:
    """List the cases of a folder, by name."""
    wanted = _wanted(folder / "README.md")
    found = []
    for one in sorted(path for path in folder.iterdir() if path.is_dir()):
        words = wanted.get(one.name, "")
        base, dataset = _folder(one / "base"), _folder(one / "dataset")
        if base or dataset:
            found.append(Case(one.name, base, dataset, {}, _changes(one / "changes.yaml"), words))
            continue
        repositories = {
            f"tester/{_REPOSITORIES.get(path.name, path.name)}": path
            for path in sorted(one.iterdir())
            if path.name.endswith("_repo")
        }
        if repositories:
            for path in sorted(one.glob("changes*.yaml")):
                name = f"{one.name}/{path.stem}"
                found.append(Case(name, None, None, repositories, _changes(path), words))
            continue
        for path in sorted(path for path in one.iterdir() if path.is_dir()):
            model = (path / "modules.json").is_file() or (path / "config.json").is_file()
            base, dataset = (path, None) if model else (None, path)
            name, changes = f"{one.name}/{path.name}", _changes(one / "changes.yaml")
            found.append(Case(name, base, dataset, {}, changes, words))
    return found


# What the folders of the retrieval case are called on the Hub, as its changes name them.
_REPOSITORIES = {"corpus_repo": "corpus", "qrels_repo": "corpus-qrels", "orphans_repo": "orphans"}


def _folder(path: Path) -> Path | None:
    return path if path.is_dir() else None


def _changes(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    content: dict[str, Any] = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    return content


def _wanted(readme: Path) -> dict[str, str]:
    """Read the last column of the README's first table, by case."""
    if not readme.is_file():
        return {}
    rows = [line.strip("|").split("|") for line in readme.read_text(encoding="utf-8").splitlines()]
    return {row[0].strip(): row[2].strip() for row in rows if len(row) == 3}
