"""The one answer of a process that `child.ask` started: what stops the libraries in it is an answer too."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline.errors import DISK_FULL, PipelineError, first_line
from pipeline.isolated import confinement

_LONGEST = 2000


def answer(
    do: Callable[[dict[str, Any]], dict[str, Any]],
    blamed: Callable[[Exception], BaseException] = lambda error: error,
) -> int:
    """Confine this process, do what its input asks for, and leave the answer in its folder.

    Args:
        do: Takes the request and returns the answer, each what JSON can hold.
        blamed: Returns, of an error, the one that says what is wrong.

    Returns:
        The exit code 0. The answer is that of `do`; or `refused`, with the message and the `kind` of this
        project's error; or `failed`, with what any other error says, and whether the disk was `full`.
    """
    confinement.enter(int(sys.argv[1]))
    said: dict[str, Any]
    try:
        said = do(json.load(sys.stdin))
    except PipelineError as error:
        said = {"refused": str(error), "kind": type(error).__name__}
    except MemoryError:
        said = {"failed": "it takes more memory than it may (pin.limits.memory_bytes)"}
    except Exception as error:  # files made by strangers can make a library raise anything
        said = failed(blamed(error)) | {"full": full(error)}
    Path(confinement.ANSWER).write_text(json.dumps(said), encoding="utf-8")
    return 0


def failed(error: BaseException) -> dict[str, str]:
    """Return the answer that an error of a library is.

    Example:
        >>> failed(KeyError("x"))
        {'failed': "KeyError: 'x'"}
    """
    return {"failed": f"{type(error).__name__}: {first_line(error)[:_LONGEST]}"}


def full(error: BaseException | None) -> bool:
    """Return whether an error, or one that led to it, is that of a disk without room."""
    seen = []
    while error is not None and error not in seen:
        if isinstance(error, OSError) and error.errno in DISK_FULL:
            return True
        seen.append(error)
        error = error.__cause__ or error.__context__
    return False
