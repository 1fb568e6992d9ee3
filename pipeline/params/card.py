"""The section `card`."""

from typing import Literal

from pipeline.params.section import Section


class CardParams(Section):
    """What the model card may say and show."""

    domain: str
    rows: Literal["none", "all"]
    citations: bool
