"""Every trained model as `evaluate` measures it, once, and any two of them before the gate."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
from sentence_transformers import SentenceTransformer

from pipeline.dataset import language
from pipeline.embedding import loading
from pipeline.embedding.vector_cache import Cache, Encoder
from pipeline.judging.spending import Count
from pipeline.judging.verdict import Evidence, gate
from pipeline.params import Params
from pipeline.records import (
    Audit,
    EncodedTexts,
    HeldOut,
    Metrics,
    ModelName,
    ModelScores,
    Pin,
    StoredVectors,
    Verdict,
)
from pipeline.records.tables import TRAITS
from pipeline.stages.evaluate import candidate, probes
from pipeline.stages.evaluate.score_model import Rows, Scored, Subject, Texts, score_probe, score_split
from pipeline.stages.evaluate.split import read_split
from pipeline.workspace import digests, paths

FIRST_LOOK = Count(number=1, spent=0.0, candidates=0, lost=False)


@dataclass(frozen=True)
class Model:
    """A trained model, measured.

    Attributes:
        scored: As a candidate.
        inspected: What only a candidate is asked.
    """

    scored: Scored
    inspected: candidate.Inspected


class Judge:
    """The gate over a workspace whose data set was pinned and audited, with a log of its own.

    Each judgement is a first look: what was judged before spends nothing of it.
    """

    def __init__(self, workspace: Path, params: Params, cache: Path) -> None:
        pin = Pin.load(workspace / paths.RECORDS["pin"])
        self.params = params
        self._audit = Audit.load(workspace / paths.RECORDS["audit"])
        self._traits = TRAITS.read(workspace / paths.TRAITS)
        self._cache = Cache(cache)
        split = read_split(workspace, params.gate.split, language.foldings(pin.languages))
        self._texts = Texts(
            splits={params.gate.split: split},
            decides=params.gate.split,
            service=None,
            probes=probes.read_probes(workspace / paths.PROBES, but=pin.mteb),
        )
        base = loading.load_as(workspace / paths.BASE, params.model, own_prompts=True)
        self._base = self._score("base", self._encoder(base, digests.digest(workspace / paths.BASE)))

    def measure(self, folder: Path) -> Model:
        """Measure a trained model as `evaluate` measures a candidate."""
        digest = digests.digest(folder)
        encoder = self._encoder(loading.load(folder), digest)
        scored = self._score("candidate", encoder)
        return Model(scored, candidate.inspect(folder, encoder, self.params.card.example))

    def judge(self, one: Model, live: Model) -> Verdict:
        """Judge one model as the candidate, where another is live."""
        found: dict[ModelName, Scored] = {
            "base": self._base,
            "candidate": one.scored,
            "live": replace(live.scored, rows=live.scored.rows.renamed("live")),
        }
        reembed = candidate.compatibility(found, self._texts, self.params, one.inspected.device)
        tables = [each.rows for each in found.values()]
        evidence = Evidence(
            audit=self._audit,
            metrics=self._metrics(found, one),
            reembed=reembed,
            outcomes=pl.concat([part for rows in tables for part in rows.outcomes]),
            retrieved=pl.concat([part for rows in tables for part in rows.retrieved]),
            traits=self._traits,
            count=FIRST_LOOK,
        )
        return gate(evidence, self.params.gate)

    def _encoder(self, model: SentenceTransformer, digest: str) -> Encoder:
        return Encoder(model, digest, self._cache, bf16=False, batch_tokens=self.params.evaluate.batch_tokens)

    def _score(self, name: ModelName, encoder: Encoder) -> Scored:
        dims = tuple(dim for dim in self.params.model.dims if dim <= encoder.width)
        subject, rows, splits, spaces = Subject(name, encoder, encoder.digest[:12], dims), Rows(), {}, {}
        for split_name, split in self._texts.splits.items():
            splits[split_name], spaces[split_name] = score_split(
                subject, split, split.rows["near_train"], rows, slices=True
            )
        probed = {
            probe: score_probe(subject, probe, texts, dims[0], rows)
            for probe, texts in self._texts.probes.items()
        }
        scores = ModelScores(revision=encoder.digest, splits=splits, service={}, probes=probed)
        return Scored(scores, rows, spaces, {})

    def _metrics(self, found: Mapping[ModelName, Scored], one: Model) -> Metrics:
        dim, split = self.params.model.dims[0], self.params.gate.split
        ndcg10: dict[HeldOut, float] = {split: one.scored.scores.splits[split].retrieval[dim].ndcg10}
        whole = StoredVectors(
            dim=dim, precision="float32", ndcg10=ndcg10, bytes_per_vector=4 * dim, search_ms=0.0
        )
        return Metrics(
            bf16=False,
            models={name: scored.scores for name, scored in found.items()},
            service=None,
            probe_measures={
                name: "spearman" if isinstance(probe, probes.Pairs) else "ndcg10"
                for name, probe in self._texts.probes.items()
            },
            stored_vectors=(whole,),
            recommended=whole,
            soundness=one.inspected.soundness,
            example=one.inspected.example,
            mistakes=None,
            encoded=EncodedTexts.model_validate(self._cache.texts),
        )
