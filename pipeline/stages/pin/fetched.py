"""What a pinned commit held when it was fetched first: trust on first use, and never another content after.

A commit of the Hub is 40 digits that nobody here can check against its files. The workspace's log keeps the
digest of each file; where it keeps none yet, the records of `pin` in git's history tell.
"""

from pathlib import Path

from pydantic import ValidationError

from pipeline.records import Pin
from pipeline.records.log import Fetched
from pipeline.records.pin import PinnedRepo, RepoKind
from pipeline.workspace import git, log, paths

Contents = dict[tuple[RepoKind, str, str], dict[str, str]]


def known(workspace: Path) -> Contents:
    """Return the digests of files by kind, repository and commit; of two on one file the first one counts.

    Raises:
        BrokenChain: The log is damaged.
        InvalidWorkspace: The workspace stands in no git repository.
    """
    found = _logged(workspace)
    if found:
        return found
    for content in git.states(workspace, paths.RECORDS["pin"]):
        try:
            _take(found, Pin.model_validate_json(content))
        except ValidationError:  # of a version that is older than any that is read
            continue
    return found


def keep(workspace: Path, pin: Pin) -> None:
    """Add to the log what it does not know yet of a record's files, and of those of the records before.

    Raises:
        InvalidWorkspace: git refused.
    """
    logged, found = _logged(workspace), known(workspace)
    _take(found, pin)
    for (kind, repo, commit), files in found.items():
        there = logged.get((kind, repo, commit), {})
        new = {path: digest for path, digest in files.items() if path not in there}
        if new:
            log.append(workspace, Fetched(repo_kind=kind, repo=repo, commit=commit, files=new))


def _logged(workspace: Path) -> Contents:
    found: Contents = {}
    for entry in log.entries(workspace).values():
        if isinstance(entry.what, Fetched):
            one = entry.what
            _add(found, (one.repo_kind, one.repo, one.commit), one.files)
    return found


def _take(found: Contents, pin: Pin) -> None:
    models = (pin.base, pin.live, pin.anchor)
    sets = (pin.dataset, pin.live_trained_on, pin.retrieval, *pin.probes.values(), *pin.qrels.values())
    repos: list[tuple[RepoKind, PinnedRepo | None]] = [
        *(("model", one) for one in models),
        *(("dataset", one) for one in sets),
    ]
    for kind, one in repos:
        if one is not None:
            digests = {path: file.digest for path, file in one.files.items()}
            _add(found, (kind, one.repo, one.revision), digests)


def _add(found: Contents, key: tuple[RepoKind, str, str], files: dict[str, str]) -> None:
    """Take in what is not known yet."""
    found[key] = files | found.get(key, {})
