"""`reembed.json`: whether stored vectors of the live model can stay when the candidate goes live."""

from typing import Literal

from pydantic import Field

from pipeline.records.names import Precision
from pipeline.records.record import Record

# Whose queries search whose documents.
Arrangement = Literal["candidate", "live", "new_on_old", "old_on_new", "mixed_10", "mixed_50", "mixed_90"]


class Reembed(Record):
    """Stored vectors: compatible, or a new vector space.

    What it rests on stands in `records/metrics.json`, which holds this file's digest; `read` is empty.

    Attributes:
        compatible: None where there is no live model to compare with.
        space: Names the vector space: the live model's where compatible, else the candidate's own.
        live_space: The live model's; None where there is none.
        ndcg10: On own texts of gate.split at the largest width that both have: `live` (live queries on live
            documents), `candidate`, `new_on_old` (candidate's queries on live's documents), `old_on_new`, and
            `mixed_10`, `mixed_50`, `mixed_90` (candidate's queries on indexes of which so many percent are
            re-embedded). Without a live model only `candidate`; with one of another width only `candidate`
            and `live`, or not even that where it has none of model.dims.
        score_shift: Quantiles 0.05, 0.5 and 0.95 of cos(query, positive), candidate less live.
        vectors_per_hour: Measured here, by the candidate, on the texts of gate.split, when they were encoded.
        gigabytes_per_million: Per width, then precision.
    """

    compatible: bool | None
    space: str = Field(min_length=1)
    live_space: str | None
    ndcg10: dict[Arrangement, float]
    score_shift: dict[str, float]
    vectors_per_hour: float
    gigabytes_per_million: dict[int, dict[Precision, float]]
