"""What changes something on a Hub: asked for once, and never blindly again (see `Retries.until`)."""

import warnings
from collections.abc import Mapping
from json import JSONDecodeError
from pathlib import Path
from typing import Any

from huggingface_hub import CommitOperationAdd, CommitOperationDelete
from huggingface_hub.errors import HFValidationError

from pipeline.errors import HubDenied, HubError, HubUnreachable, printable
from pipeline.hub import answers, transfers
from pipeline.hub.accounts import Account
from pipeline.hub.reading import Reading
from pipeline.hub.translate_errors import translated


class Writing(Reading):
    """The same Hub, for a token that may write."""

    def writer(self, repo: str) -> Account:
        """Ask whose token this is, and whether it may write a model repository.

        Raises:
            HubDenied: There is no token, the Hub does not know it, or it may not write there.
        """
        account = self.account()
        refusal = account.refusal(repo)
        if refusal is not None:
            raise HubDenied(f"{refusal}. Set HF_TOKEN to such a one")
        return account

    def create_repo(self, repo: str, *, private: bool) -> None:
        """Create a model repository; one that is there stays as it is, public or private."""
        action = f"create model {repo}"

        def create() -> bool:
            with translated(self.endpoint, action):
                self._api.create_repo(repo, repo_type="model", private=private)
            return True

        self.retries.until(action, create, lambda: self.exists(repo, "model") or None)

    def commit(
        self,
        repo: str,
        files: Mapping[str, Path],
        *,
        delete: list[str],
        parent: str,
        message: str,
        branch: str = "main",
    ) -> str:
        """Make one commit: these files, without those, on top of exactly `parent`.

        Returns:
            The new commit.

        Raises:
            HubMoved: The head is no longer `parent`; the branch is as it was.
            HubUnreachable: Nobody knows whether the commit was made: look.
            HubError: The Hub refused; the branch is as it was.
        """
        made = self._commit(
            repo, files, delete=delete, parent_commit=parent, commit_message=message, revision=branch
        )
        try:
            return answers.commit(made.oid, f"commit to model {repo}")
        except HubError as error:
            raise HubUnreachable(str(error), lasting=True) from None

    def _commit(self, repo: str, files: Mapping[str, Path], *, delete: list[str], **options: Any) -> Any:
        operations: list[CommitOperationAdd | CommitOperationDelete] = [
            CommitOperationAdd(path, str(local)) for path, local in sorted(files.items())
        ]
        operations += [CommitOperationDelete(path) for path in sorted(delete)]
        for said in {"commit_message", "commit_description"} & set(options):
            options[said] = printable(options[said])
        size = sum(local.stat().st_size for local in files.values())
        with (
            translated(self.endpoint, f"commit to model {repo}"),
            transfers.uploading(f"model {repo}", size),
            warnings.catch_warnings(),
        ):
            # A model does carry a table: which rows it was trained on.
            warnings.filterwarnings("ignore", message="It seems that you are about to commit a data file")
            try:
                return self._api.create_commit(repo, operations, repo_type="model", **options)
            except (HFValidationError, JSONDecodeError, UnicodeError):
                raise
            except ValueError as error:  # the client's own, where the Hub finds fault with the card
                raise HubError(
                    f"could not commit to model {repo}: {error}\nCorrect the keys of `model` in params.yaml"
                ) from None

    def create_branch(self, repo: str, branch: str, commit: str) -> None:
        """Make a branch that begins at a commit."""
        with translated(self.endpoint, f"make branch {branch} of model {repo}"):
            self._api.create_branch(repo, branch=branch, revision=commit, repo_type="model")

    def delete_branch(self, repo: str, branch: str) -> None:
        """Remove a branch."""
        with translated(self.endpoint, f"remove branch {branch} of model {repo}"):
            self._api.delete_branch(repo, branch=branch, repo_type="model")

    def tag(self, repo: str, name: str, commit: str) -> None:
        """Set a tag that must not exist yet."""
        with translated(self.endpoint, f"tag model {repo} with {name}"):
            self._api.create_tag(repo, tag=name, revision=commit, repo_type="model")

    def set_tag(self, repo: str, name: str, commit: str) -> str:
        """Set a tag where there is none, again and again until it is seen; one that exists stays as it is.

        Returns:
            The commit that the tag points to.
        """
        return self.retries.until(
            f"tag model {repo} with {name}",
            lambda: self.tag(repo, name, commit),
            lambda: self.branches_and_tags(repo, "model")[1].get(name),
        )

    def delete_tag(self, repo: str, name: str) -> None:
        """Remove a tag."""
        with translated(self.endpoint, f"remove the tag {name} of model {repo}"):
            self._api.delete_tag(repo, tag=name, repo_type="model")

    def move_tag(self, repo: str, name: str, commit: str) -> None:
        """Point a tag at a commit, wherever it pointed before."""
        standing = self.branches_and_tags(repo, "model")[1].get(name)
        if standing == commit:
            return
        if standing is not None:
            self.delete_tag(repo, name)
        self.set_tag(repo, name, commit)
