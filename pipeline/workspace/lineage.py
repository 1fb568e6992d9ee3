"""What dvc.yaml says of each step: its deps, outs and parameters, and the record sealed over them.

dvc.yaml is the one list of what a step reads and writes. A record's `read` and `wrote` are filled from it,
so they cannot drift apart; that a step really reads no more than its deps, a test holds by reading the code.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pipeline.errors import BrokenChain, InvalidParams, InvalidWorkspace
from pipeline.params.document import read_yaml
from pipeline.records import Record
from pipeline.workspace import digests, paths
from pipeline.workspace.files import write_text
from pipeline.workspace.paths import RECORDS

RecordT = TypeVar("RecordT", bound=Record)

NAMES = tuple(RECORDS)


@dataclass(frozen=True)
class Stage:
    """One stage of dvc.yaml: paths inside the workspace, and dotted keys of params.yaml."""

    name: str
    deps: tuple[str, ...]
    outs: tuple[str, ...]
    params: tuple[str, ...]


def stage(workspace: Path, name: str) -> Stage:
    """Read one stage of the workspace's dvc.yaml.

    Raises:
        InvalidWorkspace: There is no such stage.
    """
    stages = read_yaml(workspace / paths.STAGES).get("stages", {})
    if name not in stages:
        raise InvalidWorkspace(
            f"{workspace / paths.STAGES} has the stages {', '.join(stages)}; wanted {name!r} among them. "
            f"Restore it with `git checkout {paths.STAGES}`"
        )
    found = stages[name]
    outs = [*found.get("outs", []), *found.get("metrics", []), *found.get("plots", [])]
    written = tuple(next(iter(out)) if isinstance(out, dict) else str(out) for out in outs)
    return Stage(name, tuple(found.get("deps", [])), written, tuple(found.get("params", [])))


def demand_deps(workspace: Path, name: str) -> None:
    """Make sure that what one stage reads is there.

    Raises:
        InvalidWorkspace: A file or folder is missing; names it and the stage that makes it.
    """
    for path in stage(workspace, name).deps:
        if not (workspace / path).exists():
            makers = [one for one in NAMES if path in stage(workspace, one).outs]
            way = f"`{makers[0]}` makes it: run `dvc repro`" if makers else f"run `git checkout {path}`"
            raise InvalidWorkspace(f"{path} is missing, which `{name}` reads; {way}")


def params_digest(workspace: Path, name: str) -> str:
    """Digest the values in params.yaml that one stage depends on."""
    content = read_yaml(workspace / paths.PARAMS)
    return digests.of_value({key: _value(content, key) for key in stage(workspace, name).params})


def _value(content: Any, dotted_key: str) -> Any:
    for key in dotted_key.split("."):
        if not isinstance(content, dict) or key not in content:
            raise InvalidParams(f"params.yaml has no {dotted_key}, which dvc.yaml names; set it")
        content = content[key]
    return content


@dataclass(frozen=True)
class Opened:
    """What a step is about to read: digests of its deps, and of its parameters."""

    name: str
    read: dict[str, str]
    params: str


def opened(workspace: Path, name: str) -> Opened:
    """Digest what a step reads, as its first act: `seal` compares.

    Raises:
        BrokenChain: Something that it reads is not there.
    """
    found = {}
    for path in stage(workspace, name).deps:
        try:
            found[path] = digests.digest(workspace / path)
        except FileNotFoundError:
            raise BrokenChain(f"{path} is missing, which `{name}` reads; run `dvc repro`") from None
    return Opened(name, found, params_digest(workspace, name))


def seal(workspace: Path, before: Opened, record: RecordT) -> RecordT:
    """Fill in what the record rests on, and write it as the step's last act.

    Args:
        workspace: The folder of the workspace.
        before: What `opened` found when the step began.
        record: What the step has to say.

    Raises:
        BrokenChain: Something was changed while the step ran, so that nobody knows what it read; nothing is
            written.
    """
    name, own = before.name, RECORDS[before.name]
    now = opened(workspace, name)
    changed = [path for path in now.read if now.read[path] != before.read.get(path)]
    if now.params != before.params:
        changed.append(f"{paths.PARAMS} (a value that `{name}` depends on)")
    if changed:
        raise BrokenChain(
            f"{', '.join(changed)} was changed while `{name}` ran; wanted it unchanged, because nobody can "
            "say which of the two was read. Nothing is recorded: run `dvc repro` again"
        )
    outs = stage(workspace, name).outs
    sealed = record.model_copy(
        update={
            "read": now.read,
            "wrote": {path: digests.digest(workspace / path) for path in outs if path != own},
            "params": now.params,
        }
    )
    write_text(workspace / own, sealed.dump())
    return sealed


def checkpoints(workspace: Path, before: Opened) -> Path:
    """Return the folder of a training's checkpoints, named by all that the training reads.

    So a checkpoint of other parameters, data or another base is never gone on from.
    """
    return workspace / paths.CHECKPOINTS / digests.of_value([before.params, before.read])[:16]


class Found:
    """The digests of what stands in a workspace, where each file or folder is read once."""

    def __init__(self, workspace: Path) -> None:
        self._workspace = workspace
        self._seen: dict[str, str] = {}

    def digest(self, path: str) -> str | None:
        """Return the digest of a path inside the workspace; None where nothing stands there."""
        if path not in self._seen and (self._workspace / path).exists():
            self._seen[path] = digests.digest(self._workspace / path)
        return self._seen.get(path)


def foreign_outs(workspace: Path, found: Found) -> list[str]:
    """Return a line for each file or folder here that is not the one that its step's record says it wrote."""
    faults = []
    for name in NAMES:
        for path, wanted in _header(workspace / RECORDS[name]).wrote.items():
            now = found.digest(path)
            if now != wanted:
                state = "is missing" if now is None else "differs"
                faults.append(f"{path} {state}; {RECORDS[name]} names {wanted[:12]}")
    return faults


