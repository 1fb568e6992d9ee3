"""What tests of releases share: a judged workspace is released to `REPO`, and the Hub looked at."""

from pathlib import Path

import pytest
from huggingface_hub import HfApi

from pipeline.commands import release
from pipeline.errors import PipelineError
from pipeline.params import load
from pipeline.records import Receipt
from pipeline.workspace import receipts
from tests.support import sealed
from tests.support.workspaces import set_params

REPO = "tester/release"
NAMES = {"live.repo": REPO, "release.repo": REPO}


def run(folder: Path) -> tuple[Receipt, bool]:
    return release.run(folder, load(folder))


def refusal(folder: Path, kind: type[PipelineError]) -> str:
    with pytest.raises(kind) as caught:
        run(folder)
    return str(caught.value)


def second(folder: Path, changes: dict[str, object] | None = None, **said: object) -> str:
    """Make another candidate on other data, compared with the newest release and judged as `said`."""
    newest = receipts.latest(folder, REPO)
    live = {} if newest is None else {"live.revision": newest.commit}
    set_params(folder, {"dataset.revision": "d" * 40} | live | (changes or {}))
    (folder / "model" / "more.json").write_text("{}")
    return sealed.seal(folder, **said)


def commits(api: HfApi) -> list[str]:
    """List main's own commits, newest first, without what was merged; none where there is no repository."""
    if not api.repo_exists(REPO):
        return []
    refs = api.list_repo_refs(REPO, include_pull_requests=True)
    merged = {one.target_commit for one in refs.pull_requests or []}
    return [one.commit_id for one in api.list_repo_commits(REPO) if one.commit_id not in merged]


def waiting(api: HfApi) -> list[int]:
    """List the open pull requests."""
    found = api.get_repo_discussions(REPO, discussion_type="pull_request", discussion_status="open")
    return [one.num for one in found]


def tags(api: HfApi) -> dict[str, str]:
    return {tag.name: tag.target_commit for tag in api.list_repo_refs(REPO).tags}


def branches(api: HfApi) -> set[str]:
    return {branch.name for branch in api.list_repo_refs(REPO).branches}


def tree(api: HfApi, revision: str = "main") -> dict[str, str]:
    """Map the files of a commit, the Hub's own aside, to what the Hub lists of their content."""
    found = api.list_repo_tree(REPO, revision=revision, recursive=True)
    return {
        one.path: one.blob_id for one in found if hasattr(one, "blob_id") and one.path != ".gitattributes"
    }


def clean(api: HfApi) -> bool:
    """Say whether nothing is left of what a release stages."""
    return waiting(api) == [] and branches(api) == {"main"}
