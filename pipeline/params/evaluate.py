"""The section `evaluate`."""

from typing import Literal

from pydantic import Field

from pipeline.params.section import Section, Share


class EvaluateParams(Section):
    """Which splits are scored and how, in what portions."""

    splits: tuple[Literal["dev", "test"], ...] = Field(min_length=1)
    batch_tokens: int = Field(ge=1)
    bf16: bool
    precisions: tuple[Literal["float32", "int8", "binary"], ...] = Field(min_length=1)
    search_vectors: int = Field(ge=1)
    max_quality_loss: Share
    compatible_loss: Share
