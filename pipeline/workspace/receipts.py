"""The receipts of a workspace: what was released before, and from which recipe."""

import re
from pathlib import Path

from pydantic import ValidationError

from pipeline.errors import BrokenChain, InvalidWorkspace
from pipeline.params import Params
from pipeline.records import Receipt, RepoRef
from pipeline.workspace import digests, git, paths
from pipeline.workspace.files import write_text


def load_all(workspace: Path) -> list[Receipt]:
    """Read every receipt, oldest version first.

    Raises:
        BrokenChain: A file in `receipts/` is no receipt.
    """
    receipts = []
    for path in sorted((workspace / paths.RECEIPTS).glob("*.json")):
        try:
            receipts.append(Receipt.model_validate_json(path.read_bytes()))
        except ValidationError as error:
            raise BrokenChain(
                f"{path} is no receipt ({error.errors()[0]['loc']} {error.errors()[0]['msg']}). "
                "Restore it with `git checkout receipts`"
            ) from None
    return sorted(receipts, key=lambda receipt: version_number(receipt.version))


def for_repo(workspace: Path, repo: str) -> list[Receipt]:
    """Read the receipts for one repository, oldest version first."""
    return [receipt for receipt in load_all(workspace) if receipt.repo == repo]


def save(workspace: Path, receipt: Receipt) -> None:
    """Write a receipt and keep it in git.

    Raises:
        InvalidWorkspace: It could not be written, or git refused; the release stands on the Hub.
    """
    try:
        write_text(workspace / paths.receipt(receipt.commit), receipt.model_dump_json(indent=2) + "\n")
    except OSError as error:
        raise InvalidWorkspace(
            f"{receipt.version} stands on the Hub at {receipt.commit}, and its receipt could not be written: "
            f"{error.strerror or error}. Make room, then run it again: it goes on from there"
        ) from None
    commit(workspace, receipt)


def commit(workspace: Path, receipt: Receipt) -> None:
    """Commit a receipt to git, where that was not done before; what a kill left beside it is removed."""
    path = paths.receipt(receipt.commit)
    for left in (workspace / paths.RECEIPTS).glob(f".{Path(path).name}.*"):
        left.unlink()
    if not git.holds(workspace, path):
        what = f"Roll back to {receipt.restores} as" if receipt.kind == "rollback" else "Release"
        git.commit(workspace, f"{what} {receipt.version} of {receipt.repo}\n\nHub commit {receipt.commit}")


def latest_release(workspace: Path, repo: str) -> Receipt | None:
    """Return the newest receipt of a release; a rollback does not count: nothing was made for it."""
    found = [receipt for receipt in for_repo(workspace, repo) if receipt.kind == "release"]
    return found[-1] if found else None


def withdrawal(workspace: Path, repo: str, candidate: str) -> Receipt | None:
    """Return the rollback that took a candidate back; None where it was never out, or is out again."""
    taken_back = None
    out: set[int] = set()
    for receipt in for_repo(workspace, repo):
        version = version_number(receipt.version)
        if receipt.candidate == candidate:
            out.add(version)
            taken_back = None
        elif receipt.restores is not None and any(version_number(receipt.restores) < one for one in out):
            taken_back = receipt
    return taken_back


def latest(workspace: Path, repo: str) -> Receipt | None:
    """Return the newest receipt for a repository, or None before the first release."""
    found = for_repo(workspace, repo)
    return found[-1] if found else None


def next_version(workspace: Path, repo: str) -> str:
    """Return the version that the next release of a repository will bear."""
    newest = latest(workspace, repo)
    return f"v{version_number(newest.version) + 1 if newest else 1}"


def version_number(version: str) -> int:
    """Return the number of a version: the 2 of `v2`."""
    match = re.fullmatch(r"v(\d+)", version)
    if match is None:
        raise BrokenChain(f"{version!r} is no version; wanted one like v1")
    return int(match[1])


def recipe(params: Params, recipe_version: int | None = None) -> str:
    """Digest all of params.yaml that a candidate depends on, except what `refresh` moves.

    Args:
        params: All of it.
        recipe_version: Taken instead of `train.recipe_version`.
    """
    content = params.model_dump(mode="json", exclude={"live", "anchor", "hardware", "hub", "release"})
    content["dataset"].pop("revision")
    if recipe_version is not None:
        content["train"]["recipe_version"] = recipe_version
    return digests.of_value(content)


def code_alone(params: Params, newest: Receipt) -> bool:
    """Return whether nothing but code moved since a release: its data, base and parameters are those of now.

    `train.recipe_version` stands for the code, so that raising it is a change of code.
    """
    data = RepoRef(repo=params.dataset.repo, revision=params.dataset.revision)
    return newest.dataset == data and newest.recipe == recipe(params, newest.recipe_version)
