"""sha256 of files and folders, and files that are whole or not there."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def sha256(path: Path) -> str:
    """Digest one file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def md5(path: Path) -> str:
    """Digest one file as DVC does."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def git_oid(path: Path) -> str:
    """Digest one file as git does: sha1 over `blob SIZE NUL content`."""
    digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def files(folder: Path) -> dict[str, str]:
    """Map every file below a folder, by its path inside it, to its sha256; Python's caches aside."""
    found = sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder).as_posix(): sha256(path) for path in found}


def digest(path: Path) -> str:
    """Digest a file, or a folder by the names and digests of the files in it.

    Raises:
        FileNotFoundError: Nothing stands at `path`.
    """
    return of_value(files(path)) if path.is_dir() else sha256(path)


def of_value(value: Any) -> str:
    """Digest a JSON value, whatever the order of its keys."""
    return hashlib.sha256(_json(value)).hexdigest()


def of_list(values: Iterable[Any]) -> str:
    """Digest a JSON array as `of_value` does, one of its values after the other."""
    digest = hashlib.sha256(b"[")
    for place, value in enumerate(values):
        digest.update(b"," * (place > 0) + _json(value))
    digest.update(b"]")
    return digest.hexdigest()


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
