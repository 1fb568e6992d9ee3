"""How often the test rows were looked at: every candidate that was judged on them, refused ones too.

A *look* is the word of group-sequential trials for one analysis of data that will be analysed again
(Pocock 1977, https://doi.org/10.1093/biomet/64.2.191): each look spends a part of the error that is allowed.
"""

from pathlib import Path

from pydantic import ValidationError

from pipeline.errors import BrokenChain
from pipeline.records import Looks
from pipeline.workspace import paths
from pipeline.workspace.files import write_text


def load(workspace: Path) -> Looks:
    """Read the looks so far; none where there is no file yet.

    Raises:
        BrokenChain: The file is there and cannot be read, so nobody knows how often the rows were looked at.
    """
    path = workspace / paths.LOOKS
    try:
        return Looks.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Looks()
    except ValidationError as error:
        raise BrokenChain(
            f"{path} does not say which candidates were judged ({error.errors()[0]['msg']}); wanted a list "
            f"that only grows. Restore it with `git checkout {paths.LOOKS}`"
        ) from None


def look_of(looks: Looks, test_digest: str, candidate: str) -> int:
    """Return which look at these rows the candidate is, from 1 on; judged again, it keeps its own."""
    judged = looks.candidates.get(test_digest, ())
    return judged.index(candidate) + 1 if candidate in judged else len(judged) + 1


def add(looks: Looks, test_digest: str, candidate: str) -> Looks:
    """Return the looks with this one among them."""
    judged = looks.candidates.get(test_digest, ())
    if candidate in judged:
        return looks
    return Looks(candidates={**looks.candidates, test_digest: (*judged, candidate)})


def write(workspace: Path, looks: Looks) -> None:
    """Write the looks, whole or not at all."""
    write_text(workspace / paths.LOOKS, looks.dump())
