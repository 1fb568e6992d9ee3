"""The section `model`: what the trained model is called and promises."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, field_validator

from pipeline.params.section import Section, matching


class Prompts(Section):
    """Texts put before a query or a document, in training, evaluation and the saved model."""

    query: str
    document: str


class ModelParams(Section):
    """Name, language, licence, widths, maximum length and prompts of the model."""

    name: Annotated[
        str, Field(min_length=1), matching(r"[^\x00-\x1f\x7f-\x9f]*", "one line, without controls")
    ]
    language: tuple[str, ...] | None
    license: str | None
    dims: Annotated[tuple[int, ...], Field(min_length=1)]
    max_seq_length: int = Field(ge=1)
    prompts: Prompts

    def languages(self, dataset: Sequence[str]) -> list[str]:
        """Return the languages that the card names: `language`, or those of the data set, by their codes."""
        return [one for one in (dataset if self.language is None else self.language) if one != "und"]

    @field_validator("dims")
    @classmethod
    def _largest_first(cls, dims: tuple[int, ...]) -> tuple[int, ...]:
        if list(dims) != sorted(set(dims), reverse=True) or dims[-1] < 1:
            raise ValueError(f"{list(dims)} are not widths; wanted the largest first, each once")
        return dims
