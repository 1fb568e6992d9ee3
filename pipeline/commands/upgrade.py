"""`upgrade`: a params.yaml of an older katman gets the keys of this one, each with the value "as before"."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.params.document import check, parse_yaml, read_yaml
from pipeline.params.key_changes import CHANGES, Added, Removed, complete
from pipeline.workspace import lineage, paths
from pipeline.workspace.files import write_text


@dataclass(frozen=True)
class Upgraded:
    """What was changed in params.yaml.

    Attributes:
        diff: A unified diff, empty where there was nothing to do.
        concerned: The stages that read what was changed, and will run again for it.
    """

    diff: str
    concerned: tuple[str, ...]


def run(workspace: Path) -> Upgraded:
    """Complete params.yaml by all that versions have changed of its keys."""
    return upgrade(workspace, CHANGES)


def upgrade(workspace: Path, changes: Sequence[Added | Removed]) -> Upgraded:
    """Complete params.yaml, which need not be one that other steps accept; comments stay.

    Nothing is committed: a person reads the diff first.

    Raises:
        InvalidParams: More is wrong with params.yaml than its age; it stays as it is.
    """
    path = workspace / paths.PARAMS
    before = read_yaml(path)
    text = path.read_text(encoding="utf-8")
    completed = complete(text, changes)
    after = parse_yaml(completed, path)
    check(after, path, "That is not for its age: no version of katman brought or took these keys")
    if completed != text:
        write_text(path, completed)
    lines = difflib.unified_diff(
        text.splitlines(keepends=True), completed.splitlines(keepends=True), "params.yaml", "params.yaml"
    )
    stages = [lineage.stage(workspace, name) for name in lineage.NAMES]
    concerned = [
        stage.name for stage in stages if any(_at(before, key) != _at(after, key) for key in stage.params)
    ]
    return Upgraded("".join(lines), tuple(concerned))


def summary(upgraded: Upgraded) -> str:
    """Return the diff, and what follows from it."""
    if not upgraded.diff:
        return "params.yaml has every key of this katman, and no other: nothing to do"
    lines = [upgraded.diff, "params.yaml is written; look at it, then `git commit params.yaml`"]
    if upgraded.concerned:
        lines.append(f"`dvc repro` runs again, with what rests on them: {', '.join(upgraded.concerned)}")
    if "train" in upgraded.concerned:
        lines.append("the model is trained again")
    return "\n".join(lines)


def _at(content: Any, dotted: str) -> Any:
    """Return the value at a dotted key, in a list of one, so that null differs from a key that is missing."""
    for key in dotted.split("."):
        if not isinstance(content, dict) or key not in content:
            return []
        content = content[key]
    return [content]
