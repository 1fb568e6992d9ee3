"""Step `evaluate`: measure every model on the same rows in one process, each text set from one encoding."""

import platform
from contextlib import AbstractContextManager
from importlib.metadata import version
from pathlib import Path

import polars as pl
import torch

from pipeline.dataset import language
from pipeline.dataset.training_fingerprint import TRAINED_ROWS, near
from pipeline.device import hardware as machine
from pipeline.device import launch, ranks
from pipeline.device.numerics import settle
from pipeline.embedding import loading
from pipeline.embedding.vector_cache import Cache, Encoder
from pipeline.embedding.vector_space import live_space
from pipeline.errors import InvalidParams
from pipeline.params import Params
from pipeline.records import EncodedTexts, Machine, Metrics, ModelName, ModelScores, Pin, ProbeSet
from pipeline.stages.evaluate import candidate, mteb_probes, probes, quantization
from pipeline.stages.evaluate.mteb_probes import TaskProbe
from pipeline.stages.evaluate.retrieval import Collection
from pipeline.stages.evaluate.score_model import (
    Rows,
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

_LIBRARIES = ("sentence-transformers", "transformers", "torch", "tokenizers", "numpy", "polars")


def run(workspace: Path, params: Params) -> Metrics:
    """Measure base, candidate, live and anchor.

    It writes `outcomes.parquet`, `retrieved.parquet`, `reembed.json` and the metrics. With `hardware.launch`
    this process starts ranks on this machine, each of which calls this and encodes its share of the blocks;
    rank 0 alone writes.

    Raises:
        InvalidData: A split, a probe or the retrieval set cannot be measured on, or a model not be loaded.
        InvalidParams: The base or the candidate is narrower than `model.dims` asks for.
    """
    if params.hardware.launch is not None and not ranks.launched():
        launch.run(__name__, workspace, launch.one_machine(params.hardware))
        return Metrics.load(workspace / paths.RECORDS["evaluate"])
    before = lineage.opened(workspace, "evaluate")
    ranks.connect()
    pin = Pin.load(workspace / paths.RECORDS["pin"])
    granted = max(1, machine.granted_threads() // ranks.here())
    threads = granted if params.hardware.threads is None else params.hardware.threads
    torch.set_num_threads(threads)
    cache = Cache(workspace / paths.VECTORS)
    with mteb_probes.opened(workspace / paths.PROBES, pin.mteb, threads) as tasks:
        texts = _texts(workspace, pin, params, tasks)
        found, inspected = _measure(workspace, _revisions(workspace, pin), params, texts, cache)
    stored = candidate.stored_vectors(found["candidate"], texts, params, inspected.device)
    compared = candidate.compatibility(found, texts, params, inspected.device)
    metrics = Metrics(
        bf16=_bf16(params, inspected.device),
        numerics=settle(inspected.device),
        models={name: one.scores for name, one in found.items()},
        service=pin.retrieval.ref() if pin.retrieval else None,
        probe_measures={
            name: "spearman" if isinstance(probe, probes.Pairs) else "ndcg10"
            for name, probe in texts.probes.items()
        }
        | dict.fromkeys(texts.tasks, "mteb"),
        probe_sets={name: _probe_set(probe, params.model.dims[0]) for name, probe in texts.probes.items()}
        | found["candidate"].tasks,
        stored_vectors=stored,
        recommended=quantization.recommend(stored, params.evaluate.splits, params.evaluate.max_quality_loss),
        soundness=inspected.soundness,
        example=inspected.example,
        mistakes=candidate.mistakes(found["candidate"], texts, params.model.dims[0]),
        encoded=EncodedTexts.model_validate(cache.texts),
        machine=Machine(
            platform=platform.platform(),
            device=machine.device_name(inspected.device),
            libraries={"python": platform.python_version()} | {name: version(name) for name in _LIBRARIES},
        ),
        base_prompts=found["base"].prompts,
        mteb_version=version("mteb") if texts.tasks else None,
    )
    if ranks.number() > 0:
        return metrics
    cache.clean()
    rows = [one.rows for one in found.values()]
    pl.concat([part for one in rows for part in one.outcomes]).write_parquet(workspace / paths.OUTCOMES)
    pl.concat([part for one in rows for part in one.retrieved]).write_parquet(workspace / paths.RETRIEVED)
    write_text(workspace / paths.REEMBED, compared.dump())
    return lineage.seal(workspace, before, metrics)


def summary(metrics: Metrics) -> str:
    """Return a line per model and split: its triplet accuracy at each width; of pairs, its nDCG@10."""
    return "\n".join(
        f"{model:<10} {split:<5} "
        + "  ".join(f"{dim}: {score.accuracy:.4f}" for dim, score in parts.triplets.items())
        + "  ".join(f"{dim}: {one.ndcg10:.4f}" for dim, one in parts.retrieval.items() if not parts.triplets)
        for model, scores in metrics.models.items()
        for split, parts in scores.splits.items()
    )


def _texts(workspace: Path, pin: Pin, params: Params, tasks: dict[str, TaskProbe]) -> Texts:
    foldings = language.foldings(pin.languages)
    return Texts(
        splits={name: read_split(workspace, name, foldings) for name in params.evaluate.splits},
        decides=params.gate.split,
        service=probes.read_collection(workspace / paths.RETRIEVAL) if pin.retrieval else None,
        probes=probes.read_probes(workspace / paths.PROBES, but=tasks),
        tasks=tasks,
    )


def _probe_set(probe: probes.Pairs | Collection, dim: int) -> ProbeSet:
    if isinstance(probe, probes.Pairs):
        return ProbeSet(dim=dim, queries=len(probe.first), documents=None)
    return ProbeSet(dim=dim, queries=len(probe.queries), documents=len(probe.documents))


def _revisions(workspace: Path, pin: Pin) -> dict[ModelName, str]:
    """Return what is measured: every model's commit, and the digest of the candidate, which has none yet."""
    found: dict[ModelName, str] = {
        "base": pin.base.revision,
        "candidate": digests.digest(workspace / paths.MODEL),
    }
    if pin.live is not None:
        found["live"] = pin.live.revision
    if pin.anchor is not None:
        found["anchor"] = pin.anchor.revision
    return found


def _measure(
    workspace: Path, revisions: dict[ModelName, str], params: Params, texts: Texts, cache: Cache
) -> tuple[dict[ModelName, Scored], candidate.Inspected]:
    """Measure one model after the other, so that one alone is in memory; an anchor that is live, once."""
    found: dict[ModelName, Scored] = {}
    for name, revision in revisions.items():
        if name == "anchor" and revision == revisions.get("live"):
            found["anchor"] = found["live"].as_anchor()
            continue
        subject = _subject(workspace, name, revision, params, cache)
        found[name] = _score(workspace, subject, revision, texts)
        if ranks.number() == 0:
            _say(name, found[name])
        if name == "candidate":
            inspected = candidate.inspect(workspace / paths.MODEL, subject.encoder, params.card.example)
        del subject  # before the next model is loaded
    return found, inspected


def _subject(workspace: Path, name: ModelName, revision: str, params: Params, cache: Cache) -> Subject:
    """Load a model as it is used: others than the base with what they were saved with.

    The base has the recipe's length and prompts; where the recipe has no prompt, its own, without which it
    would be measured below what it can do.
    """
    folder, dims = workspace / paths.MODELS[name], params.model.dims
    is_base = name == "base"
    model = loading.load_as(folder, params.model, own_prompts=True) if is_base else loading.load(folder)
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


def _quickly(encoder: Encoder, *, unless: bool = False) -> AbstractContextManager[None]:
    """Return a context of bfloat16 on a GPU: for what no release hangs on by single rows."""
    device = encoder.model.device
    quick = device.type == "cuda" and machine.fast_bfloat16(device) and not unless
    return encoder.precision(bf16=encoder.bf16 or quick)


def _score(workspace: Path, subject: Subject, revision: str, texts: Texts) -> Scored:
    """Measure a model on the splits, the user's own retrieval set and, but for the anchor, the probes."""
    trained = workspace / paths.MODELS[subject.name] / TRAINED_ROWS
    released = subject.name in {"live", "anchor"}
    rows, splits, spaces, service = Rows(), {}, {}, {}
    for name, split in texts.splits.items():
        columns = split.rows["query"], split.rows["positive"]
        seen = _seen(trained, *columns) if released else split.rows["near_train"]
        decides = name == texts.decides
        with _quickly(subject.encoder, unless=decides):
            splits[name], spaces[name] = score_split(subject, split, seen, rows, slices=decides)
    if texts.service is not None:
        queries = pl.Series(texts.service.queries, dtype=pl.String)
        unseen = pl.Series([False] * len(queries), dtype=pl.Boolean)
        seen = _seen(trained, queries) if released else unseen
        service = score_service(subject, texts.service, seen, rows)
    # No probe for the anchor, and none for a model that has none of the widths.
    dims = () if subject.name == "anchor" else subject.dims[:1]
    with _quickly(subject.encoder):
        probed = {
            name: score_probe(subject, name, probe, dim, rows)
            for dim in dims
            for name, probe in texts.probes.items()
        }
        tasks = {
            name: probe.score(subject.encoder, dim) for dim in dims for name, probe in texts.tasks.items()
        }
    if subject.name in {"base", "anchor"}:
        spaces.clear()  # they are large, and no step asks for them
    scores = ModelScores(
        revision=revision,
        splits=splits,
        service=service,
        probes=probed | {name: one.main for name, one in tasks.items()},
        mteb={name: one.parts for name, one in tasks.items()},
    )
    prompts = {role: subject.encoder.prompt(role) or "" for role in ("query", "document")}
    return Scored(scores, rows, spaces, prompts, {name: one.texts for name, one in tasks.items()})


def _seen(trained_rows: Path, *columns: pl.Series) -> pl.Series:
    """Say of each row whether a text of it is near what a released model was trained on.

    Null where its release does not say what that was: nothing can then be left out of a comparison.
    """
    if not trained_rows.exists():
        return pl.Series([None] * len(columns[0]), dtype=pl.Boolean)
    texts = [text for column in columns for text in column.to_list()]
    found = near(trained_rows, texts).reshape(len(columns), -1)
    return pl.Series(found.any(axis=0), dtype=pl.Boolean)


def _say(name: ModelName, scored: Scored) -> None:
    for split, found in scored.scores.splits.items():
        for dim, score in list(found.retrieval.items())[:1]:
            accuracy = f"accuracy {found.triplets[dim].accuracy:.4f}, " if found.triplets else ""
            print(f"{name} {split}: {accuracy}nDCG@10 {score.ndcg10:.4f} at {dim}", flush=True)  # noqa: T201
