"""`records/metrics.json`: what each model scores. Nested by keys: DVC shows it."""

from pydantic import Field

from pipeline.records.record import Part, Record


class Accuracy(Part):
    """Share of triplets with cos(query, positive) > cos(query, negative), and its 95% Wilson interval."""

    accuracy: float = Field(ge=0, le=1)
    low: float
    high: float
    rows: int


class Retrieval(Part):
    """Means over queries; a query without a relevant document is left out."""

    ndcg10: float
    mrr10: float
    recall10: float
    recall100: float
    queries: int


class Cell(Part):
    """One width at one precision, of the candidate.

    Attributes:
        ndcg10: On own texts, by split.
        bytes_per_vector: Of the stored vector.
        search_ms: One query against `evaluate.search_vectors` vectors, exact search, one thread.
    """

    ndcg10: dict[str, float]
    bytes_per_vector: int
    search_ms: float


class Chosen(Part):
    """The cheapest cell that loses no more than `evaluate.max_quality_loss` on dev, as it scores on test."""

    dim: int
    precision: str
    dev_ndcg10: float | None
    test_ndcg10: float | None


class Soundness(Part):
    """What a service relies on without asking."""

    weights_finite: bool
    unit_norm: bool
    safetensors_only: bool


class Example(Part):
    """The card's usage example as the candidate answers it, in fp32 and by the library's own `encode`.

    Attributes:
        queries: Their texts.
        documents: Their texts.
        similarities: By number of the query, then of the document.
    """

    queries: dict[int, str]
    documents: dict[int, str]
    similarities: dict[int, dict[int, float | None]]


class Cosines(Part):
    """What the candidate makes of one triplet."""

    cos_positive: float
    cos_negative: float


class Mistakes(Part):
    """Triplets of one split whose negative is as near as the positive, or nearer, at one width.

    Attributes:
        wrong: How many.
        kinds: Accuracy of the rows whose positive and negative differ in a number, a date or a negation
            (`signal`), and of the others (`other`); absent where there are no such rows.
        worst: The ten that miss by most, worst first, by number of the row.
    """

    split: str
    dim: int
    wrong: int
    kinds: dict[str, Accuracy]
    worst: dict[int, Cosines]


class Metrics(Record):
    """What was measured; models are `base`, `candidate` and, where there are such, `live` and `anchor`.

    A live model or anchor that is narrower than `model.dims` has keys only at the widths that it has.

    Attributes:
        revisions: Commit, or for the candidate sha256 of its folder, by model.
        models: Triplet accuracy by model, split and width.
        hard: The same on the hard subset alone, at the largest width that the model has, by model and split;
            absent where there are no such rows.
        retrieval: By model, set (`own_dev`, `own_test`, `service`) and width, float32.
        retrieval_source: What each set is: "the split's own texts", or the repository at its commit.
        probes: By model (not the anchor) and probe: Spearman or nDCG@10 at the largest width.
        probe_kinds: `spearman` or `ndcg10`, by probe.
        slices: Accuracy at the largest width by model, then `COLUMN=VALUE` (and `rows=new`, `rows=old`), on
            gate.split's rows. Of a column's values the 50 commonest have their own, the rest are `other`.
        cells: By width, then precision.
        chosen: The recommended cell.
        soundness: Of the candidate.
        example: Of the card.
        mistakes: Of the candidate on gate.split, at the largest width.
        encoded: Texts encoded and texts taken from the cache.
    """

    candidate: str
    revisions: dict[str, str]
    bf16: bool
    models: dict[str, dict[str, dict[int, Accuracy]]]
    hard: dict[str, dict[str, Accuracy]]
    retrieval: dict[str, dict[str, dict[int, Retrieval]]]
    retrieval_source: dict[str, str]
    probes: dict[str, dict[str, float]]
    probe_kinds: dict[str, str]
    slices: dict[str, dict[str, Accuracy]]
    cells: dict[int, dict[str, Cell]]
    chosen: Chosen
    soundness: Soundness
    example: Example
    mistakes: Mistakes
    encoded: dict[str, int]

    def cell_splits(self) -> list[str]:
        """Give the splits on which the cells were measured."""
        return sorted({split for row in self.cells.values() for one in row.values() for split in one.ndcg10})
