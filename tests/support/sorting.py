"""What a test needs, and which tests are started first: read off the tests, listed nowhere.

Fixtures say it where a test asks for them, and names in its module where it builds that itself.
"""

from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent.parent
# Fixtures behind which a server or another process of its own stands, and the folders that are about servers.
SERVER_FIXTURES = frozenset({"hub", "prefect", "stage", "template", "toy"})
SERVER_FOLDERS = frozenset({"faults", "flows", "hostile"})
SERVER_NAMES = frozenset({"serve", "ThreadingHTTPServer"})
# What starts a process that ends again: a step, DVC, a reader of rows. Each takes a second or more.
PROCESS_NAMES = frozenset({"subprocess", "row_process", "trial_process", "child", "mteb_process"})
PROCESS_MODULES = frozenset({"tests.support.splits"})
MODEL_NAMES = frozenset({"SentenceTransformer", "tiny", "torch"})
# What is made once in each worker and is dear: the tests that ask for it stand beside each other, the slowest
# first, so that no worker starts the longest when the others are done.
SHARED = ("prefect", "judged", "template", "finished", "mteb")


def needs(item: pytest.Function) -> set[str]:
    """Return the marks of what a test cannot run without: `server`, `model` and `process`, or none."""
    asked = set(item.fixturenames)
    names = vars(item.module).keys()
    room = item.path.relative_to(FOLDER).parts[0]
    found = set()
    if asked & SERVER_FIXTURES or names & SERVER_NAMES or room in SERVER_FOLDERS:
        found.add("server")
    if names & MODEL_NAMES:
        found.add("model")
    made = {getattr(value, "__module__", None) for value in vars(item.module).values() if callable(value)}
    if names & PROCESS_NAMES or made & PROCESS_MODULES:
        found.add("process")
    return found


def rank(item: pytest.Function) -> int:
    """Return the place of a test's kind in the order in which tests are started."""
    asked = [place for place, name in enumerate(SHARED) if name in item.fixturenames]
    return min(asked, default=len(SHARED))
