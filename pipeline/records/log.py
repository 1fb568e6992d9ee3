"""Entries of the workspace's log, which only grows: what was judged, held out, released and deployed.

`pipeline.workspace.log` keeps them where git's movements cannot take them back.
"""

import hashlib
import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from pipeline.records.names import Rival
from pipeline.records.pin import RepoKind, RepoRef
from pipeline.records.record import Part
from pipeline.records.verdict import Outcome


class Groups(Part):
    """A set of groups of test rows, as what an earlier entry names, changed: most sets are nearly equal.

    Attributes:
        like: The earlier entry; None for the empty set.
        without: Groups of that entry's that are not in this set.
        besides: Groups in this set that are not in that entry's.
    """

    like: str | None = None
    without: tuple[str, ...] = ()
    besides: tuple[str, ...] = ()


class Look(Part):
    """One candidate, judged on some groups of test rows.

    Attributes:
        candidate: sha256 of the model's folder.
        test_digest: Of the test rows, as the audit's record has it.
        groups: The groups of queries that the candidate was judged on.
        gate: The section `gate` of params.yaml that the verdict was made with.
        alpha: What this look spent; 0 where the candidate was judged again on the same rows.
        outcome: What the gate said.
        compared_with: Commits of live and anchor, where they were compared.
        hard: Whether the verdict rested on the hard subset, too.
    """

    kind: Literal["look"] = "look"
    candidate: str
    test_digest: str
    groups: Groups
    gate: dict[str, Any]
    alpha: float = Field(ge=0)
    outcome: Outcome
    compared_with: dict[Rival, str] = Field(default_factory=dict)
    hard: bool = False


class Held(Part):
    """Lines of `splits.ledger` that were new when `pin` wrote them."""

    kind: Literal["held"] = "held"
    lines: tuple[str, ...]


class Released(Part):
    """A candidate that went out: later ones are held to the gate that judged it.

    Attributes:
        look: The entry of the candidate's look with the verdict that it was released by.
    """

    kind: Literal["released"] = "released"
    repo: str
    commit: str
    version: str
    candidate: str
    look: str


class Deployed(Part):
    """What the user's service runs from now on.

    Attributes:
        tagged: Where the tag `live.tag` of that repository pointed when this was written: elsewhere, where
            the token may not move it. A tag that points to a third commit was moved since.
    """

    kind: Literal["deployed"] = "deployed"
    repo: str
    commit: str
    version: str
    tagged: str | None = None


class Adopted(Part):
    """A model that something else released, taken in as the one that the user's service runs from now on.

    Attributes:
        trained_on: The data set that the model was trained on; None where nobody knows it.
        tagged: As in `Deployed`.
    """

    kind: Literal["adopted"] = "adopted"
    repo: str
    commit: str
    version: str
    trained_on: RepoRef | None = None
    tagged: str | None = None


class Fetched(Part):
    """What `pin` fetched of a repository at a commit for the first time: the same must come every time.

    Attributes:
        repo_kind: A model and a data set can have one name.
        files: The digest of each, as the Hub listed it and as it was found here.
    """

    kind: Literal["fetched"] = "fetched"
    repo_kind: RepoKind
    repo: str
    commit: str
    files: dict[str, str]


class EarlierLooks(Part):
    """Looks of before there was a log, or of a log that is lost: which groups, nobody knows exactly.

    Attributes:
        candidates: Who was judged, as far as it is known.
        groups: All groups that these candidates can have been judged on.
        lost: All groups count as spent: nobody knows how many candidates were judged on them.
        heads: Heads of the lost log that releases name.
    """

    kind: Literal["earlier"] = "earlier"
    candidates: tuple[str, ...]
    groups: Groups
    lost: bool = False
    heads: tuple[str, ...] = ()


What = Annotated[
    Look | Held | Released | Deployed | Adopted | Fetched | EarlierLooks, Field(discriminator="kind")
]


class Entry(Part):
    """One entry: what happened, when, and the log's head before it.

    Attributes:
        after: The commit of the log that this entry was put on top of; None for the first.
        at: UTC, ISO 8601, in microseconds: of two deployments in one second the later one counts.
    """

    after: str | None
    at: str
    what: What

    def dump(self) -> bytes:
        """Return the bytes that the log keeps."""
        return (self.model_dump_json(indent=1) + "\n").encode()

    @property
    def name(self) -> str:
        """The entry's name: the sha256 of its bytes."""
        return hashlib.sha256(self.dump()).hexdigest()


def total(entries: Mapping[str, Entry]) -> tuple[int, float]:
    """Return how many candidates were judged, on whatever rows, and what they spent of the error rate."""
    candidates: set[str] = set()
    spent = []
    for entry in entries.values():
        if isinstance(entry.what, Look):
            candidates.add(entry.what.candidate)
            spent.append(entry.what.alpha)
        elif isinstance(entry.what, EarlierLooks):
            candidates.update(entry.what.candidates)
    return len(candidates), math.fsum(spent)
