"""Where the sample lives, and an environment in which nothing leads out of there."""

import fcntl
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sample.workspace import PROJECT, SampleError

USER = "sample"
_NOT_INHERITED = ("HF_", "HUGGING", "PREFECT_", "DVC_", "GIT_", "TRANSFORMERS_", "SENTENCE_TRANSFORMERS_")


@dataclass(frozen=True)
class Room:
    """The folders of the sample, and the token of its Hub, which is drawn anew for each run."""

    folder: Path
    token: str = field(default_factory=lambda: f"hf_{secrets.token_hex(17)}", repr=False)

    @property
    def hub(self) -> Path:
        """What the localhub keeps."""
        return self.folder / "hub"

    @property
    def work(self) -> Path:
        """The workspace."""
        return self.folder / "work"

    @property
    def logs(self) -> Path:
        """The full output of everything, a file each."""
        return self.folder / "log"

    def environment(self, **more: str) -> dict[str, str]:
        """Give the environment for every child: this room, 127.0.0.1, and no telemetry."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)}
        room = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
            "NO_COLOR": "1",
            "DO_NOT_TRACK": "1",
            "HF_HOME": str(self.folder / "hf"),
            "HF_TOKEN": self.token,
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "DVC_NO_ANALYTICS": "1",
            "DVC_SITE_CACHE_DIR": str(self.folder / "dvc"),
            "DVC_GLOBAL_CONFIG_DIR": str(self.folder / "dvc"),
            "DVC_SYSTEM_CONFIG_DIR": str(self.folder / "dvc"),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "PREFECT_HOME": str(self.folder / "prefect"),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PYTHONUNBUFFERED": "1",
        }
        return own | room | more


@contextmanager
def enter(folder: Path = PROJECT / ".sample") -> Iterator[Room]:
    """Have the sample's folder to oneself, and turn this process's own environment into the room's.

    Raises:
        SampleError: Another run of the sample is in there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SampleError(f"another `make sample`, `sample-next` or `hub` works in {folder}") from None
        room = Room(folder)
        env = room.environment()  # huggingface_hub reads it when it is imported, which is later
        os.environ.clear()
        os.environ.update(env)
        yield room
