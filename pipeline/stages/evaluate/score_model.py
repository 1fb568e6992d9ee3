"""One model measured on everything: triplets, retrieval, slices and probes."""

from dataclasses import dataclass, field, replace

import polars as pl
import torch

from pipeline.embedding.encode import triplet_scores
from pipeline.embedding.vector_cache import Encoder
from pipeline.records import Accuracy, Retrieval
from pipeline.stages.evaluate import result_tables
from pipeline.stages.evaluate.compatibility import Space
from pipeline.stages.evaluate.probes import Pairs, spearman
from pipeline.stages.evaluate.result_tables import share
from pipeline.stages.evaluate.retrieval import Collection, cut, means, measures, ranks
from pipeline.stages.evaluate.split import Split


@dataclass(frozen=True)
class Texts:
    """What every model is measured on.

    Attributes:
        splits: By name.
        decides: Name of the split whose slices are told apart: gate.split.
        service: The user's own retrieval set, where there is one.
        probes: By name.
    """

    splits: dict[str, Split]
    decides: str
    service: Collection | None
    probes: dict[str, Pairs | Collection]


@dataclass(frozen=True)
class Scored:
    """What one model scores; a field named as one of `records.Metrics` is its part of it.

    Attributes:
        outcomes: Tables for `outcomes.parquet`.
        retrieved: Tables for `retrieved.parquet`.
        spaces: The model's vectors of each split's own texts.
    """

    outcomes: list[pl.DataFrame] = field(default_factory=list)
    retrieved: list[pl.DataFrame] = field(default_factory=list)
    spaces: dict[str, Space] = field(default_factory=dict)
    models: dict[str, dict[int, Accuracy]] = field(default_factory=dict)
    hard: dict[str, Accuracy] = field(default_factory=dict)
    retrieval: dict[str, dict[int, Retrieval]] = field(default_factory=dict)
    probes: dict[str, float] = field(default_factory=dict)
    slices: dict[str, Accuracy] = field(default_factory=dict)

    def renamed(self, name: str) -> "Scored":
        """Give the same under another model's name."""
        tables = (
            [table.with_columns(model=pl.lit(name)) for table in many]
            for many in (self.outcomes, self.retrieved)
        )
        return replace(self, outcomes=next(tables), retrieved=next(tables))


@dataclass(frozen=True)
class Subject:
    """One model to measure.

    Attributes:
        name: `base`, `candidate`, `live` or `anchor`.
        encoder: Gives its vectors.
        space: Name of its vector space.
        dims: Those of model.dims that it has, largest first; where it has none only its vectors are taken.
    """

    name: str
    encoder: Encoder
    space: str
    dims: tuple[int, ...]


def score_split(subject: Subject, split: Split, seen: pl.Series, result: Scored, *, slices: bool) -> None:
    """Measure a model on one split's triplets and own texts, and put it into the result.

    Args:
        subject: The model.
        split: The split.
        seen: Whether the model was trained on something near each row; null where nobody knows.
        result: It is added to.
        slices: Whether accuracy by slice is wanted.
    """
    queries, positives, negatives = (split.rows[name].to_list() for name in ("query", "positive", "negative"))
    query, document = subject.encoder.pair(queries, [*positives, *negatives])
    pairs = query.of(queries), document.of(positives)
    result.spaces[split.name] = Space(
        name=subject.space,
        width=subject.encoder.width,
        queries=query.of(split.own.queries),
        documents=document.of(split.own.documents),
        pairs=pairs,
        per_hour=document.per_hour,
    )
    result.models[split.name] = {}
    result.retrieval[f"own_{split.name}"] = {}
    if not subject.dims:
        return
    scored = triplet_scores(*pairs, document.of(negatives), subject.dims)
    result.outcomes.extend(result_tables.triplet_rows(subject.name, split, scored, seen))
    hits = scored.positive > scored.negative
    result.models[split.name] |= {dim: share(hits[place]) for place, dim in enumerate(subject.dims)}
    hard = split.rows["hard"].to_numpy()
    if hard.any():
        result.hard[split.name] = share(hits[0][hard])
    if slices:
        result.slices.update({key: share(hits[0][mask]) for key, mask in split.slices.items()})
    space = result.spaces[split.name]
    result.retrieval[f"own_{split.name}"] |= _search(
        subject,
        subject.dims,
        split.own,
        (space.queries, space.documents),
        ("own", split.name),
        result_tables.query_traits(split, seen),
        result,
    )


def score_service(subject: Subject, service: Collection, seen: pl.Series, result: Scored) -> None:
    """Measure a model on the user's own retrieval set; `seen` as in `score_split`, per query."""
    query, document = subject.encoder.pair(service.queries, service.documents)
    result.retrieval["service"] = _search(
        subject,
        subject.dims,
        service,
        (query.of(service.queries), document.of(service.documents)),
        ("service", None),
        _apart(seen),
        result,
    )


def score_probe(subject: Subject, name: str, probe: Pairs | Collection, result: Scored) -> None:
    """Measure a model outside of the domain, at the largest width.

    The two texts of a pair are alike, so both are encoded as queries.
    """
    if not subject.dims:
        return
    dim = subject.dims[0]
    if isinstance(probe, Pairs):
        found = subject.encoder.vectors([*probe.first, *probe.second], subject.encoder.prompt("query"))
        cosines = (cut(found.of(probe.first), dim) * cut(found.of(probe.second), dim)).sum(dim=1)
        result.probes[name] = spearman(probe.score, cosines.numpy())
        return
    query, document = subject.encoder.pair(probe.queries, probe.documents)
    vectors = query.of(probe.queries), document.of(probe.documents)
    seen = pl.Series([False] * len(probe.ids), dtype=pl.Boolean)
    searched = _search(subject, (dim,), probe, vectors, (name, None), _apart(seen), result)
    result.probes[name] = searched[dim].ndcg10


def _apart(seen: pl.Series) -> pl.DataFrame:
    """Give traits of queries that have nothing to do with each other: each is its own component."""
    return pl.DataFrame({"component": pl.arange(len(seen), dtype=pl.UInt32, eager=True), "seen": seen})


def _search(
    subject: Subject,
    dims: tuple[int, ...],
    found: Collection,
    vectors: tuple[torch.Tensor, torch.Tensor],
    place: tuple[str, str | None],
    traits: pl.DataFrame,
    result: Scored,
) -> dict[int, Retrieval]:
    """Search a collection at every width in float32; the queries' rows go into the result."""
    device = subject.encoder.model.device
    by_dim = {}
    for dim in dims:
        rank = ranks(found, *(cut(one, dim).to(device) for one in vectors))
        per_query = measures(found, rank)
        result.retrieved.append(
            result_tables.query_rows(subject.name, place, (dim, "float32"), per_query, traits)
        )
        by_dim[dim] = means(per_query)
    return by_dim
