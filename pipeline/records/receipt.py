"""`receipts/<commit>.json`: one per release or rollback, written after the Hub was looked at again."""

from typing import Literal

from pipeline.records.approval import Approval
from pipeline.records.pin import RepoRef
from pipeline.records.record import Part
from pipeline.records.verdict import Outcome


class Judged(Part):
    """What the gate said, in short; the whole verdict is the file of that digest in git.

    Attributes:
        outcome: `passed`; nothing else is released.
        checks: How many there were, all of them passed.
        look: This candidate's number among those judged on these test rows.
    """

    outcome: Outcome
    checks: int
    look: int
    better_than_anchor: bool


class LogState(Part):
    """How far the workspace's log had grown when something was released; no row can be told from it.

    Attributes:
        head: The log's newest commit.
        looks: How many candidates had been judged.
        alpha_spent: What their looks had spent of the gate's error rate.
    """

    head: str
    looks: int
    alpha_spent: float


class Receipt(Part):
    """What was released, and everything that it rests on.

    Attributes:
        kind: A rollback rests on the release that it restores, and has all of that one's fields but its own.
        restores: The version whose files a rollback put back.
        pull_request: Its number; None where main was committed to over a branch.
        recipe: Digest of all of params.yaml that a candidate depends on, except what `refresh` moves.
        recipe_version: `train.recipe_version`, which is in the recipe too: it stands for the code alone.
        ingredients: Digest of that part of the recipe which the weights depend on; None in receipts of before
            this was kept.
        anchor: The commit that the next candidate is compared with as the best so far.
        space: Names the vector space.
        verdict: None in receipts of before this was kept.
        approval: The person's yes, where one was asked for.
        policy: `approve.policy` of then; None in receipts of before there was one, as `human-if`.
        probe: Cosines between the fixed texts of `pipeline.publishing.round_trip`, by the model as it came
            back.
        log: None where there was no log, and in receipts of before it was kept.
    """

    kind: Literal["release", "rollback"]
    endpoint: str
    repo: str
    commit: str
    parent: str | None
    version: str
    restores: str | None = None
    pull_request: int | None = None
    candidate: str
    recipe: str
    recipe_version: int | None = None
    ingredients: str | None = None
    dataset: RepoRef
    base: RepoRef
    live: RepoRef | None
    anchor: str | None = None
    space: str | None = None
    verdict: Judged | None = None
    approval: Approval | None = None
    policy: Literal["auto", "human", "human-if"] | None = None
    probe: dict[str, float] | None = None
    log: LogState | None = None
    records: dict[str, str]
    files: dict[str, str]
    dvc_lock: str
    code_commit: str | None
    released_by: str
    released_at: str


class Adoption(Part):
    """A model that something else released, taken in as one that candidates are compared with.

    Attributes:
        version: `adopted-1` and so on: the model is no release of this line.
        trained_on: The data set that the model was trained on; None where nobody knows it.
        files: What the Hub lists of each file: `sha256:…` or `git:…`.
    """

    kind: Literal["adopted"]
    endpoint: str
    repo: str
    commit: str
    version: str
    trained_on: RepoRef | None
    files: dict[str, str]
    adopted_at: str

    def is_at(self, model: RepoRef) -> bool:
        """Return whether this is the model of a repository at a commit."""
        return (self.repo, self.commit) == (model.repo, model.revision)
