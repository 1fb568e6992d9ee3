"""`receipts/<commit>.json`: one per release, written after the Hub was looked at again."""

from typing import Literal

from pipeline.records.record import Part


class Receipt(Part):
    """What was released, and everything that it rests on.

    `anchor` is the commit that the next candidate is compared with as the best so far; `space` names the vector space.
    """

    kind: Literal["release"]
    endpoint: str
    repo: str
    commit: str
    parent: str | None
    version: str
    candidate: str
    recipe: str
    dataset: dict[str, str]
    base: dict[str, str]
    live: dict[str, str] | None
    anchor: str | None
    space: str | None
    records: dict[str, str]
    files: dict[str, str]
    dvc_lock: str
    code_commit: str | None
    released_by: str
    released_at: str
