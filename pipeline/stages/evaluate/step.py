"""Step `evaluate`: measure every model on the same rows in one process, each text set from one encoding."""

from pathlib import Path

import polars as pl
import torch

from pipeline.dataset.training_fingerprint import TRAINED_ROWS, near
from pipeline.embedding import hardware as machine
from pipeline.embedding import loading
from pipeline.embedding.vector_cache import Cache, Encoder
from pipeline.embedding.vector_space import live_space
from pipeline.errors import InvalidParams
from pipeline.params import Params
from pipeline.params.evaluate import Precision
from pipeline.records import Cell, Metrics, Mistakes, Pin, Soundness
from pipeline.stages.evaluate import (
    error_analysis,
    probes,
    quantization,
    result_tables,
    usage_example,
    weight_checks,
)
from pipeline.stages.evaluate.compatibility import reembed
from pipeline.stages.evaluate.result_tables import accuracy as accuracy
from pipeline.stages.evaluate.retrieval import means, measures, ranks
from pipeline.stages.evaluate.score_model import (
    Scored,
    Subject,
    Texts,
    score_probe,
    score_service,
    score_split,
)
from pipeline.stages.evaluate.split import read_split
from pipeline.workspace import digests, lineage, paths
from pipeline.workspace.files import write_text


def run(workspace: Path, params: Params) -> Metrics:
    """Measure base, candidate, live and anchor.

    It writes `outcomes.parquet`, `retrieved.parquet`, `reembed.json` and the metrics.

    Raises:
        InvalidData: A split, a probe or the retrieval set cannot be measured on, or a model not be loaded.
        InvalidParams: The base or the candidate is narrower than `model.dims` asks for.
    """
    pin = Pin.load(workspace / paths.RECORDS["pin"])
    threads = params.hardware.threads
    torch.set_num_threads(machine.granted_threads() if threads is None else threads)
    texts = _texts(workspace, params)
    revisions = _revisions(workspace, pin)
    cache = Cache(workspace / paths.VECTORS)
    found: dict[str, Scored] = {}
    for name in revisions:
        if name == "anchor" and revisions["anchor"] == revisions.get("live"):
            found["anchor"] = found["live"].renamed("anchor")
            continue
        subject = _subject(workspace, name, revisions[name], params, cache)
        found[name] = _score(workspace, subject, texts)
        _say(name, found[name])
        if name == "candidate":
            device = subject.encoder.model.device
            sound = _soundness(workspace / paths.MODELS[name], subject.encoder)
            answered = usage_example.answer(subject.encoder.model, params.card.example)
        del subject  # before the next model is loaded
    cells = _cells(found["candidate"], texts, params, device)
    compared = reembed(
        texts.splits[texts.decides].own,
        found["candidate"].spaces[texts.decides],
        found["live"].spaces[texts.decides] if "live" in found else None,
        params.model.dims,
        params.evaluate.precisions,
        params.evaluate.compatible_loss,
        device=device,
    )
    cache.clean()
    for path, tables in (
        (paths.OUTCOMES, [table for one in found.values() for table in one.outcomes]),
        (paths.RETRIEVED, [table for one in found.values() for table in one.retrieved]),
    ):
        pl.concat(tables).write_parquet(workspace / path)
    write_text(workspace / paths.REEMBED, compared.dump())
    metrics = Metrics(
        candidate=revisions["candidate"],
        revisions=revisions,
        bf16=_bf16(params, device),
        models={name: one.models for name, one in found.items()},
        hard={name: one.hard for name, one in found.items()},
        retrieval={name: one.retrieval for name, one in found.items()},
        retrieval_source=_sources(pin, texts),
        probes={name: one.probes for name, one in found.items() if name != "anchor"},
        probe_kinds={
            name: "spearman" if isinstance(probe, probes.Pairs) else "ndcg10"
            for name, probe in texts.probes.items()
        },
        slices={name: one.slices for name, one in found.items()},
        cells=cells,
        chosen=quantization.choose(cells, params.evaluate.splits, params.evaluate.max_quality_loss),
        soundness=sound,
        example=answered,
        mistakes=_mistakes(found["candidate"], texts, params.model.dims[0]),
        encoded=dict(cache.texts),
    )
    return lineage.seal(workspace, "evaluate", metrics)


def summary(metrics: Metrics) -> str:
    """Return a line per model and split: its triplet accuracy at each width."""
    return "\n".join(
        f"{model:<10} {split:<5} " + "  ".join(f"{dim}: {score.accuracy:.4f}" for dim, score in dims.items())
        for model, splits in metrics.models.items()
        for split, dims in splits.items()
    )


def _texts(workspace: Path, params: Params) -> Texts:
    retrieval = workspace / paths.RETRIEVAL
    return Texts(
        splits={name: read_split(workspace, name) for name in params.evaluate.splits},
        decides=params.gate.split,
        service=None if probes.nothing(retrieval) else probes.read_collection(retrieval),
        probes=probes.read_probes(workspace / paths.PROBES),
    )


def _revisions(workspace: Path, pin: Pin) -> dict[str, str]:
    """Give what is measured: every model's commit, and the digest of the candidate, which has none yet."""
    pinned = {"live": pin.live, "anchor": pin.anchor}
    return {
        "base": pin.base.revision,
        "candidate": digests.digest(workspace / paths.MODELS["candidate"]),
    } | {name: repo.revision for name, repo in pinned.items() if repo is not None}


