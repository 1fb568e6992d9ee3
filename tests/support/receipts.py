"""Receipts of releases that never were."""

from pathlib import Path

from pipeline.records import Receipt, RepoRef

DATASET = RepoRef(repo="tester/data", revision="0" * 40)
BASE = RepoRef(repo="tester/tiny", revision="0" * 40)


def receipt(version: str, repo: str = "tester/tuned", commit: str | None = None) -> Receipt:
    """Return the receipt of a first release as `version`."""
    return Receipt(
        kind="release",
        endpoint="http://127.0.0.1",
        repo=repo,
        commit=commit or version * 10,
        parent=None,
        version=version,
        candidate="c",
        recipe="r",
        dataset=DATASET,
        base=BASE,
        live=None,
        anchor=None,
        space=None,
        records={},
        files={},
        dvc_lock="l",
        code_commit=None,
        released_by="tester",
        released_at="2026-01-01T00:00:00+00:00",
    )


def put(folder: Path, *found: Receipt) -> None:
    """Write receipts into a workspace, as `release` keeps them."""
    (folder / "receipts").mkdir(exist_ok=True)
    for one in found:
        (folder / "receipts" / f"{one.commit}.json").write_text(one.model_dump_json(), encoding="utf-8")
