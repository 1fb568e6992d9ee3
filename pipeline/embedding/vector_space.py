"""What a change of release means for vectors that a user has stored."""

import json
from pathlib import Path

from pipeline.records import Receipt

# The configuration of a sentence-transformers model, and the key in it that names the vector space.
CONFIG = "config_sentence_transformers.json"
SPACE_KEY = "katman_space"


def change(before: Receipt | None, after: Receipt) -> str:
    """Name the change: `first`, `minor` (the same vector space), `major` (a new one) or `unknown`."""
    if before is None:
        return "first"
    if before.space is None or after.space is None:
        return "unknown"
    return "minor" if before.space == after.space else "major"


def explain(before: Receipt, after: Receipt) -> str:
    """Return what it means for stored vectors to go from one release to the other."""
    match change(before, after):
        case "minor":
            return (
                f"minor: the same vector space as {before.version} ({after.space}); stored vectors can stay"
            )
        case "major":
            return (
                f"major: another vector space ({after.space}) than that of {before.version} "
                f"({before.space}). A change on the Hub does not take an index along: every vector that was "
                "stored in the other space must be made anew"
            )
        case _:
            return "nobody knows whether the vector space is the same: a receipt does not name it"


def live_space(folder: Path, revision: str) -> str:
    """Return the name of a model's vector space: what its config says, else its commit."""
    path = folder / CONFIG
    try:
        named = json.loads(path.read_text(encoding="utf-8")).get(SPACE_KEY)
    except (FileNotFoundError, ValueError, AttributeError):
        named = None
    return named if isinstance(named, str) and named else revision
