"""The section `gate`."""

from typing import Annotated, Literal

from pydantic import Field

from pipeline.params.section import Section, Share

Gain = Annotated[float, Field(ge=-1, le=1)]
Alpha = Annotated[float, Field(gt=0, lt=0.5)]


class Margins(Section):
    """How far below another model the candidate may truly lie, per metric, in the metric's own unit."""

    ndcg: Share
    hard: Share
    accuracy: Share


class GateParams(Section):
    """What a candidate must reach, whom it must not fall behind, and how sure the gate must be."""

    split: Literal["dev", "test"]
    alpha: Alpha
    max_looks: int = Field(ge=1)
    resamples: int = Field(ge=200, le=1_000_000)
    seed: int = Field(ge=0)
    cluster: str
    min_clusters: int = Field(ge=2)
    min_hard_rows: int | None = Field(ge=1)
    floors: dict[int, Share] = Field(min_length=1)
    base_min_gain: Gain
    live_margins: Margins
    anchor_margins: Margins
    retention: Share
    retention_of: Literal["base", "live"] | None
    max_forgetting: Share
    max_slice_drop: Share
    max_leak_share: Share
    max_rejected_share: Share
    max_rows_left: Share
    reembed_min_gain: Gain
    infeasible: Literal["refuse", "report"]
