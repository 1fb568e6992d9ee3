"""Pull requests of a model repository."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from huggingface_hub import DiscussionComment

from pipeline.errors import printable
from pipeline.hub import answers
from pipeline.hub.translate_errors import translated
from pipeline.hub.writing import Writing


@dataclass(frozen=True)
class PullRequest:
    """One pull request.

    Attributes:
        number: As in its address.
        title: What it says it does.
        text: What stands in its first comment.
        status: `draft`, `open`, `closed` or `merged`.
        commit: The head of its branch; None where that is gone.
        merged_as: The commit on main that it became.
    """

    number: int
    title: str
    text: str
    status: str
    commit: str | None
    merged_as: str | None

    @property
    def waits(self) -> bool:
        """Whether it can still be merged, as a draft too."""
        return self.status in {"open", "draft"}


class Hub(Writing):
    """The same Hub, with pull requests."""

    def open_pull_request(
        self,
        repo: str,
        files: Mapping[str, Path],
        *,
        delete: list[str],
        parent: str,
        title: str,
        text: str,
    ) -> None:
        """Make one commit in a new pull request: these files, without those, on top of exactly `parent`.

        What was made is found by looking: an answer can be lost though the pull request is there.

        Raises:
            HubMoved: Main's head is no longer `parent`; there is no pull request.
            HubUnreachable: Nobody knows whether the pull request was opened: look.
            HubError: The Hub refused; there is no pull request.
        """
        self._commit(
            repo,
            files,
            delete=delete,
            parent_commit=parent,
            commit_message=title,
            commit_description=text,
            create_pr=True,
        )

    def pull_requests(
        self, repo: str, title: re.Pattern[str], status: Literal["open", "closed"]
    ) -> list[PullRequest]:
        """List the open, or the closed and merged, pull requests with such a title, oldest first."""
        found = self._asked(
            f"list the pull requests of model {repo}",
            lambda: [
                one.num
                for one in self._api.get_repo_discussions(
                    repo, discussion_type="pull_request", discussion_status=status, repo_type="model"
                )
                if one.is_pull_request
                and (one.status in {"open", "draft"}) == (status == "open")
                and title.fullmatch(one.title)
            ],
        )
        return [self.pull_request(repo, number) for number in sorted(found)]

    def pull_request(self, repo: str, number: int) -> PullRequest:
        """Look at one pull request."""
        action = f"look at pull request {number} of model {repo}"
        found = self._asked(
            action,
            lambda: self._api.get_discussion_details(repo, number, repo_type="model"),
        )
        refs = self._asked(
            f"list the pull requests of model {repo}",
            lambda: self._api.list_repo_refs(repo, repo_type="model", include_pull_requests=True),
        )
        heads = {ref.ref: ref.target_commit for ref in refs.pull_requests or []}
        head, merged = heads.get(f"refs/pr/{number}"), found.merge_commit_oid
        comments = [event.content for event in found.events if isinstance(event, DiscussionComment)]
        return PullRequest(
            number=number,
            title=found.title,
            text=comments[0] if comments else "",
            status=found.status,
            commit=None if head is None else answers.commit(head, action),
            merged_as=None if merged is None else answers.commit(merged, action),
        )

    def merge(self, repo: str, number: int) -> PullRequest:
        """Merge a pull request, again and again while it is seen to be open and nothing answers.

        Returns:
            The pull request as it is then; it is merged.

        Raises:
            HubUnreachable: Nothing answered to the end, or the Hub says that nothing was merged.
            HubError: The Hub refused.
        """
        action = f"merge pull request {number} of model {repo}"

        def merge() -> None:
            with translated(self.endpoint, action):
                if self.pull_request(repo, number).status == "draft":
                    self._api.change_discussion_status(repo, number, "open", repo_type="model")
                self._api.merge_pull_request(repo, number, repo_type="model")

        def merged() -> PullRequest | None:
            found = self.pull_request(repo, number)
            return found if found.status == "merged" else None

        return self.retries.until(action, merge, merged)

    def close(self, repo: str, number: int, reason: str) -> None:
        """Close a pull request with a comment that says why; one that is closed stays as it is."""
        action = f"close pull request {number} of model {repo}"

        def close() -> None:
            with translated(self.endpoint, action):
                self._api.change_discussion_status(
                    repo, number, "closed", comment=printable(reason), repo_type="model"
                )

        self.retries.until(action, close, lambda: not self.pull_request(repo, number).waits or None)
