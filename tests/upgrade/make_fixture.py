"""Make `workspace-0.1.tar.xz`: two releases by katman 0.1, run with the code of 0.1 (see README.md here)."""

import importlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

# The helpers of 0.1's own tests; where they stand today, mypy would look for them in vain.
importlib.import_module("tests.conftest")  # no Xet, no telemetry
workspace: Any = importlib.import_module("tests.workspace")
localhub: Any = importlib.import_module("localhub.process")

KEPT = (
    *("params.yaml", "dvc.lock", "splits.ledger", "records", "receipts", "approvals", "reembed.json"),
    *("curves.csv", ".dvc/config", ".dvc/.gitignore", ".dvcignore", ".dvc/cache/files"),
)
COLUMNS = ("query", "positive", "negative")


def editions() -> tuple[dict[str, Any], dict[str, Any]]:
    """Make the data set twice: in the second edition train has more rows, and the test rows are the same."""
    first: dict[str, Any] = workspace.mixed()
    train = {name: first["train"][name][:60] for name in COLUMNS}  # the bad rows at its end aside
    held = {*first["validation"]["query"], *first["test"]["query"]}
    more = workspace.mixed(seed=8)["train"]
    new = [place for place in range(20) if more["query"][place] not in held]
    longer = {name: train[name] + [more[name][place] for place in new] for name in COLUMNS}
    return first | {"train": train}, first | {"train": longer}


def story(root: Path) -> None:
    """Release, deploy, move the data, release and deploy again."""
    user = localhub.User("tester", "write", workspace.TOKEN)
    with localhub.serve(root / "hub", [user]) as hub:
        run = commands(root / "work", workspace.environment(hub.endpoint, root / "home"))
        workspace.tiny_model(root / "tiny", width=16)
        one, two = editions()
        workspace.write_splits(root / "data", one)
        changes = workspace.MIXED | {
            "base.revision": workspace.put(hub.endpoint, "tester/tiny", "model", root / "tiny"),
            "dataset.revision": workspace.put(hub.endpoint, "tester/mixed", "dataset", root / "data"),
            "model.dims": [16, 8],
            "train.loss.matryoshka_weights": [1, 1],
            "gate.floors": {16: 0.0, 8: 0.0},
        }
        workspace.make(root / "work", changes)
        run("dvc repro", "git add .", "git commit --quiet --message Run")
        run("python -m pipeline release", "python -m pipeline deployed v1")
        workspace.write_splits(root / "data", two)
        workspace.put(hub.endpoint, "tester/mixed", "dataset", root / "data")
        run("python -m pipeline refresh", "dvc repro")
        run("python -m pipeline approve --name Ada --reason reindexed")
        run("python -m pipeline release", "python -m pipeline deployed v2", "python -m pipeline releases")
        run("git status --short", "dvc gc --workspace --force")


def commands(folder: Path, env: dict[str, str]) -> Callable[..., None]:
    """Give what runs commands in a folder, one by one, as a user types them."""

    def run(*typed: str) -> None:
        for command in typed:
            print(f"$ {command}", flush=True)
            subprocess.run(command.split(), cwd=folder, env=env, check=True)

    return run


def pack(root: Path, archive: Path) -> None:
    """Pack what a workspace has beside the code, and the Hub's folder without the server's own files."""
    for left in ("signing.key", "localhub.lock", "staging"):
        path = root / "hub" / left
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    with tarfile.open(archive, "w:xz", preset=9) as tar:
        for name in KEPT:
            tar.add(root / "work" / name, f"work/{name}", filter=_plain)
        tar.add(root / "hub", "hub", filter=_plain)


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    member.mode = 0o755 if member.isdir() else 0o644
    return member


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        story(Path(scratch))
        pack(Path(scratch), Path(sys.argv[1]))
