"""The section `gate`."""

from typing import Literal

from pydantic import Field

from pipeline.params.section import Section, Share


class GateParams(Section):
    """What a candidate must reach, per width, and whom it must not fall behind."""

    split: Literal["dev", "test"]
    floors: dict[int, Share] = Field(min_length=1)
    base_margin: Share
    live_margin: Share
    max_rejected_share: Share
