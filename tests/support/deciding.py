"""A candidate that waits for a person, and the git repository in which it is decided on."""

from pathlib import Path
from typing import Any

from pipeline.params import Params, load
from pipeline.workspace import paths
from pipeline.workspace.files import write_text
from tests.support import sealed, workspaces

CANDIDATE = "c" * 64
PARAMS = load(workspaces.PROJECT)
WAITS = sealed.verdict(CANDIDATE, needs_human=True)


def waits_in(folder: Path) -> Path:
    """Make a folder a git repository with the verdict of a candidate that waits, and give it back."""
    workspaces.repository(folder, dvc=False)
    write_text(folder / paths.RECORDS["gate"], WAITS.dump())
    return folder


def asks(**changes: Any) -> Params:
    """Give the project's parameters with another section `approve`."""
    return PARAMS.model_copy(update={"approve": PARAMS.approve.model_copy(update=changes)})
