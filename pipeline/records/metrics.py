"""`records/metrics.json`: what each model scores."""

from pydantic import Field

from pipeline.records.names import HeldOut, ModelName, Precision, ProbeMeasure, Rival, RowKind
from pipeline.records.pin import RepoRef
from pipeline.records.record import Part, Record


class Accuracy(Part):
    """Share of triplets with cos(query, positive) > cos(query, negative), and its 95% Wilson interval.

    Of several negatives the nearest counts: the positive must be nearer than each.
    """

    accuracy: float = Field(ge=0, le=1)
    low: float
    high: float
    rows: int


class Retrieval(Part):
    """Means over queries; a query without a relevant document is left out.

    `documents` is how many were searched, on which each measure hangs; None in older records.
    """

    ndcg10: float
    mrr10: float
    recall10: float
    recall100: float
    queries: int
    documents: int | None = None


class ProbeSet(Part):
    """What a probe was measured on.

    Attributes:
        dim: The candidate's width.
        queries: Of a retrieval set; of pairs, how many there are; of a task of mteb, the texts that were
            encoded as queries.
        documents: None for pairs, and for a task of mteb that has none.
    """

    dim: int
    queries: int
    documents: int | None


class MtebScore(Part):
    """The main score that mteb gives one subset and split of a task."""

    subset: str
    split: str
    score: float


class SplitScores(Part):
    """What one model scores on one split.

    Pairs have no negatives, so that nothing but retrieval is measured on them.

    Attributes:
        triplets: Triplet accuracy by width; empty of pairs.
        hard: Triplet accuracy of the hard subset, at the largest width that the model has; None where the
            split has no such rows, or the model no such width.
        slices: Triplet accuracy at the same width by column and value, on gate.split alone. Of a column's
            values the 50 commonest have their own, the rest are `other`; of `rows` they are `new` and `old`.
        retrieval: Of the split's own queries among its own documents by width, float32.
    """

    triplets: dict[int, Accuracy]
    hard: Accuracy | None
    slices: dict[str, dict[str, Accuracy]]
    retrieval: dict[int, Retrieval]


class ModelScores(Part):
    """What one model scores; one that is narrower than `model.dims` has only the widths that it has.

    Attributes:
        revision: Commit of the model; of the candidate, which has none yet, sha256 of its folder.
        splits: By split.
        service: Of the user's own retrieval set by width, float32; empty where there is no such set.
        probes: Spearman's correlation, nDCG@10 or mteb's main score at the largest width, by probe; the
            anchor is not asked.
        mteb: The parts that such a main score is the mean of, by probe.
    """

    revision: str
    splits: dict[HeldOut, SplitScores]
    service: dict[int, Retrieval]
    probes: dict[str, float]
    mteb: dict[str, tuple[MtebScore, ...]] = Field(default_factory=dict, exclude_if=lambda value: not value)


class StoredVectors(Part):
    """The candidate's vectors as an index holds them: so many of their numbers, at one precision.

    Attributes:
        ndcg10: On own texts, by split.
        bytes_per_vector: Of the stored vector.
        search_ms: One query against `evaluate.search_vectors` vectors, exact search, one thread.
    """

    dim: int
    precision: Precision
    ndcg10: dict[HeldOut, float]
    bytes_per_vector: int
    search_ms: float


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
        similarities: A row per query, a number per document; None where it is no number.
    """

    queries: tuple[str, ...]
    documents: tuple[str, ...]
    similarities: tuple[tuple[float | None, ...], ...]


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

    split: HeldOut
    dim: int
    wrong: int
    kinds: dict[RowKind, Accuracy]
    worst: dict[int, Cosines]


class EncodedTexts(Part):
    """Texts that were encoded, and texts that were not because the cache had their vectors."""

    encoded: int
    cached: int


class Machine(Part):
    """What measured: on another one the last digits of a score can be others.

    Attributes:
        platform: Operating system, its kernel, processor family and C library.
        device: Type and name of the device.
        libraries: Their versions, and Python's.
    """

    platform: str
    device: str
    libraries: dict[str, str]


class Metrics(Record):
    """What was measured: one record per model, and what only the candidate is asked.

    Attributes:
        models: Base and candidate; live and anchor where there are such.
        service: Where the user's own retrieval set comes from; None where there is none.
        probe_measures: What each probe measures.
        probe_sets: What each was measured on; empty in older records.
        stored_vectors: Of the candidate, at every width and precision.
        recommended: The cheapest of them that loses no more than `evaluate.max_quality_loss` on dev.
        soundness: Of the candidate.
        example: Of the card.
        mistakes: Of the candidate on gate.split, at the largest width; None of pairs.
        encoded: Texts of all models together.
        machine: None in records of before this was kept.
        bf16: Whether the rows that the gate judges were encoded in bfloat16. The others are on every GPU that
            is fast at it.
        numerics: How float32 was multiplied; None in records of before this was kept.
        mteb_version: Of the mteb that scored probes; None where none of them is a task of it.
        base_prompts: With which the base was measured, `query` and `document`; None in older records, where
            they were the recipe's.
    """

    bf16: bool
    models: dict[ModelName, ModelScores]
    service: RepoRef | None
    probe_measures: dict[str, ProbeMeasure]
    probe_sets: dict[str, ProbeSet] = Field(default_factory=dict)
    stored_vectors: tuple[StoredVectors, ...]
    recommended: StoredVectors
    soundness: Soundness
    example: Example
    mistakes: Mistakes | None
    encoded: EncodedTexts
    machine: Machine | None = None
    base_prompts: dict[str, str] | None = None
    numerics: str | None = None
    mteb_version: str | None = Field(default=None, exclude_if=lambda value: value is None)

    @property
    def candidate(self) -> ModelScores:
        """The scores of the model that is judged."""
        return self.models["candidate"]

    @property
    def rivals(self) -> dict[Rival, ModelScores]:
        """The scores of the models that the candidate must not fall behind, where there are such."""
        named: tuple[Rival, ...] = ("live", "anchor")
        return {name: self.models[name] for name in named if name in self.models}