def broken_links(workspace: Path, found: Found | None = None) -> list[str]:
    """Walk every record over the real files; give one line per difference, none where the chain holds.

    Args:
        workspace: The folder of the workspace.
        found: What was read of it just now; None reads everything.
    """
    faults = []
    files = found or Found(workspace)
    for name in NAMES:
        try:
            record = _header(workspace / RECORDS[name])
        except BrokenChain as error:
            faults.append(str(error))
            continue
        listed = stage(workspace, name)
        if set(record.read) != set(listed.deps) or {*record.wrote, RECORDS[name]} != set(listed.outs):
            faults.append(f"{RECORDS[name]} names other files than the stage `{name}` of dvc.yaml")
        if record.params != params_digest(workspace, name):
            faults.append(f"params.yaml was changed after `{name}` ran with it")
        for path, wanted in {**record.read, **record.wrote}.items():
            now = files.digest(path)
            if now != wanted:
                state = "is missing" if now is None else f"has sha256 {now[:12]}"
                faults.append(f"{path} {state}; {RECORDS[name]} names {wanted[:12]}")
    return faults


def unlocked(workspace: Path) -> list[str]:
    """Compare the records with dvc.lock, which a receipt names; give one line per record not in it."""
    path = workspace / paths.LOCK
    if not path.exists():
        return ["dvc.lock is missing, so DVC does not know of these files"]
    locked = read_yaml(path).get("stages", {})
    faults = []
    for name, record in RECORDS.items():
        outs = {out["path"]: out.get("md5") for out in locked.get(name, {}).get("outs", [])}
        found = workspace / record
        if found.exists() and outs.get(record) != digests.md5(found):
            faults.append(f"{record} is not the one that dvc.lock holds, so DVC did not see `{name}` run")
    return faults


def _header(path: Path) -> Record:
    """Read the fields of a record that every record has."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Record(read=content["read"], wrote=content["wrote"], params=content["params"])
    except FileNotFoundError:
        raise BrokenChain(f"{path} is missing; run `dvc repro`") from None
    except (ValueError, KeyError, TypeError):
        raise BrokenChain(f"{path} is no record; restore it, or run its step again") from None
