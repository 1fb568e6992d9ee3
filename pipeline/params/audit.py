"""The section `audit`."""

from typing import Literal

from pydantic import Field

from pipeline.params.section import Section

Reason = Literal[
    "empty",
    "too_long",
    "same_query_positive",
    "same_query_negative",
    "same_positive_negative",
    "duplicate",
    "contradiction",
    "leak",
]


class AuditParams(Section):
    """Which findings take a row out of its split; the others are only counted."""

    max_characters: int = Field(ge=1)
    drop: tuple[Reason, ...]
