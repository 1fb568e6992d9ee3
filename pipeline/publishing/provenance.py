"""`provenance.json`: how a release came about, as an in-toto statement over its files.

https://in-toto.io/Statement/v1 with the predicate https://slsa.dev/provenance/v1. The same candidate gives
the same bytes, whenever it is released: so that a release that was cut off can be told from another one.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import BrokenChain, Contradicted
from pipeline.publishing.release_tree import HUBS_OWN, PROVENANCE, SIGNATURE
from pipeline.records import Approval, Card, Pin, PinnedRepo, Verdict
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
                },
                "resolvedDependencies": _dependencies(pin, card),
            },
            "runDetails": {"builder": {"id": "urn:katman"}, "metadata": {"invocationId": verdict.candidate}},
        },
    }
    write_text(target, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    return target


def _dependencies(pin: Pin, card: Card) -> list[dict[str, Any]]:
    named: dict[str, tuple[str, PinnedRepo | None]] = {
        "dataset": ("datasets/", pin.dataset),
        "base": ("", pin.base),
        "live": ("", pin.live),
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


def verify(folder: Path, found: Mapping[str, str]) -> dict[str, Any]:
    """Compare a downloaded release with its statement.

    Args:
        folder: The release.
        found: sha256 of all its files by path.

    Returns:
        The statement's predicate.

    Raises:
        BrokenChain: There is no statement.
        Contradicted: The file is no statement, or does not fit the files.
    """
    if PROVENANCE not in found:
        raise BrokenChain(f"there is no {PROVENANCE}; wanted what says how these files came about")
    try:
        content = json.loads((folder / PROVENANCE).read_bytes())
        kinds = (content["_type"], content["predicateType"])
        wanted = {str(one["name"]): str(one["digest"]["sha256"]) for one in content["subject"]}
        predicate: dict[str, Any] = content["predicate"]
        predicate["buildDefinition"]["internalParameters"]["candidate"]
    except (ValueError, KeyError, TypeError):
        raise Contradicted(f"{PROVENANCE} is no statement of a release; do not trust these files") from None
    if kinds != (STATEMENT, PREDICATE):
        raise Contradicted(
            f"{PROVENANCE} is a {kinds[0]} with {kinds[1]}; wanted {STATEMENT} with {PREDICATE}"
        )
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
    return predicate
