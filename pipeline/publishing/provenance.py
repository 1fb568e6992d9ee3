"""`provenance.json`: how a release came about, as an in-toto statement over its files.

https://in-toto.io/Statement/v1 with the predicate https://slsa.dev/provenance/v1, of which only the format is
taken: no SLSA level is claimed, because whoever trains also writes the statement, and nobody watches them.
The same candidate gives the same bytes, whenever it is released: so that a release that was cut off can be
told from another one.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import Contradicted
from pipeline.publishing.release_tree import HUBS_OWN, PROVENANCE, SIGNATURE
from pipeline.records import Approval, Card, LogState, Part, Pin, PinnedRepo, Verdict
from pipeline.workspace import digests, paths
from pipeline.workspace.files import write_text

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
_BUILD = "urn:katman:retrain:1"


def write(
    workspace: Path,
    target: Path,
    files: Mapping[str, Path],
    judged: tuple[Verdict, Card, Pin],
    *,
    repo: str,
    recipe: str,
    approval: Approval | None,
    previous: str | None,
    log: LogState | None,
) -> Path:
    """Write the statement of a candidate over the files that it is released with.

    Args:
        workspace: The folder with the records.
        target: The file to write.
        files: Local file by path, without this one.
        judged: Verdict, card and pin.
        repo: Where it goes.
        recipe: Digest of the parameters.
        approval: A person's yes.
        previous: The commit of the repository's release before this one; None for the first.
        log: How far the workspace's log had grown; None where it has none.
    """
    verdict, card, pin = judged
    content = {
        "_type": STATEMENT,
        "subject": [
            {"name": name, "digest": {"sha256": digests.sha256(path)}} for name, path in sorted(files.items())
        ],
        "predicateType": PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": _BUILD,
                "externalParameters": {"repository": repo, "version": card.version, "recipe": recipe},
                "internalParameters": {
                    "candidate": verdict.candidate,
                    "verdict": {"outcome": verdict.outcome, "look": verdict.look},
                    "approval": approval.model_dump() if approval else None,
                    "records": {
                        path: digests.sha256(workspace / path) for path in sorted(paths.RECORDS.values())
                    },
                    paths.LOCK: digests.sha256(workspace / paths.LOCK),
                    **_place(previous, log),
                },
                "resolvedDependencies": _dependencies(pin, card),
            },
            "runDetails": {"builder": {"id": "urn:katman"}, "metadata": {"invocationId": verdict.candidate}},
        },
    }
    write_text(target, _dump(content))
    return target


def rewrite(
    source: Path, target: Path, *, repo: str, version: str, restores: str, previous: str, log: LogState | None
) -> Path:
    """Write the statement of an earlier release as that of the version that puts its files back.

    A signature over the earlier one vouches for the earlier version, and for no other.

    Raises:
        Contradicted: The earlier one is no statement.
    """
    read(source)
    content = json.loads(source.read_bytes())
    built = content["predicate"]["buildDefinition"]
    built["externalParameters"] |= {"repository": repo, "version": version}
    built["internalParameters"] |= {"restores": restores, **_place(previous, log)}
    write_text(target, _dump(content))
    return target


def _place(previous: str | None, log: LogState | None) -> dict[str, Any]:
    """Say where a release stands among those before it, so that a Hub cannot go back unseen."""
    return {"previous": previous, "log": log.model_dump() if log else None}


def _dump(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _dependencies(pin: Pin, card: Card) -> list[dict[str, Any]]:
    named: dict[str, tuple[str, PinnedRepo | None]] = {
        "dataset": ("datasets/", pin.dataset),
        "base": ("", pin.base),
        "live": ("", pin.live),
        "live_trained_on": ("datasets/", pin.live_trained_on),
        "anchor": ("", pin.anchor),
        "retrieval": ("datasets/", pin.retrieval),
        **{f"probes.{name}": ("datasets/", probe) for name, probe in sorted(pin.probes.items())},
    }
    found: list[dict[str, Any]] = [
        {
            "name": name,
            "uri": f"{pin.endpoint}/{prefix}{repo.repo}/tree/{repo.revision}",
            "digest": {"gitCommit": repo.revision},
        }
        for name, (prefix, repo) in named.items()
        if repo is not None
    ]
    if card.code_commit is not None:
        found.append({"name": "code", "digest": {"gitCommit": card.code_commit}})
    return found


class Statement(Part):
    """What a release says of itself; nobody vouches for it but a receipt or a signature.

    Attributes:
        repository: Where it was released to.
        files: sha256 by path, of all files but the statement itself and a signature.
        restores: The version whose files a rollback put back.
        previous: The commit of the release before it; None for the first, and before this was kept.
        log: How far the log had grown; None where there was none, and before this was kept.
    """

    repository: str
    version: str
    candidate: str
    files: dict[str, str]
    restores: str | None = None
    previous: str | None = None
    log: LogState | None = None


def read(path: Path) -> Statement:
    """Read a statement back.

    Raises:
        Contradicted: The file is no statement of a release.
    """
    try:
        content = json.loads(path.read_bytes())
        kinds = (content["_type"], content["predicateType"])
        built = content["predicate"]["buildDefinition"]
        outer, inner = built["externalParameters"], built["internalParameters"]
        said = Statement(
            repository=outer["repository"],
            version=outer["version"],
            candidate=inner["candidate"],
            files={one["name"]: one["digest"]["sha256"] for one in content["subject"]},
            **{key: inner[key] for key in ("restores", "previous", "log") if key in inner},
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Contradicted(f"{path.name} is no statement of a release; do not trust these files") from None
    if kinds != (STATEMENT, PREDICATE):
        raise Contradicted(
            f"{path.name} is a {kinds[0]!r} with {kinds[1]!r}; wanted {STATEMENT} with {PREDICATE}"
        )
    return said


def verify(folder: Path, found: Mapping[str, str]) -> Statement | None:
    """Compare a downloaded release with its statement.

    Args:
        folder: The release.
        found: sha256 of all its files by path.

    Returns:
        The statement, which fits all files; None where there is none.

    Raises:
        Contradicted: The statement cannot be read, or does not fit the files.
    """
    if PROVENANCE not in found:
        return None
    statement = read(folder / PROVENANCE)
    wanted = statement.files
    theirs = {path: one for path, one in found.items() if path not in {PROVENANCE, SIGNATURE, *HUBS_OWN}}
    faults = [f"{path} is not among its files" for path in sorted(theirs.keys() - wanted.keys())]
    faults += [f"{path} is missing" for path in sorted(wanted.keys() - theirs.keys())]
    faults += [
        f"{path} has sha256 {theirs[path][:12]}, wanted {wanted[path][:12]}"
        for path in sorted(theirs.keys() & wanted.keys())
        if theirs[path] != wanted[path]
    ]
    if faults:
        raise Contradicted(
            f"{PROVENANCE} does not fit the files:\n  " + "\n  ".join(faults) + "\nDo not use them"
        )
    return statement
