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


def seal(workspace: Path, name: str, record: RecordT) -> RecordT:
    """Fill in what the record rests on, and write it as the step's last act."""
    found = stage(workspace, name)
    own = RECORDS[name]
    sealed = record.model_copy(
        update={
            "read": {path: digests.digest(workspace / path) for path in found.deps},
            "wrote": {path: digests.digest(workspace / path) for path in found.outs if path != own},
            "params": params_digest(workspace, name),
        }
    )
    write_text(workspace / own, sealed.dump())
    return sealed


def broken_links(workspace: Path) -> list[str]:
    """Walk every record over the real files; give one line per difference, none where the chain holds."""
    faults = []
    seen: dict[str, str] = {}

    def now(path: str) -> str | None:
        if path not in seen and (workspace / path).exists():
            seen[path] = digests.digest(workspace / path)
        return seen.get(path)

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
            found = now(path)
            if found != wanted:
                state = "is missing" if found is None else f"has sha256 {found[:12]}"
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
