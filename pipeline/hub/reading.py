"""What can be asked of a Hub: each call has a timeout, and is tried again where nobody answered."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import httpx2
from huggingface_hub import HfApi, constants, hf_hub_url, set_client_factory, snapshot_download
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils._headers import build_hf_headers
from huggingface_hub.utils._http import get_session, hf_raise_for_status, hf_request_event_hook

from pipeline.errors import BrokenChain, HubDenied, HubError, HubNotFound
from pipeline.hub import accounts, answers, surroundings, transfers
from pipeline.hub.accounts import Account
from pipeline.hub.addresses import Addresses
from pipeline.hub.remote_file import RemoteFile
from pipeline.hub.retries import Retries
from pipeline.hub.translate_errors import translated
from pipeline.params.machine import HubParams
from pipeline.records.pin import RepoKind as Kind
from pipeline.workspace import digests

Answer = TypeVar("Answer")
Known = Mapping[tuple[Kind, str, str], Mapping[str, str]]


@dataclass(frozen=True)
class ListedFile:
    """One file as the Hub lists it: size in bytes, and `sha256:…` (LFS) or `git:…`."""

    path: str
    size: int
    digest: str


@dataclass(frozen=True)
class RepoInfo:
    """One repository at one commit."""

    repo: str
    kind: Kind
    commit: str
    private: bool
    license: str | None  # names in a list are joined by " and "
    tags: tuple[str, ...] = ()


class Reading:
    """One Hub, at one address, with the token that the environment or the client's own store holds.

    A download counts only after each file was compared with the digest that the Hub lists for it, and a list
    only where it names what is known of a commit as it was known before.
    """

    def __init__(self, params: HubParams, known: Known | None = None) -> None:
        """Take a Hub.

        Args:
            params: Where it is, and how patiently it is asked.
            known: Digests of files by kind, repository and commit, of when these were fetched before.
        """
        self._known = known or {}
        endpoint = params.endpoint or os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
        self.endpoint = endpoint.rstrip("/")
        self._addresses = Addresses(self.endpoint, params.plain_http)
        self.timeout_seconds = params.timeout_seconds
        self.retries = Retries(params.retries, params.backoff_seconds)
        # huggingface_hub reads these two from the environment when it is imported, which is too early for
        # params.yaml; it looks the constants up again at every call.
        constants.HF_HUB_DISABLE_XET = constants.HF_HUB_DISABLE_XET or not params.xet
        constants.HF_HUB_DOWNLOAD_TIMEOUT = max(1, round(params.download_timeout_seconds))
        set_client_factory(self._client)
        self._api = HfApi(endpoint=self.endpoint)

    def _client(self) -> httpx2.Client:
        surroundings.refuse_unusable()
        # The library's own client has no timeout for calls other than downloads.
        return answers.Client(
            event_hooks={
                "request": [self._addresses.demand, hf_request_event_hook, self._limit],
                "response": [self._addresses.demand_onward],
            },
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

    def _asked(self, action: str, ask: Callable[[], Answer]) -> Answer:
        """Ask for something that changes nothing: again after a while, where nobody answered."""

        def once() -> Answer:
            with translated(self.endpoint, action):
                return ask()

        return self.retries.again(once)

    def account(self) -> Account:
        """Ask whose token this is.

        Raises:
            HubDenied: There is no token, or the Hub does not know it.
        """
        if surroundings.token() is None:
            raise HubDenied(
                "no token was found; wanted one that may write. Set HF_TOKEN, or run `hf auth login`"
            )
        return accounts.account(self._asked("ask who the token belongs to", self._api.whoami))

    def card_faults(self, content: str) -> list[str]:
        """Ask the Hub what is wrong with a model card's metadata, as it asks itself at every commit.

        Args:
            content: The card, or its metadata alone.

        Returns:
            The Hub's words; nothing where it finds no fault.
        """

        def ask() -> list[str]:
            body = {"content": content, "repoType": "model"}
            answer = get_session().post(f"{self.endpoint}/api/validate-yaml", json=body)
            if answer.status_code == httpx2.codes.BAD_REQUEST:
                return [str(one.get("message")) for one in answer.json().get("errors", [])]
            if answer.status_code != httpx2.codes.NOT_FOUND:  # a Hub that checks no cards
                hf_raise_for_status(answer)
            return []

        return self._asked("have the card's metadata checked", ask)

    def info(self, repo: str, kind: Kind, revision: str | None = None) -> RepoInfo:
        """Ask for a repository at a revision (a commit, tag or branch; none is main).

        Raises:
            HubNotFound: There is no such repository or revision, or the token may not see it.
            HubError: What the Hub gives for its commit is none.
        """
        action = f"look at {kind} {repo}" + (f" at {revision}" if revision else "")
        found = self._asked(
            action,
            lambda: self._api.repo_info(repo, repo_type=kind, revision=revision),
        )
        card_data = getattr(found, "card_data", None)
        card = card_data.to_dict() if card_data else {}
        return RepoInfo(
            repo,
            kind,
            answers.commit(found.sha, action),
            bool(found.private),
            _licence(card.get("license"), f"{kind} {repo}"),
            tuple(map(str, getattr(found, "tags", None) or ())),
        )

    def exists(self, repo: str, kind: Kind) -> bool:
        """Ask whether a repository is there for this token."""
        try:
            self.info(repo, kind)
        except HubNotFound:
            return False
        return True

    def files(self, repo: str, kind: Kind, commit: str) -> dict[str, ListedFile]:
        """List every file of a commit, by path.

        Raises:
            BrokenChain: A file is not the one that it was when the commit was fetched before.
        """
        tree = self._asked(
            f"list the files of {kind} {repo} at {commit}",
            lambda: list(self._api.list_repo_tree(repo, repo_type=kind, revision=commit, recursive=True)),
        )
        listed = {
            entry.path: ListedFile(
                entry.path, entry.size, f"sha256:{entry.lfs.sha256}" if entry.lfs else f"git:{entry.blob_id}"
            )
            for entry in tree
            if isinstance(entry, RepoFile)
        }
        for path, digest in self._known.get((kind, repo, commit), {}).items():
            found = listed[path].digest if path in listed else "gone"
            if found != digest:
                raise BrokenChain(
                    f"{path} of {kind} {repo} at {commit[:12]} is {found}, and was {digest} when this "
                    "workspace first fetched it; wanted the same, because the content of a commit never "
                    f"changes. Find out who answers at {self.endpoint}; pin another commit if you trust it"
                )
        return listed

    def download(
        self,
        repo: str,
        kind: Kind,
        commit: str,
        wanted: Callable[[str], bool],
        *,
        max_workers: int = 8,
        cache: Path | None = None,
    ) -> tuple[Path, dict[str, ListedFile]]:
        """Download the wanted files of one commit and compare each with the Hub's own digest of it.

        Returns:
            The folder that holds the files, and what the Hub lists for each.

        Raises:
            BrokenChain: A file that arrived, or stood in the cache, is not the one that the Hub lists.
            HubError: The Hub names a file, or its content, so that it would be written elsewhere.
            InvalidWorkspace: The client's cache cannot be written.
        """
        listed = {path: file for path, file in self.files(repo, kind, commit).items() if wanted(path)}
        if not listed:
            raise HubNotFound(
                f"{kind} {repo} at {commit} has no file that is needed here; look at its file list"
            )
        action = f"download {kind} {repo} at {commit}"
        for path in listed:
            answers.file_name(path, action)
        if cache is None:
            surroundings.writable_cache()
        sizes = [(path, file.size) for path, file in listed.items()]
        size = transfers.missing_bytes(repo, kind, commit, sizes, cache)
        bar = transfers.downloading(f"{kind} {repo}", size)
        folder = Path(
            self._asked(
                action,
                lambda: snapshot_download(
                    repo,
                    repo_type=kind,
                    revision=commit,
                    endpoint=self.endpoint,
                    allow_patterns=[_literal(path) for path in listed],
                    max_workers=max_workers,
                    cache_dir=cache,
                    tqdm_class=bar,
                ),
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

    def opened(self, repo: str, kind: Kind, commit: str, file: ListedFile) -> RemoteFile:
        """Open a file of a commit to read parts of it; nothing compares these with the Hub's digest.

        Raises:
            HubError: The Hub gave other bytes than were asked for.
        """
        action = f"read {file.path} of {kind} {repo} at {commit}"
        answers.file_name(file.path, action)
        address = hf_hub_url(repo, file.path, repo_type=kind, revision=commit, endpoint=self.endpoint)

        def fetch(start: int, stop: int) -> bytes:
            headers = build_hf_headers() | {"Range": f"bytes={start}-{stop - 1}"}

            def ask() -> bytes:
                answer = get_session().get(address, headers=headers)
                hf_raise_for_status(answer)
                return bytes(answer.content)

            content = self._asked(action, ask)
            if len(content) == file.size:  # a Hub that gives files whole
                content = content[start:stop]
            if len(content) != stop - start:
                raise HubError(
                    f"could not {action}: {stop - start} bytes were asked for, and {len(content)} came. "
                    "Find out who answers at hub.endpoint"
                )
            return content

        return RemoteFile(file.size, fetch)

    def branches_and_tags(self, repo: str, kind: Kind) -> tuple[dict[str, str], dict[str, str]]:
        """Map the names of branches, and of tags, to the commits that they point to."""
        action = f"list branches and tags of {kind} {repo}"
        refs = self._asked(
            action,
            lambda: self._api.list_repo_refs(repo, repo_type=kind),
        )
        return (
            {ref.name: answers.commit(ref.target_commit, action) for ref in refs.branches},
            {ref.name: answers.commit(ref.target_commit, action) for ref in refs.tags},
        )

    def tagged(self, repo: str, tag: str) -> str | None:
        """Return the commit that a model's tag points to; None where there is no such tag or model."""
        try:
            return self.branches_and_tags(repo, "model")[1].get(tag)
        except HubNotFound:
            return None

    def history(self, repo: str, revision: str = "main") -> list[str]:
        """List the commits of a model's branch, newest first."""
        action = f"list the commits of model {repo}"
        found = self._asked(
            action,
            lambda: self._api.list_repo_commits(repo, repo_type="model", revision=revision),
        )
        return [answers.commit(one.commit_id, action) for one in found]


def digest_as_listed(path: Path, like: str) -> str:
    """Digest a local file in the way that the Hub chose for it; `missing` where there is none."""
    if not path.is_file():
        return "missing"
    return f"sha256:{digests.sha256(path)}" if like.startswith("sha256:") else f"git:{digests.git_oid(path)}"


def _licence(stated: object, owner: str) -> str | None:
    """Return the licence of a card: one name, or several."""
    given = stated if isinstance(stated, list) else [] if stated is None else [stated]
    names = {name for name in given if isinstance(name, str) and name}
    if len(names) < len(given):
        raise HubError(
            f"the card of {owner} states its licence as {str(stated)[:80]!r}; wanted a name or a list of "
            "names. Pin a commit whose card states one"
        )
    return " and ".join(sorted(names)) or None


def _literal(path: str) -> str:
    """Escape what a file name could have in common with a glob pattern."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in path)
