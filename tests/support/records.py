"""Records as a run might have left them."""

from pathlib import Path
from typing import Any

from pipeline.records import Adoption, Receipt, RepoRef
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


def adopted(commit: str, trained_on: RepoRef | None = None, repo: str = "tester/handmade") -> Adoption:
    """Give the receipt of a model that was adopted."""
    return Adoption(
        kind="adopted",
        endpoint="http://127.0.0.1",
        repo=repo,
        commit=commit,
        version="adopted-1",
        trained_on=trained_on,
        files={},
        adopted_at="2026-02-01T00:00:00+00:00",
    )
