"""What speaks for a release that the Hub gives, and what speaks against it.

For it speak the receipt of that version of that repository, and a trusted signature over a statement that
names both; nothing else. What the Hub itself says (a tag, a commit, an unsigned statement) can only speak
against: it names the version that is asked for, or another one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import Contradicted, InvalidParams, InvalidWorkspace
from pipeline.publishing.provenance import Statement
from pipeline.records import Receipt
from pipeline.records.log import Adopted, Deployed
from pipeline.workspace import log, receipts

_DO_NOT_USE = "Do not use what the Hub gives"
_NAMED_AT_MOST = 5
_VERSION = re.compile(r"v[0-9]{1,9}")


@dataclass(frozen=True)
class Asked:
    """What was asked for.

    Attributes:
        repo: The repository.
        revision: A tag, branch or commit of it.
    """

    repo: str
    revision: str

    @classmethod
    def parse(cls, what: str) -> "Asked":
        """Read `REPO@REV`.

        Raises:
            InvalidParams: The file holds no public key.
        """
        repo, mark, revision = what.partition("@")
        if not (repo and mark and revision):
            raise InvalidParams(f"{what!r} names no release; wanted REPO@REV, like owner/name@v2")
        return cls(repo, revision)

    @property
    def version(self) -> str | None:
        """The version that is meant; None where any would do: `main`, `deployed`, a commit."""
        return self.revision if _VERSION.fullmatch(self.revision) else None

    def __str__(self) -> str:
        """Return what was asked for, as it was written."""
        return f"{self.repo}@{self.revision}"


@dataclass(frozen=True)
class Given:
    """What the Hub gave.

    Attributes:
        commit: The commit that the revision points to.
        files: sha256 by path.
    """

    commit: str
    files: Mapping[str, str]


@dataclass(frozen=True)
class Stood:
    """What is known to have stood at a branch or tag, and by what.

    Attributes:
        by: Names the receipt, or the entry of the log.
    """

    version: str
    commit: str
    by: str


@dataclass(frozen=True)
class Known:
    """What this workspace knows of a repository.

    Attributes:
        receipts: Oldest first.
        deployed: What the log says of what a service runs, oldest first.
    """

    receipts: tuple[Receipt, ...]
    deployed: tuple[Stood, ...]

    @classmethod
    def of(cls, workspace: Path, repo: str) -> "Known":
        """Read what lies in a workspace; it may be another model's, or no git repository, and know nothing.

        Raises:
            BrokenChain: A receipt, or an entry of the log, is none.
        """
        try:
            entries = log.entries(workspace)
        except InvalidWorkspace:
            entries = {}  # the log stands in git; a signature needs none
        deployed = (
            Stood(entry.what.version, entry.what.commit, f"the log says so since {entry.at}")
            for entry in entries.values()
            if isinstance(entry.what, Deployed | Adopted) and entry.what.repo == repo
        )
        return cls(tuple(receipts.for_repo(workspace, repo)), tuple(deployed))

    def named(self, version: str | None) -> Receipt | None:
        """Return the receipt of a version."""
        return next((one for one in self.receipts if one.version == version), None)

    def holding(self, given: Given) -> Receipt | None:
        """Return the receipt of these very files: of this commit, or the newest."""
        same = [one for one in self.receipts if one.files == given.files]
        return next((one for one in same if one.commit == given.commit), same[-1] if same else None)

    def stood(self, revision: str, live_tag: str) -> Stood | None:
        """Return the latest that is known to have stood at main, or at the tag of what is deployed."""
        if revision == live_tag:
            return self.deployed[-1] if self.deployed else None
        if revision != "main":
            return None
        released = (
            Stood(one.version, one.commit, f"its receipt of {one.released_at} lies here")
            for one in self.receipts
        )
        # What is deployed was main before.
        return max((*released, *self.deployed), key=lambda one: _number(one.version), default=None)


def refuse_missing(asked: Asked, known: Known) -> None:
    """Refuse a Hub that has the repository, and not the revision, where it stood there.

    Raises:
        Contradicted: A receipt names that version or commit.
    """
    for one in known.receipts:
        if asked.revision in {one.version, one.commit}:
            raise Contradicted(
                f"the Hub has no {asked.revision} of {asked.repo}; wanted {one.version} at {one.commit}, "
                f"because its receipt of {one.released_at} lies here. Find out who took it away"
            )


def receipt_of(asked: Asked, given: Given, known: Known) -> Receipt | None:
    """Return the receipt that vouches for the files; None where none speaks of them.

    Raises:
        Contradicted: The receipt of that version, or of that commit, names other files; or these are
            another version's.
    """
    same = known.holding(given)
    at_commit = next((one for one in known.receipts if one.commit == given.commit), None)
    wanted = known.named(asked.version) if asked.version else same or at_commit
    if wanted is None and same is not None:
        raise Contradicted(
            f"{asked} gives the files of {same.version}, by its receipt of {same.released_at}; wanted those "
            f"of {asked.version}, of which no receipt lies here. {_DO_NOT_USE}; find out who set the tag"
        )
    if wanted is not None and wanted.files != given.files:
        held = f" (they are those of {same.version})" if same is not None else ""
        raise Contradicted(
            f"{asked} gives other files than the receipt of {wanted.version} of {wanted.released_at} names: "
            f"{_differ(wanted, given)} differ{held}. {_DO_NOT_USE}; find out who changed it"
        )
    return wanted


def refuse_claim(asked: Asked, given: Given, statement: Statement, known: Known) -> None:
    """Refuse a statement of files that no receipt vouches for, where it is not about what was asked.

    Raises:
        Contradicted: The statement names another repository or version, or what receipts know better.
    """
    wanted = asked.version or statement.version
    if (statement.repository, statement.version) != (asked.repo, wanted):
        raise Contradicted(
            f"{asked} gives what says of itself that it is {statement.version!r} of "
            f"{statement.repository!r}; wanted {wanted!r} of {asked.repo!r}. {_DO_NOT_USE}; find out who put "
            "it there"
        )
    named = known.named(statement.version)
    if named is not None:
        raise Contradicted(
            f"{asked} gives what says of itself that it is {statement.version}, and the receipt of that, of "
            f"{named.released_at}, names other files: {_differ(named, given)} differ. {_DO_NOT_USE}"
        )
    before = known.named(f"v{_number(statement.version) - 1}")
    if before is not None and statement.previous not in {None, before.commit}:
        raise Contradicted(
            f"{asked} gives what says of itself that it came after the release at {statement.previous!r}; "
            f"wanted {before.commit}, where {before.version} stands by its receipt of {before.released_at}. "
            f"{_DO_NOT_USE}"
        )


def refuse_older(asked: Asked, given: Given, version: str | None, known: Known, live_tag: str) -> None:
    """Refuse a main, or a tag of what is deployed, that has gone back.

    Args:
        asked: What was asked for.
        given: What the Hub gave.
        version: The version that it holds, or says it is; None where nobody knows.
        known: What this workspace knows.
        live_tag: The tag of what is deployed.

    Raises:
        Contradicted: A later one stood there.
    """
    stood = known.stood(asked.revision, live_tag)
    if stood is None or stood.commit == given.commit or _number(version) >= _number(stood.version):
        return
    receipt = known.named(stood.version)
    if receipt is not None and receipt.files == given.files:
        return
    held = repr(version) if version else "no release that is known here"
    raise Contradicted(
        f"{asked} gives {held}, at {given.commit}; wanted {stood.version}, at {stood.commit}, or a later "
        f"one: {stood.by}. The Hub, or somebody who may write there, went back: ask for "
        f"{asked.repo}@{stood.version}, and find out who did it"
    )


def _differ(receipt: Receipt, given: Given) -> str:
    paths = sorted(
        path
        for path in receipt.files.keys() | given.files.keys()
        if receipt.files.get(path) != given.files.get(path)
    )
    return ", ".join(paths[:_NAMED_AT_MOST]) + (" …" if len(paths) > _NAMED_AT_MOST else "")


def _number(version: str | None) -> int:
    """Return the 2 of `v2`; what no release is called comes before them all."""
    return int(version[1:]) if version is not None and _VERSION.fullmatch(version) else 0
