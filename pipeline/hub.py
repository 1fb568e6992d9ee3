"""The Hub, seen from the pipeline: the only module that imports huggingface_hub (card classes aside).

Every call has a timeout, every refusal becomes one `HubError` with what to do, and a download counts only
after each file was compared with the digest that the Hub lists for it.
"""

import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from json import JSONDecodeError
from pathlib import Path
from typing import Literal

import httpx2
from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationDelete,
    HfApi,
    constants,
    get_token,
    set_client_factory,
    snapshot_download,
)
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils._http import hf_request_event_hook

from pipeline import digests
from pipeline.errors import BrokenChain, HubDenied, HubError, HubNotFound, HubUnreachable, first_line
from pipeline.params.machine import HubParams

Kind = Literal["model", "dataset"]


@dataclass(frozen=True)
class Listed:
    """One file as the Hub lists it: size in bytes, and `sha256:…` (LFS) or `git:…`."""

    path: str
    size: int
    digest: str


@dataclass(frozen=True)
class Info:
    """One repository at one commit."""

    repo: str
    kind: Kind
    commit: str
    private: bool
    license: str | None


@dataclass(frozen=True)
class Account:
    """Whom the token belongs to; a role of `read` cannot release."""

    name: str
    role: str


class Hub:
    """One Hub, at one address, with the token that the environment or the client's own store holds."""

    def __init__(self, params: HubParams) -> None:
        endpoint = params.endpoint or os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
        self.endpoint = endpoint.rstrip("/")
        self.timeout_seconds = params.timeout_seconds
        # huggingface_hub reads these two from the environment when it is imported, which is too early for
        # params.yaml; it looks the constants up again at every call.
        constants.HF_HUB_DISABLE_XET = constants.HF_HUB_DISABLE_XET or not params.xet
        constants.HF_HUB_DOWNLOAD_TIMEOUT = max(1, round(params.download_timeout_seconds))
        set_client_factory(self._client)
        self._api = HfApi(endpoint=self.endpoint)

    def _client(self) -> httpx2.Client:
        # The library's own client has no timeout for calls other than downloads.
        return httpx2.Client(
            event_hooks={"request": [hf_request_event_hook, self._limit]},
            follow_redirects=True,
            timeout=self.timeout_seconds,
        )

    def _limit(self, request: httpx2.Request) -> None:
        # `repo_info` hands on its own default of None, which overrides the client's timeout with none at all.
        limits = request.extensions.get("timeout", {})
        for kind in ("connect", "read", "write", "pool"):
            if limits.get(kind) is None:
                limits[kind] = self.timeout_seconds
        request.extensions["timeout"] = limits

    def account(self) -> Account:
        """Ask whose token this is.

        Raises:
            HubDenied: There is no token, or the Hub does not know it.
        """
        if get_token() is None:
            raise HubDenied(
                "no token was found; wanted one that may write. Set HF_TOKEN, or run `hf auth login`"
            )
        with self._translated("ask who the token belongs to"):
            answer = self._api.whoami()
        role = answer.get("auth", {}).get("accessToken", {}).get("role", "unknown")
        return Account(answer["name"], role)

    def info(self, repo: str, kind: Kind, revision: str | None = None) -> Info:
        """Ask for a repository at a revision (a commit, tag or branch; none is main).

        Raises:
            HubNotFound: There is no such repository or revision, or the token may not see it.
        """
        with self._translated(f"look at {kind} {repo}" + (f" at {revision}" if revision else "")):
            found = self._api.repo_info(repo, repo_type=kind, revision=revision)
        card_data = getattr(found, "card_data", None)
        card = card_data.to_dict() if card_data else {}
        licence = card.get("license")
        return Info(
            repo, kind, str(found.sha), bool(found.private), licence if isinstance(licence, str) else None
        )

    def exists(self, repo: str, kind: Kind) -> bool:
        """Ask whether a repository is there for this token."""
        try:
            self.info(repo, kind)
        except HubNotFound:
            return False
        return True

    def files(self, repo: str, kind: Kind, commit: str) -> dict[str, Listed]:
        """List every file of a commit, by path."""
        with self._translated(f"list the files of {kind} {repo} at {commit}"):
            tree = list(self._api.list_repo_tree(repo, repo_type=kind, revision=commit, recursive=True))
        return {
            entry.path: Listed(
                entry.path, entry.size, f"sha256:{entry.lfs.sha256}" if entry.lfs else f"git:{entry.blob_id}"
            )
            for entry in tree
            if isinstance(entry, RepoFile)
        }

    def download(
        self,
        repo: str,
        kind: Kind,
        commit: str,
        wanted: Callable[[str], bool],
        *,
        max_workers: int = 8,
        cache: Path | None = None,
    ) -> tuple[Path, dict[str, Listed]]:
        """Download the wanted files of one commit and compare each with the Hub's own digest of it.

        Returns:
            The folder that holds the files, and what the Hub lists for each.

        Raises:
            BrokenChain: A file that arrived, or stood in the cache, is not the one that the Hub lists.
        """
        listed = {path: file for path, file in self.files(repo, kind, commit).items() if wanted(path)}
        if not listed:
            raise HubNotFound(
                f"{kind} {repo} at {commit} has no file that is needed here; look at its file list"
            )
        with self._translated(f"download {kind} {repo} at {commit}"):
            folder = Path(
                snapshot_download(
                    repo,
                    repo_type=kind,
                    revision=commit,
                    endpoint=self.endpoint,
                    allow_patterns=[_literal(path) for path in listed],
                    max_workers=max_workers,
                    cache_dir=cache,
                )
            )
        for path, file in listed.items():
            found = digest_as_listed(folder / path, file.digest)
            if found != file.digest:
                raise BrokenChain(
                    f"{path} of {kind} {repo} at {commit[:12]} is {found}; the Hub lists {file.digest}. "
                    f"Delete {folder / path} with the blob that it links to, and run the step again"
                )
        return folder, listed

    def branches_and_tags(self, repo: str, kind: Kind) -> tuple[dict[str, str], dict[str, str]]:
        """Map the names of branches, and of tags, to the commits that they point to."""
        with self._translated(f"list branches and tags of {kind} {repo}"):
            refs = self._api.list_repo_refs(repo, repo_type=kind)
        return (
            {ref.name: ref.target_commit for ref in refs.branches},
            {ref.name: ref.target_commit for ref in refs.tags},
        )

    def create_repo(self, repo: str, *, private: bool) -> None:
        """Create a model repository."""
        with self._translated(f"create model {repo}"):
            self._api.create_repo(repo, repo_type="model", private=private)

    def commit(
        self, repo: str, files: Mapping[str, Path], *, delete: list[str], parent: str, message: str
    ) -> str:
        """Make one commit on main: these files, without those, on top of exactly `parent`.

        Returns:
            The new commit.

        Raises:
            HubError: The head is no longer `parent`, or the Hub refused; main is then as it was.
        """
        operations: list[CommitOperationAdd | CommitOperationDelete] = [
            CommitOperationAdd(path, str(local)) for path, local in sorted(files.items())
        ]
        operations += [CommitOperationDelete(path) for path in sorted(delete)]
        with self._translated(f"commit to model {repo}"), warnings.catch_warnings():
            # A model does carry a table: which rows it was trained on.
            warnings.filterwarnings("ignore", message="It seems that you are about to commit a data file")
            made = self._api.create_commit(
                repo, operations, commit_message=message, repo_type="model", parent_commit=parent
            )
        return str(made.oid)

    def tag(self, repo: str, name: str, commit: str) -> None:
        """Set a tag that must not exist yet."""
        with self._translated(f"tag model {repo} with {name}"):
            self._api.create_tag(repo, tag=name, revision=commit, repo_type="model")

    def move_tag(self, repo: str, name: str, commit: str) -> None:
        """Point a tag at a commit, wherever it pointed before."""
        if name in self.branches_and_tags(repo, "model")[1]:
            with self._translated(f"remove the tag {name} of model {repo}"):
                self._api.delete_tag(repo, tag=name, repo_type="model")
        self.tag(repo, name, commit)

    @contextmanager
    def _translated(self, action: str) -> Iterator[None]:
        """Turn what the client raises into one `HubError` that says what to do."""
        try:
            yield
        except GatedRepoError:
            raise HubDenied(
                f"could not {action}: the repository is gated. Ask for access on its page at {self.endpoint}"
            ) from None
        except RepositoryNotFoundError:
            raise HubNotFound(
                f"could not {action}: {self.endpoint} has no such repository, or this token may not see it. "
                "Check the name in params.yaml and the token's rights"
            ) from None
        except RevisionNotFoundError:
            raise HubNotFound(
                f"could not {action}: the repository has no such revision. "
                "Copy the commit again from its history"
            ) from None
        except OfflineModeIsEnabled:
            raise HubUnreachable(
                f"could not {action}: HF_HUB_OFFLINE is set, and this asks {self.endpoint}. Unset it"
            ) from None
        except (HFValidationError, httpx2.InvalidURL) as error:
            raise HubNotFound(
                f"could not {action} at {self.endpoint}: {first_line(error)}. Correct the name in params.yaml"
            ) from None
        except (LocalEntryNotFoundError, httpx2.RequestError, TimeoutError) as error:
            cause = error.__cause__ or error
            raise HubUnreachable(
                f"could not {action}: {self.endpoint} did not answer ({type(cause).__name__}). "
                "Check the address (hub.endpoint) and the network, then run it again"
            ) from None
        except HfHubHTTPError as error:
            raise self._refusal(action, error) from None
        except JSONDecodeError:
            raise HubUnreachable(
                f"could not {action}: {self.endpoint} answered something that no Hub says. "
                "Check the address (hub.endpoint), and whether a proxy answers in its place"
            ) from None

    def _refusal(self, action: str, error: HfHubHTTPError) -> HubError:
        status = error.response.status_code if error.response is not None else 0
        said = (error.server_message or "").strip() or f"HTTP {status}"
        if status == 401:
            return HubDenied(
                f"could not {action}: the Hub does not accept the token ({said}). Set a valid HF_TOKEN"
            )
        if status == 403:
            return HubDenied(
                f"could not {action}: the token lacks the right ({said}). Use a token that may write there"
            )
        if status == 412:
            return HubError(
                f"could not {action}: somebody else committed meanwhile ({said}). Look at it first"
            )
        if status >= 500 or status == 429:
            return HubUnreachable(
                f"could not {action}: the Hub answered {status} ({said}). Run it again in a while"
            )
        return HubError(f"could not {action}: the Hub answered {status} ({said})")


def digest_as_listed(path: Path, like: str) -> str:
    """Digest a local file in the way that the Hub chose for it; `missing` where there is none."""
    if not path.is_file():
        return "missing"
    return f"sha256:{digests.sha256(path)}" if like.startswith("sha256:") else f"git:{digests.git_oid(path)}"


def _literal(path: str) -> str:
    """Escape what a file name could have in common with a glob pattern."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in path)
