"""Where a release waits while it is verified, and how it then becomes main: a pull request, or a branch.

Both can be found again by a run that comes after one that was cut off at any point. What changes the Hub is
never repeated blindly: where an answer was lost, they look whether it was done.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.errors import HubMoved
from pipeline.hub import Hub, ListedFile
from pipeline.publishing.release_tree import TITLE, Intent

_OUR_BRANCH = re.compile(r"release-v\d+-[0-9a-f]{12}")


@dataclass(frozen=True)
class Landed:
    """A commit on main, and the pull request that it came from."""

    commit: str
    pull_request: int | None


class StagedPullRequest:
    """A release that waits in a pull request."""

    def __init__(self, hub: Hub, intent: Intent) -> None:
        self.hub = hub
        self.intent = intent
        self.number: int | None = None

    def __str__(self) -> str:
        return "the pull request" if self.number is None else f"pull request {self.number}"

    def prepare(self, parent: str, standing: Mapping[str, ListedFile]) -> str:
        """Find the pull request of an earlier try, or open one; give the commit in it."""
        return self.hub.retries.until(
            f"open the pull request {self.intent.title!r} of model {self.intent.repo}",
            lambda: self._propose(parent, standing),
            lambda: self._find(parent),
            repeatable=False,  # it would be a second pull request
        )

    def landed(self, head: str) -> Landed:
        """Find the pull request that became the head of main, where there is one."""
        merged = self.hub.pull_requests(self.intent.repo, re.compile(re.escape(self.intent.title)), "closed")
        numbers = [one.number for one in merged if one.merged_as == head]
        return Landed(head, numbers[0] if numbers else None)

    def _propose(self, parent: str, standing: Mapping[str, ListedFile]) -> None:
        self.hub.open_pull_request(
            self.intent.repo,
            self.intent.files,
            delete=self.intent.stale(standing),
            parent=parent,
            title=self.intent.title,
            text=f"{self.intent.text}\non top of: {parent}\n",
        )

    def _find(self, parent: str) -> str | None:
        """Look for our pull request; of several, and of those that do not fit, each is closed."""
        self.number, commit = None, None
        for one in self.hub.pull_requests(self.intent.repo, TITLE, "open"):
            fits = (
                commit is None
                and one.title == self.intent.title
                and one.commit is not None
                and self.intent.candidate in one.text
                and f"on top of: {parent}" in one.text
                and self.intent.is_tree(self.hub.files(self.intent.repo, "model", one.commit))
            )
            if fits:
                self.number, commit = one.number, one.commit
            elif one.commit is not None:  # else its branch is not listed yet, or no longer: `clear` closes it
                self.hub.close(self.intent.repo, one.number, "Left over from a release that was cut off.")
        return commit

    def land(self, commit: str, parent: str, standing: Mapping[str, ListedFile]) -> Landed:
        """Merge it, if it still holds the commit that was verified."""
        assert self.number is not None
        now = self.hub.pull_request(self.intent.repo, self.number).commit
        if now != commit:
            raise HubMoved(
                f"pull request {self.number} of {self.intent.repo} holds {str(now)[:12]}; wanted "
                f"{commit[:12]}, which was verified. Somebody pushed to it: look at who"
            )
        merged = self.hub.merge(self.intent.repo, self.number)
        return Landed(merged.merged_as or self.hub.info(self.intent.repo, "model").commit, self.number)

    def drop(self, reason: str) -> None:
        """Close it, with the reason."""
        for one in self.hub.pull_requests(self.intent.repo, TITLE, "open"):
            self.hub.close(self.intent.repo, one.number, reason)

    def clear(self) -> None:
        """Close what earlier tries left open."""
        self.drop("Released meanwhile.")


class StagedBranch:
    """A release that waits on a branch, for Hubs without pull requests."""

    def __init__(self, hub: Hub, intent: Intent) -> None:
        self.hub = hub
        self.intent = intent
        self.name = f"release-{intent.version}-{intent.candidate[:12]}"

    def __str__(self) -> str:
        return f"branch {self.name}"

    def _head(self, branch: str) -> str | None:
        return self.hub.branches_and_tags(self.intent.repo, "model")[0].get(branch)

    def _holds(self, commit: str | None) -> bool:
        return commit is not None and self.intent.is_tree(self.hub.files(self.intent.repo, "model", commit))

    def prepare(self, parent: str, standing: Mapping[str, ListedFile]) -> str:
        """Find the branch of an earlier try, or make one; give the commit on it."""
        head = self._head(self.name)
        if head is not None and head != parent and not self._holds(head):
            self.hub.delete_branch(self.intent.repo, self.name)
            head = None
        if head is None:
            self.hub.retries.until(
                f"make {self} of model {self.intent.repo}",
                lambda: self.hub.create_branch(self.intent.repo, self.name, parent),
                lambda: self._head(self.name),
            )
        elif head != parent:
            return head
        return self.commit(self.name, parent, standing)

    def landed(self, head: str) -> Landed:
        """Return what stands on main."""
        return Landed(head, None)

    def commit(self, branch: str, parent: str, standing: Mapping[str, ListedFile]) -> str:
        """Commit on top of `parent`; one that names its parent cannot land twice."""

        def commit() -> str:
            return self.hub.commit(
                self.intent.repo,
                self.intent.files,
                delete=self.intent.stale(standing),
                parent=parent,
                message=f"{self.intent.title}\n\n{self.intent.text}",
                branch=branch,
            )

        def landed() -> str | None:
            head = self._head(branch)
            return head if head != parent and self._holds(head) else None

        return self.hub.retries.until(f"commit to {branch} of model {self.intent.repo}", commit, landed)

    def land(self, commit: str, parent: str, standing: Mapping[str, ListedFile]) -> Landed:
        """Commit to main what was verified on the branch."""
        return Landed(self.commit("main", parent, standing), None)

    def drop(self, reason: str) -> None:
        """Remove it, and what earlier tries left; the reason stands in the message alone."""
        for branch in self.hub.branches_and_tags(self.intent.repo, "model")[0]:
            if _OUR_BRANCH.fullmatch(branch):
                self.hub.delete_branch(self.intent.repo, branch)

    def clear(self) -> None:
        """Remove the branch, and what earlier tries left."""
        self.drop("")
