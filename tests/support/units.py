"""The units of systemd/ as systemd reads them, so that tests run what they say."""

import shlex
from collections import defaultdict
from pathlib import Path

from tests.support.workspaces import PROJECT

FOLDER = PROJECT / "systemd"
# Where the units have the workspace and its environment.
WORK = "/srv/katman/work"


def read(name: str) -> dict[str, list[str]]:
    """The values of each key of a unit, in their order; sections share none of those that are asked for."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in (FOLDER / name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith(("#", "[")):
            key, _, value = line.partition("=")
            found[key].append(value)
    return dict(found)


def command(name: str, programs: dict[str, list[str]]) -> list[str]:
    """A unit's command, with the workspace's programs replaced by those that stand here for them."""
    (line,) = read(name)["ExecStart"]
    program, *words = shlex.split(line)
    folder, _, last = program.rpartition("/")
    assert folder == f"{WORK}/.venv/bin"
    return [*programs[last], *words]


def environment(name: str) -> dict[str, str]:
    """What a unit sets itself."""
    words = [word for line in read(name)["Environment"] for word in shlex.split(line)]
    return dict(word.split("=", 1) for word in words)


def secrets(name: str) -> dict[str, str]:
    """The variables that a unit's file of secrets holds, as the unit's own comment lists them."""
    lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    listed = [line.removeprefix("#").strip() for line in lines if line.startswith("#   ")]
    return dict(line.split("=", 1) for line in listed)


def moved(name: str, work: Path) -> str:
    """A unit's text for a workspace that stands elsewhere."""
    return (FOLDER / name).read_text(encoding="utf-8").replace(WORK, str(work))