def _sources(pin: Pin, texts: Texts) -> dict[str, str]:
    sources = {f"own_{split}": "the split's own texts" for split in texts.splits}
    if texts.service is not None:
        repo = pin.retrieval
        sources["service"] = paths.RETRIEVAL if repo is None else f"{repo.repo}@{repo.revision}"
    return sources


def _subject(workspace: Path, name: str, revision: str, params: Params, cache: Cache) -> Subject:
    """Load a model: the base with the recipe's prompts and length, others with what they were saved with."""
    folder, dims = workspace / paths.MODELS[name], params.model.dims
    model = loading.load_as(folder, params.model) if name == "base" else loading.load(folder)
    bf16 = _bf16(params, model.device)
    digest = revision if name == "candidate" else digests.digest(folder)
    encoder = Encoder(model, digest, cache, bf16, params.evaluate.batch_tokens)
    if name == "candidate" and encoder.width < dims[0]:
        raise InvalidParams(
            f"the candidate has {encoder.width} dimensions and model.dims asks for {dims[0]}; "
            "it cannot be judged there. Correct model.dims, and train again"
        )
    space = revision[:12] if name == "candidate" else live_space(folder, revision)
    return Subject(name, encoder, space, tuple(dim for dim in dims if dim <= encoder.width))


def _bf16(params: Params, device: torch.device) -> bool:
    return params.evaluate.bf16 and machine.fast_bfloat16(device)


def _score(workspace: Path, subject: Subject, texts: Texts) -> Scored:
    result = Scored()
    trained = workspace / paths.MODELS[subject.name] / TRAINED_ROWS
    released = subject.name in {"live", "anchor"}
    for name, split in texts.splits.items():
        rows = split.rows
        seen = _seen(trained, rows["query"], rows["positive"]) if released else rows["near_train"]
        score_split(subject, split, seen, result, slices=name == texts.decides)
    if texts.service is not None:
        queries = pl.Series(texts.service.queries, dtype=pl.String)
        unseen = pl.Series([False] * len(queries), dtype=pl.Boolean)
        score_service(subject, texts.service, _seen(trained, queries) if released else unseen, result)
    if subject.name != "anchor":
        for name, probe in texts.probes.items():
            score_probe(subject, name, probe, result)
    if subject.name in {"base", "anchor"}:
        result.spaces.clear()  # they are large, and nobody asks for them
    return result


def _seen(trained_rows: Path, *columns: pl.Series) -> pl.Series:
    """Say of each row whether a text of it is near what a released model was trained on.

    Null where its release does not say what that was: nothing can then be left out of a comparison.
    """
    if not trained_rows.exists():
        return pl.Series([None] * len(columns[0]), dtype=pl.Boolean)
    texts = [text for column in columns for text in column.to_list()]
    found = near(trained_rows, texts).reshape(len(columns), -1)
    return pl.Series(found.any(axis=0), dtype=pl.Boolean)


def _soundness(folder: Path, encoder: Encoder) -> Soundness:
    return Soundness(
        weights_finite=weight_checks.weights_finite(folder),
        unit_norm=encoder.unit_norm,
        safetensors_only=weight_checks.safetensors_only(folder),
    )


def _cells(
    candidate: Scored, texts: Texts, params: Params, device: torch.device
) -> dict[int, dict[str, Cell]]:
    """Measure the candidate's own texts at every width and precision; float32 is measured already."""
    quality: dict[tuple[int, Precision], dict[str, float]] = {}
    for name, split in texts.splits.items():
        space = candidate.spaces[name]
        for dim in params.model.dims:
            vectors = space.at(dim, device)
            for kind in params.evaluate.precisions:
                if kind == "float32":
                    ndcg10 = candidate.retrieval[f"own_{name}"][dim].ndcg10
                else:
                    per_query = measures(split.own, ranks(split.own, *quantization.quantized(*vectors, kind)))
                    ndcg10 = means(per_query).ndcg10
                    traits = result_tables.query_traits(split, split.rows["near_train"])
                    candidate.retrieved.append(
                        result_tables.query_rows("candidate", ("own", name), (dim, kind), per_query, traits)
                    )
                quality.setdefault((dim, kind), {})[name] = ndcg10
    documents = next(iter(candidate.spaces.values())).documents
    return quantization.cells(quality, documents, params.evaluate.search_vectors)


def _mistakes(candidate: Scored, texts: Texts, dim: int) -> Mistakes:
    split = texts.splits[texts.decides]
    ours = pl.concat(candidate.outcomes).filter(pl.col("split") == split.name, pl.col("dim") == dim)
    return error_analysis.find(split, ours.select("row", "cos_positive", "cos_negative"), dim)


def _say(name: str, scored: Scored) -> None:
    for split, by_dim in scored.models.items():
        for dim, found in list(by_dim.items())[:1]:
            ndcg10 = scored.retrieval[f"own_{split}"][dim].ndcg10
            print(  # noqa: T201
                f"{name} {split}: accuracy {found.accuracy:.4f}, nDCG@10 {ndcg10:.4f} at {dim}", flush=True
            )
