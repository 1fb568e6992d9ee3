"""`receipts/<commit>.json`: one per release, written after the Hub was looked at again."""

from typing import Literal

from pipeline.records.approval import Approval
from pipeline.records.record import Part


class Receipt(Part):
    """What was released, and everything that it rests on.

    Attributes:
        recipe: Digest of all of params.yaml that a candidate depends on, except what `refresh` moves.
        recipe_version: `train.recipe_version`, which is in the recipe too: it stands for the code alone.
        anchor: The commit that the next candidate is compared with as the best so far.
        space: Names the vector space.
        approval: The person's yes, where one was asked for.
    """

    kind: Literal["release"]
    endpoint: str
    repo: str
    commit: str
    parent: str | None
    version: str
    candidate: str
    recipe: str
    recipe_version: int | None = None
    dataset: dict[str, str]
    base: dict[str, str]
    live: dict[str, str] | None
    anchor: str | None = None
    space: str | None = None
    approval: Approval | None = None
    records: dict[str, str]
    files: dict[str, str]
    dvc_lock: str
    code_commit: str | None
    released_by: str
    released_at: str
