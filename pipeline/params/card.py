"""The section `card`."""

from typing import Annotated, Literal

from pydantic import Field

from pipeline.params.section import Section

Text = Annotated[str, Field(min_length=1)]


class Example(Section):
    """Texts of the card's usage example, written for it: they are shown whatever `card.rows` says."""

    queries: Annotated[tuple[Text, ...], Field(min_length=1)]
    documents: Annotated[tuple[Text, ...], Field(min_length=1)]


class CardParams(Section):
    """What the model card may say and show.

    Attributes:
        rows: Which rows of the data set may be shown; None stands for `all` where the data set is public, and
            for `none` where it is private.
        approved_rows: By split, the numbers of the rows that `approved` shows.
    """

    domain: str
    example: Example
    rows: Literal["none", "approved", "all"] | None
    approved_rows: dict[Literal["train", "dev", "test"], tuple[int, ...]]
    citations: bool


def policy(params: CardParams, private: bool) -> str:
    """Give `card.rows`, or what stands for it: all of a public data set, none of a private one."""
    return params.rows or ("none" if private else "all")
