"""`records/metrics.json`: what each model scores, per split and width. Nested by keys: DVC shows it."""

from pydantic import Field

from pipeline.records.record import Part, Record


class Accuracy(Part):
    """Share of triplets with cos(query, positive) > cos(query, negative), and its 95% Wilson interval."""

    accuracy: float = Field(ge=0, le=1)
    low: float
    high: float
    rows: int


class Metrics(Record):
    """`models[model][split][width]`; models are `base`, `candidate` and, where there is one, `live`."""

    candidate: str
    revisions: dict[str, str]
    bf16: bool
    models: dict[str, dict[str, dict[int, Accuracy]]]
