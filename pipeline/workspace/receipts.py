"""The receipts of a workspace: what was released before, and from which recipe."""

import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from pipeline.errors import BrokenChain, InvalidWorkspace
from pipeline.params import Params
from pipeline.params.key_changes import CHANGES, Added
from pipeline.records import Adoption, Receipt, RepoRef
from pipeline.workspace import digests, git, paths
from pipeline.workspace.files import write_text

_ANY: TypeAdapter[Receipt | Adoption] = TypeAdapter(
    Annotated[Receipt | Adoption, Field(discriminator="kind")]
)


def read_all(workspace: Path) -> list[Receipt | Adoption]:
    """Read every receipt: what was adopted, as it came, then what was released, oldest version first.

    Raises:
        BrokenChain: A file in `receipts/` is no receipt.
    """
    adopted: list[Adoption] = []
    released: list[Receipt] = []
    for path in sorted((workspace / paths.RECEIPTS).glob("*.json")):
        try:
            one = _ANY.validate_json(path.read_bytes())
        except ValidationError as error:
            raise BrokenChain(
                f"{path} is no receipt ({error.errors()[0]['loc']} {error.errors()[0]['msg']}). "
                "Restore it with `git checkout receipts`"
            ) from None
        if isinstance(one, Adoption):
            adopted.append(one)
        else:
            released.append(one)
    return [
        *sorted(adopted, key=lambda one: version_number(one.version)),
        *sorted(released, key=lambda one: version_number(one.version)),
    ]


def load_all(workspace: Path) -> list[Receipt]:
    """Read every receipt of a release or rollback, oldest version first.

    Raises:
        BrokenChain: A file in `receipts/` is no receipt.
    """
    return [one for one in read_all(workspace) if isinstance(one, Receipt)]


def adoptions(workspace: Path) -> list[Adoption]:
    """Read every receipt of a model that was adopted, as they came."""
    return [one for one in read_all(workspace) if isinstance(one, Adoption)]


def for_repo(workspace: Path, repo: str) -> list[Receipt]:
    """Read the receipts for one repository, oldest version first."""
    return [receipt for receipt in load_all(workspace) if receipt.repo == repo]


def save(workspace: Path, receipt: Receipt) -> None:
    """Write a receipt and keep it in git.

    Raises:
        InvalidWorkspace: The receipt could not be written, or git refused; the release stands on the Hub.
    """
    try:
        write_text(workspace / paths.receipt(receipt.commit), receipt.model_dump_json(indent=2) + "\n")
    except OSError as error:
        raise InvalidWorkspace(
            f"{receipt.version} stands on the Hub at {receipt.commit}, and its receipt could not be written: "
            f"{error.strerror or error}. Make room, then run it again: it goes on from there"
        ) from None
    commit(workspace, receipt)


def save_adoption(workspace: Path, adoption: Adoption) -> None:
    """Write the receipt of a model that was adopted, and keep it in git.

    Raises:
        InvalidWorkspace: git refused.
    """
    path = workspace / paths.receipt(adoption.version)  # its commit can be a release's, of another repository
    write_text(path, adoption.model_dump_json(indent=2) + "\n")
    git.commit(workspace, f"Adopt {adoption.version}\n\n{adoption.repo} at Hub commit {adoption.commit}")


def commit(workspace: Path, receipt: Receipt) -> None:
    """Commit a receipt to git, where that was not done before; what a kill left beside it is removed.

    Raises:
        InvalidWorkspace: git refused, or a hook of its user; the release stands on the Hub.
    """
    path = paths.receipt(receipt.commit)
    for left in (workspace / paths.RECEIPTS).glob(f".{Path(path).name}.*"):
        left.unlink()
    if not git.holds(workspace, path):
        what = f"Roll back to {receipt.restores} as" if receipt.kind == "rollback" else "Release"
        try:
            git.commit(
                workspace, f"{what} {receipt.version} of {receipt.repo}\n\nHub commit {receipt.commit}"
            )
        except InvalidWorkspace as error:
            raise InvalidWorkspace(
                f"{receipt.version} of {receipt.repo} stands on the Hub at {receipt.commit}, and its receipt "
                f"{path} could not be committed: {error}. Correct that, and run it again: it goes on"
            ) from None


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


def next_adoption(workspace: Path) -> str:
    """Return the version that the next adopted model will bear: no release of this line has such a one."""
    known = [version_number(one.version) for one in adoptions(workspace)]
    return f"adopted-{max(known, default=0) + 1}"


def version_number(version: str) -> int:
    """Return the number of a version: the 2 of `v2` and of `adopted-2`."""
    match = re.fullmatch(r"(?:v|adopted-)(\d+)", version)
    if match is None:
        raise BrokenChain(f"{version!r} is no version; wanted one like v1")
    return int(match[1])


def recipe(params: Params, recipe_version: int | None = None) -> str:
    """Digest all of params.yaml that a candidate depends on, except what `refresh` moves.

    A key that a version added counts only with another value than the one that means "as before": else an
    upgraded workspace would seem changed.

    Args:
        params: All of it.
        recipe_version: Taken instead of `train.recipe_version`.
    """
    content = params.model_dump(
        mode="json",
        exclude={"live", "anchor", "hardware", "hub", "approve", "refresh", "release", "tracking"},
    )
    content["dataset"].pop("revision")
    if recipe_version is not None:
        content["train"]["recipe_version"] = recipe_version
    return _digest(content)


def _digest(content: dict[str, Any]) -> str:
    """Digest parameters without keys that later versions added, as long as they say what was so before."""
    for change in CHANGES:
        if isinstance(change, Added):
            *sections, key = change.key.split(".")
            holder: Any = content
            for section in sections:
                holder = holder.get(section, {})
            if key in holder and holder[key] == change.as_before:
                del holder[key]
    return digests.of_value(content)


def ingredients(params: Params) -> str:
    """Digest what the weights depend on: the recipe without what only measures, judges or describes them.

    As in `recipe`, without the data set's commit.
    """
    content = params.model_dump(mode="json", include={"dataset", "base", "model", "pin", "audit", "train"})
    parts = {
        "dataset": ("repo", "subset", "splits", "columns", "languages"),
        "base": ("repo", "revision"),
        "model": ("dims", "max_seq_length", "prompts"),
        "pin": ("cut",),
    }
    for section, keys in parts.items():
        content[section] = {key: content[section][key] for key in keys}
    return _digest(content)


def code_alone(params: Params, newest: Receipt) -> bool:
    """Return whether nothing but code moved since a release: its data, base and parameters are those of now.

    `train.recipe_version` stands for the code, so that raising it is a change of code.
    """
    data = RepoRef(repo=params.dataset.repo, revision=params.dataset.revision)
    return newest.dataset == data and newest.recipe == recipe(params, newest.recipe_version)
