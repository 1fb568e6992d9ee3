"""A data set's file patterns, resolved over the list of its commit's files and nothing else."""

import posixpath
import re
from collections.abc import Collection
from glob import has_magic

from datasets.data_files import (
    FILES_TO_IGNORE,
    _get_data_files_patterns,
    _is_inside_unrequested_special_dir,
    _is_unrequested_hidden_file_or_is_inside_unrequested_hidden_dir,
)
from fsspec.utils import glob_translate


def inside(path: str, folder: str = "") -> str | None:
    """Return a path or pattern as one below the repository's root, or None where it leaves the repository.

    Args:
        path: As the README has it.
        folder: The folder of the repository that it counts from.
    """
    if path.startswith("/") or "://" in path:
        return None
    plain = posixpath.normpath(posixpath.join(folder, path))
    return None if plain == ".." or plain.startswith("../") else plain


def matching(pattern: str, listed: Collection[str]) -> list[str]:
    """List the files that a pattern matches, by the rules of `datasets` and in its order.

    Hidden files and those of the repository's own housekeeping match only by name. What looks like a pattern
    and matches nothing can be a file's own name: `t[1].csv`.

    Args:
        pattern: As `inside` gives it.
        listed: Paths of the repository.

    Raises:
        ValueError: `pattern` is none that can be matched, like `a**`.
    """
    found = [pattern] if pattern in listed else []
    if has_magic(pattern):
        matches = re.compile(glob_translate(pattern)).match
        found = sorted(path for path in listed if matches(path)) or found
    housekeeping = set(FILES_TO_IGNORE) - {posixpath.basename(pattern)}
    return [
        path
        for path in found
        if posixpath.basename(path) not in housekeeping
        and not _is_inside_unrequested_special_dir(path, pattern)
        and not _is_unrequested_hidden_file_or_is_inside_unrequested_hidden_dir(path, pattern)
    ]


def inferred(listed: Collection[str]) -> dict[str, list[str]]:
    """Return the patterns by split that `datasets` reads off the names of files and folders.

    Args:
        listed: Paths of the repository.

    Raises:
        FileNotFoundError: There is no file that could be data.
        ValueError: A file's name holds what cannot be a split's.
    """

    def look(pattern: str) -> list[str]:
        found = matching(pattern, listed)
        if not found:
            raise FileNotFoundError(pattern)
        return found

    return {str(split): list(patterns) for split, patterns in _get_data_files_patterns(look).items()}
