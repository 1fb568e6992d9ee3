"""The tree that a release puts on main: which files, what is said of them, and whether the Hub has it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.embedding.vector_space import CONFIG
from pipeline.errors import ReleaseRefused
from pipeline.hub import ListedFile, digest_as_listed
from pipeline.workspace import paths

# How the release came about, see `pipeline.publishing.provenance`.
PROVENANCE = "provenance.json"
# Drawn anew each time that it is made: two of the same files are equal, and each is checked by its key.
SIGNATURE = "model.sig"
# What the Hub itself puts into a new repository.
HUBS_OWN = {".gitattributes"}
# The title of every tree that this line puts on main; of a pull request, it tells ours from other people's.
TITLE = re.compile(r"v\d+: .*candidate [0-9a-f]{12}")


@dataclass(frozen=True)
class Intent:
    """What main shall hold, and what is said about it.

    Attributes:
        repo: The model repository.
        version: The tag to set.
        candidate: sha256 of the model's folder.
        title: One line, the same in each try; it bears version and candidate.
        text: More lines, the same in each try.
        files: Local file by path; together they are the whole tree.
    """

    repo: str
    version: str
    candidate: str
    title: str
    text: str
    files: Mapping[str, Path]
    _digests: dict[tuple[str, str], str] = field(default_factory=dict, init=False, repr=False, compare=False)

    def digest(self, path: str, like: str) -> str:
        """Return a file's digest in the way of another one, made once: weights are gigabytes."""
        key = path, like.partition(":")[0]
        if key not in self._digests:
            self._digests[key] = digest_as_listed(self.files[path], like)
        return self._digests[key]

    def is_tree(self, listed: Mapping[str, ListedFile]) -> bool:
        """Return whether a tree on the Hub is the intended one."""
        theirs = {path: file for path, file in listed.items() if path not in HUBS_OWN}
        return theirs.keys() == self.files.keys() and all(
            path == SIGNATURE or self.digest(path, file.digest) == file.digest
            for path, file in theirs.items()
        )

    def stale(self, listed: Mapping[str, ListedFile]) -> list[str]:
        """Return the paths of a tree that the intended one does not have."""
        return [path for path in listed if path not in self.files and path not in HUBS_OWN]


def intend(
    repo: str,
    version: str,
    candidate: str,
    files: Mapping[str, Path],
    lines: Iterable[str],
    *,
    restores: str | None = None,
) -> Intent:
    """Return the intent of a release, or of a rollback to the version that it restores.

    Args:
        repo: The model repository.
        version: The tag to set.
        candidate: sha256 of the model's folder.
        files: Local file by path.
        lines: What is said of it beside the candidate, the same in each try.
        restores: The version whose files these are.
    """
    back = f"back to {restores}, " if restores is not None else ""
    return Intent(
        repo=repo,
        version=version,
        candidate=candidate,
        title=f"{version}: {back}candidate {candidate[:12]}",
        text="\n".join([f"candidate: {candidate}", *lines]),
        files=files,
    )


def contents(workspace: Path) -> dict[str, Path]:
    """Map each path of the commit to be made to the local file: the model's, then the card's.

    Of the model's configuration it is the card's that goes out: it names the vector space besides.

    Raises:
        ReleaseRefused: A file stands in both folders, or where `release` itself writes one.
    """
    files: dict[str, Path] = {}
    for folder in (workspace / paths.MODEL, workspace / paths.CARD):
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            name = path.relative_to(folder).as_posix()
            if name in files and name != CONFIG:
                raise ReleaseRefused(
                    f"{name} stands in model/ and in card/; wanted it in one of them. Run `dvc repro`"
                )
            files[name] = path
    taken = sorted({PROVENANCE, SIGNATURE} & set(files))
    if taken:
        raise ReleaseRefused(f"{' and '.join(taken)} stands in model/ or card/; `release` itself writes it")
    return files


def assemble(folder: Path, files: Mapping[str, Path]) -> Path:
    """Lay the files of a release out in a folder as they will be on the Hub, by links."""
    for name, path in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to(path.resolve())
    return folder
