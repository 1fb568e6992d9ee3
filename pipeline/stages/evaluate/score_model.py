"""One model measured on everything: triplets, retrieval, slices and probes."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl
import torch

from pipeline.dataset import negatives
from pipeline.dataset.slices import Slice
from pipeline.embedding.encode import triplet_scores
from pipeline.embedding.vector_cache import Encoder
from pipeline.records import Accuracy, HeldOut, ModelName, ModelScores, ProbeSet, Retrieval, SplitScores
from pipeline.records.tables import QuerySet
from pipeline.stages.evaluate import result_tables
from pipeline.stages.evaluate.compatibility import Space
from pipeline.stages.evaluate.mteb_probes import TaskProbe
from pipeline.stages.evaluate.probes import Pairs, spearman
from pipeline.stages.evaluate.quantization import VectorFormat
from pipeline.stages.evaluate.result_tables import share
from pipeline.stages.evaluate.retrieval import Collection, cut, means, measures, ranks
from pipeline.stages.evaluate.split import MeasuredSplit


@dataclass(frozen=True)
class Texts:
    """What every model is measured on.

    Attributes:
        splits: By name.
        decides: Name of the split whose slices are told apart: gate.split.
        service: The user's own retrieval set, where there is one.
        probes: By name.
        tasks: Of mteb, by the name of the probe.
    """

    splits: dict[HeldOut, MeasuredSplit]
    decides: HeldOut
    service: Collection | None
    probes: dict[str, Pairs | Collection]
    tasks: dict[str, TaskProbe] = field(default_factory=dict)


@dataclass(frozen=True)
class Rows:
    """Tables of the rows of one model, in the order in which they were measured.

    Attributes:
        outcomes: Parts of `records.tables.OUTCOMES`.
        retrieved: Parts of `records.tables.RETRIEVED`.
    """

    outcomes: list[pl.DataFrame] = field(default_factory=list)
    retrieved: list[pl.DataFrame] = field(default_factory=list)

    def renamed(self, name: ModelName) -> "Rows":
        """Return the same rows under another model's name."""
        outcomes, retrieved = (
            [table.with_columns(model=pl.lit(name)) for table in many]
            for many in (self.outcomes, self.retrieved)
        )
        return Rows(outcomes, retrieved)


@dataclass(frozen=True)
class Scored:
    """What one model scores.

    Attributes:
        scores: The record of it.
        rows: The rows behind the record.
        spaces: The vectors of each split's own texts, as long as they are asked for.
        prompts: With which it was measured, `query` and `document`.
        tasks: What tasks of mteb were measured on, by the name of the probe.
    """

    scores: ModelScores
    rows: Rows
    spaces: dict[HeldOut, Space]
    prompts: dict[str, str]
    tasks: dict[str, ProbeSet] = field(default_factory=dict)

    def as_anchor(self) -> "Scored":
        """Return what the live model scores as the anchor's, which is asked for no probe."""
        scores = self.scores.model_copy(update={"probes": {}, "mteb": {}})
        return Scored(scores, self.rows.renamed("anchor"), {}, self.prompts)


@dataclass(frozen=True)
class Subject:
    """One model to measure.

    Attributes:
        name: Which one.
        encoder: Gives its vectors.
        space: Name of its vector space.
        dims: Those of model.dims that the model has, largest first; where it has none only its vectors are
            taken.
    """

    name: ModelName
    encoder: Encoder
    space: str
    dims: tuple[int, ...]


