"""The section `evaluate`."""

from typing import Literal

from pydantic import Field

from pipeline.params.section import Section


class EvaluateParams(Section):
    """Which splits are scored, and in what portions."""

    splits: tuple[Literal["dev", "test"], ...] = Field(min_length=1)
    batch_tokens: int = Field(ge=1)
    bf16: bool
