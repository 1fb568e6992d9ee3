"""The sample's data set, pinned and audited in a workspace; `python -m bench.aa.room FOLDER` makes it.

A process of its own, because the Hub's client reads its environment when it is imported.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from pipeline.workspace import paths
from sample import drive_hub, workspace
from sample.drive import on_top
from sample.drive_room import Room, enter
from sample.workspace import SampleError


def pinned(folder: Path) -> Path:
    """Return a workspace in which the sample's data set was pinned and audited, made where there is none."""
    work = Room(folder).work
    if not (work / paths.RECORDS["audit"]).exists():
        subprocess.run([sys.executable, "-m", "bench.aa.room", str(folder)], check=True)
    return work


def make(room: Room) -> None:
    """Put base and data set on a Hub, and pin and audit them.

    Raises:
        SampleError: A step failed.
    """
    shutil.rmtree(room.work, ignore_errors=True)
    with drive_hub.running(room, 0) as hub:
        revisions = {
            "base.revision": drive_hub.put_base(hub.endpoint, room, drive_hub.base_folder()),
            "dataset.revision": drive_hub.put_dataset(hub.endpoint, room, edition=1),
        }
        workspace.make(room.work, room.environment())
        names = {"dataset": drive_hub.DATASET, "base": drive_hub.BASE, "release": drive_hub.RELEASE}
        asked = [one for name, repo in names.items() for one in (f"--{name}", repo)]
        _step(room, "init", *asked, HF_ENDPOINT=hub.endpoint)
        params = on_top(room.work / paths.PARAMS, {"hub.endpoint": hub.endpoint, **revisions})
        workspace.start(room.work, params, room.environment())
        for step in ("pin", "audit"):
            _step(room, step)


def _step(room: Room, *arguments: str, **env: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", *arguments],
        cwd=room.work,
        env=room.environment(**env),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SampleError(done.stderr.strip())


if __name__ == "__main__":
    with enter(Path(sys.argv[1])) as entered:
        make(entered)
