"""The section `audit`."""

from typing import Literal

from pydantic import Field

from pipeline.params.section import Section, Share

Policy = Literal["report", "drop", "refuse"]


class Policies(Section):
    """What a finding does to its row: counted only, taken out of its split, or the whole run refused.

    Between splits the row of the earlier split (train, then dev) is the one that leaves.
    """

    not_text: Literal["drop", "refuse"]
    empty: Policy
    too_long: Policy
    same_query_positive: Policy
    same_query_negative: Policy
    same_positive_negative: Policy
    duplicate: Policy
    contradiction: Policy
    same_text: Policy
    same_query: Policy
    near_duplicate: Policy
    personal_data: Policy


class NearDuplicateParams(Section):
    """When two texts are near-duplicates: Jaccard similarity of their character shingles."""

    shingle_characters: int = Field(ge=2, le=16)
    permutations: int = Field(ge=16, le=512)
    min_similarity: Share


class ShortcutParams(Section):
    """The shortcut test: how well positives are told from negatives without understanding."""

    warn_above: Share
    max_train_rows: int = Field(ge=2)


class AuditParams(Section):
    """What is looked for in rows and between splits, and what a finding does."""

    max_characters: int = Field(ge=1)
    policies: Policies
    near_duplicates: NearDuplicateParams
    shortcut: ShortcutParams
