"""The tree that a release puts on main."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.embedding.vector_space import CONFIG
from pipeline.errors import ReleaseRefused
from pipeline.hub import Listed, digest_as_listed
from pipeline.workspace import paths

NAME = "provenance.json"


def contents(workspace: Path) -> dict[str, Path]:
    """Map each path of the commit to be made to the local file: the model's, then the card's.

    Of the model's configuration it is the card's that goes out: it names the vector space besides.
    """
    files = {}
    for folder in (workspace / paths.MODEL, workspace / paths.CARD):
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            name = path.relative_to(folder).as_posix()
            if name in files and name != CONFIG:
                raise ReleaseRefused(
                    f"{name} stands in model/ and in card/; wanted one of it. Run `dvc repro`"
                )
            files[name] = path
    taken = sorted({NAME, SIGNATURE} & set(files))
    if taken:
        raise ReleaseRefused(f"{' and '.join(taken)} stands in model/ or card/; `release` itself writes it")
    return files


def assemble(folder: Path, files: dict[str, Path]) -> Path:
    """Lay the files of a release out in a folder as it will be on the Hub, by links."""
    for name, path in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to(path.resolve())
    return folder


# What the Hub itself puts into a new repository.
HUBS_OWN = {".gitattributes"}
# Drawn anew each time that it is made: two of the same files are equal, and each is checked by its key.
SIGNATURE = "model.sig"


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
        """Digest a file in the way of another digest, once: weights are gigabytes, and are compared often."""
        key = path, like.partition(":")[0]
        if key not in self._digests:
            self._digests[key] = digest_as_listed(self.files[path], like)
        return self._digests[key]

    def is_tree(self, listed: Mapping[str, Listed]) -> bool:
        """Say whether a tree on the Hub is the intended one."""
        theirs = {path: file for path, file in listed.items() if path not in HUBS_OWN}
        return theirs.keys() == self.files.keys() and all(
            path == SIGNATURE or self.digest(path, file.digest) == file.digest
            for path, file in theirs.items()
        )

    def stale(self, listed: Mapping[str, Listed]) -> list[str]:
        """List what a tree holds that the intended one does not."""
        return [path for path in listed if path not in self.files and path not in HUBS_OWN]
