"""`katman STEP …`: go to the workspace around you, and run its own code.

`make .venv` puts this file into .venv/bin as `katman`, behind a line that calls the Python beside it. It
imports nothing of the project: which code runs is for the workspace to say, not for where this file is from.
"""

import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import NoReturn

CODE = Path("pipeline", "__main__.py")


def is_workspace(folder: Path) -> bool:
    """Return whether a folder is a workspace, whatever its code is."""
    return (folder / "params.yaml").is_file() and (folder / "dvc.yaml").is_file()


def main() -> NoReturn:
    """Become `python -m pipeline` in the workspace, or end with one message where there is none."""
    arguments, here = sys.argv[1:], Path.cwd()
    parser = ArgumentParser(prog="katman", add_help=False, allow_abbrev=False)
    parser.add_argument("--workspace", type=Path)
    named: Path | None = parser.parse_known_args(arguments)[0].workspace
    folders = [here, *here.parents] if named is None else [(here / named).resolve()]
    workspace = next(filter(is_workspace, folders), None)
    if workspace is None:
        found = f"{folders[0]} is no workspace" + (", nor is a folder above it" if named is None else "")
        sys.exit(f"katman: {found}; wanted params.yaml and dvc.yaml in it. Go to one, or say --workspace DIR")
    if not (workspace / CODE).is_file():
        sys.exit(
            f"katman: the workspace {workspace} has no {CODE}; wanted its own code, since no other is run on "
            "it. Restore it with `git checkout pipeline`"
        )
    os.chdir(workspace)
    # Paths stand in the arguments as they were typed: the step must know where that was.
    environment = {**os.environ, "KATMAN_CWD": str(here)}
    os.execve(sys.executable, [sys.executable, "-m", "pipeline", *arguments], environment)


if __name__ == "__main__":
    main()
