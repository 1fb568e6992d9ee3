"""Records as a run might have left them."""

from pathlib import Path
from typing import Any

from pipeline.records import Receipt
from tests.support.workspaces import PROJECT

METRICS = PROJECT / "tests" / "golden" / "records" / "metrics.json"  # those of a sample


def receipt(version: str, **changes: Any) -> Receipt:
    """Give a release's receipt.

    Args:
        version: Like v1; the commit is made of it.
        changes: What it says otherwise.
    """
    values: dict[str, Any] = {
        "kind": "release",
        "endpoint": "http://127.0.0.1",
        "repo": "tester/tuned",
        "commit": f"{int(version[1:]):040x}",
        "parent": None,
        "version": version,
        "candidate": "c" * 64,
        "recipe": "r",
        "dataset": {"repo": "tester/triplets", "revision": "d" * 40},
        "base": {"repo": "tester/tiny", "revision": "b" * 40},
        "live": None,
        "records": {},
        "files": {},
        "dvc_lock": "l" * 64,
        "code_commit": None,
        "released_by": "tester",
        "released_at": "2026-01-01T00:00:00+00:00",
    }
    return Receipt.model_validate(values | changes)


def put(folder: Path, *found: Receipt) -> None:
    """Write receipts into a workspace, as `release` keeps them."""
    (folder / "receipts").mkdir(exist_ok=True)
    for one in found:
        (folder / "receipts" / f"{one.commit}.json").write_text(one.model_dump_json(), encoding="utf-8")