def score_split(
    subject: Subject, split: MeasuredSplit, seen: pl.Series, rows: Rows, *, slices: bool
) -> tuple[SplitScores, Space]:
    """Measure a model on one split's triplets and own texts.

    Args:
        subject: The model.
        split: The split.
        seen: Whether the model was trained on something near each row; null where nobody knows.
        rows: Gets the rows behind the scores.
        slices: Whether accuracy by slice is wanted.

    Returns:
        The scores, and the vectors of the split's own texts.
    """
    queries, positives = (split.rows[name].to_list() for name in ("query", "positive"))
    further = list(negatives.columns(split.rows).values())
    query, document = subject.encoder.pair(queries, [text for one in (positives, *further) for text in one])
    pairs = query.of(queries), document.of(positives)
    space = Space(
        name=subject.space,
        width=subject.encoder.width,
        queries=query.of(split.own.queries),
        documents=document.of(split.own.documents),
        pairs=pairs,
        per_hour=document.per_hour,
    )
    if not subject.dims:
        return SplitScores(triplets={}, hard=None, slices={}, retrieval={}), space
    scored = triplet_scores(*pairs, [document.of(one) for one in further], subject.dims)
    rows.outcomes.extend(result_tables.triplet_rows(subject.name, split, scored, seen))
    own = _search(
        subject,
        subject.dims,
        split.own,
        (space.queries, space.documents),
        QuerySet.own(split.name),
        result_tables.query_traits(split, seen),
        rows,
    )
    hits = scored.hits()
    if hits is None:
        return SplitScores(triplets={}, hard=None, slices={}, retrieval=own), space
    hard = split.rows["hard"].to_numpy()
    by_slice = {one: share(hits[0][mask]) for one, mask in split.slices.items()} if slices else {}
    scores = SplitScores(
        triplets={dim: share(hits[place]) for place, dim in enumerate(subject.dims)},
        hard=share(hits[0][hard]) if hard.any() else None,
        slices=_by_column(by_slice),
        retrieval=own,
    )
    return scores, space


def score_service(subject: Subject, service: Collection, seen: pl.Series, rows: Rows) -> dict[int, Retrieval]:
    """Measure a model on the user's own retrieval set; `seen` as in `score_split`, per query."""
    query, document = subject.encoder.pair(service.queries, service.documents)
    vectors = query.of(service.queries), document.of(service.documents)
    return _search(subject, subject.dims, service, vectors, QuerySet.service(), _apart(seen), rows)


def score_probe(subject: Subject, name: str, probe: Pairs | Collection, dim: int, rows: Rows) -> float:
    """Measure a model outside of the domain, at one width.

    The two texts of a pair are alike, so both are encoded as queries.
    """
    if isinstance(probe, Pairs):
        found = subject.encoder.vectors([*probe.first, *probe.second], subject.encoder.prompt("query"))
        cosines = (cut(found.of(probe.first), dim) * cut(found.of(probe.second), dim)).sum(dim=1)
        return spearman(probe.score, cosines.numpy())
    query, document = subject.encoder.pair(probe.queries, probe.documents)
    vectors = query.of(probe.queries), document.of(probe.documents)
    seen = pl.Series([False] * len(probe.ids), dtype=pl.Boolean)
    return _search(subject, (dim,), probe, vectors, QuerySet(name), _apart(seen), rows)[dim].ndcg10


def _by_column(scores: dict[Slice, Accuracy]) -> dict[str, dict[str, Accuracy]]:
    found: dict[str, dict[str, Accuracy]] = {}
    for one, score in scores.items():
        found.setdefault(one.column, {})[one.value] = score
    return found


def _apart(seen: pl.Series) -> pl.DataFrame:
    """Return traits of queries that have nothing to do with each other: each is its own component."""
    return pl.DataFrame({"component": pl.arange(len(seen), dtype=pl.UInt32, eager=True), "seen": seen})


def _search(
    subject: Subject,
    dims: Sequence[int],
    found: Collection,
    vectors: tuple[torch.Tensor, torch.Tensor],
    queries: QuerySet,
    traits: pl.DataFrame,
    rows: Rows,
) -> dict[int, Retrieval]:
    """Search a collection at every width in float32; the queries' rows go into the result."""
    device = subject.encoder.model.device
    by_dim = {}
    for dim in dims:
        rank = ranks(found, *(cut(one, dim).to(device) for one in vectors))
        per_query = measures(found, rank)
        stored = VectorFormat(dim, "float32")
        rows.retrieved.append(result_tables.query_rows(subject.name, queries, stored, per_query, traits))
        by_dim[dim] = means(per_query, len(found.documents))
    return by_dim
