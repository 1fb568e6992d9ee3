"""A workspace in which every record stands over files made by hand: what `release` needs, in a second.

Nothing is trained and only the candidate is measured; the verdict is the gate's own, on tables made for it.
"""

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.params import load
from pipeline.records import (
    Accuracy,
    Audit,
    Card,
    EncodedTexts,
    Example,
    Metrics,
    Mistakes,
    ModelName,
    ModelScores,
    Pin,
    Record,
    Reembed,
    Retrieval,
    Soundness,
    SplitAudit,
    SplitScores,
    StoredVectors,
    Training,
    Verdict,
)
from pipeline.records.log import Groups, Look
from pipeline.records.tables import OUTCOMES, RETRIEVED, TRAITS
from pipeline.stages.gate import step as gate
from pipeline.workspace import digests, git, lineage, log, paths, receipts
from pipeline.workspace.files import write_text
from tests.support import workspaces

# What the gate itself comes to, where the tables are made for it.
_BY_TABLES = {"needs_human", "better_than_anchor", "first_release"}
_ROWS = 20
# The live model where a new vector space is asked for and params.yaml has none.
_STRANGER = "9" * 40

RECIPE: dict[str, Any] = {"seed": 1, "bf16": False, "architecture": "BertModel", "model_type": "bert"}


def verdict(candidate: str, **changes: Any) -> Verdict:
    """Give a verdict that passed."""
    values: dict[str, Any] = {
        "candidate": candidate,
        "passed": True,
        "outcome": "passed",
        "first_release": True,
        "compared_with": {},
        "look": 1,
        "looks_allowed": 5,
        "looks_left": 4,
        "checks": {"floor_32": {"value": 0.9, "rule": ">=", "wanted": 0.5, "passed": True}},
        "comparisons": {},
        "needs_human": False,
        "better_than_anchor": False,
        "assumptions": {},
    }
    return Verdict.model_validate(values | changes)


def reembed(space: str, *, compatible: bool | None = None) -> Reembed:
    """Say whether stored vectors can stay."""
    return Reembed(
        compatible=compatible,
        space=space,
        live_space=None,
        ndcg10={},
        score_shift={},
        vectors_per_hour=1.0,
        gigabytes_per_million={},
    )


def measured(folder: Path) -> pl.DataFrame:
    """Give what `evaluate` keeps of the candidate on the rows that `write_rows` wrote."""
    from pipeline.embedding import encode, loading

    params = load(folder)
    rows = pl.read_parquet(folder / "data" / "clean" / "test.parquet")
    model = loading.load(folder / "model")
    query, positive, negative = (rows[name].to_list() for name in ("query", "positive", "negative"))
    scored = encode.score_triplets(
        model, query, positive, [negative], params.model.dims, query_prompt=None, document_prompt=None
    )
    assert scored.negative is not None
    return pl.concat(
        OUTCOMES.shape(
            rows.with_columns(
                model=pl.lit("candidate"),
                split=pl.lit("test"),
                group=pl.col("query"),
                dim=pl.lit(dim),
                cos_positive=pl.Series(scored.positive[place]),
                cos_negative=pl.Series(scored.negative[place]),
                seen=pl.lit(value=False),
            )
        )
        for place, dim in enumerate(params.model.dims)
    )


def _measure(folder: Path, others: Iterable[str], *, better: bool) -> None:
    """Write a clean test split, and what the candidate and the other models, which are like it, make of it.

    Args:
        folder: The workspace.
        others: Models that the candidate is compared with.
        better: Whether the candidate retrieves better than the anchor.
    """
    rows = pl.DataFrame(workspaces.triplets(_ROWS)).with_row_index("row")
    path = folder / "data" / "clean" / "test.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows.write_parquet(path)
    ours = measured(folder)
    models = ("candidate", *others)
    outcomes = [ours.with_columns(model=pl.lit(name)) for name in models]
    OUTCOMES.shape(pl.concat(outcomes)).write_parquet(folder / paths.OUTCOMES)
    queries = ours.select("group", "dim").unique(maintain_order=True)
    retrieved = [
        queries.with_row_index("component").with_columns(
            model=pl.lit(name),
            set=pl.lit("own"),
            split=pl.lit("test"),
            query=pl.col("group"),
            precision=pl.lit("float32"),
            ndcg10=pl.lit(0.0) if better and name == "anchor" else 1.0 - pl.col("component") % 3 / 10,
            mrr10=0.5,
            recall10=0.5,
            recall100=0.5,
            seen=pl.lit(value=False),
        )
        for name in models
    ]
    RETRIEVED.shape(pl.concat(retrieved)).write_parquet(folder / paths.RETRIEVED)
    traits = rows.with_columns(
        split=pl.lit("test"),
        group=pl.col("query"),
        component=pl.col("row"),
        **{name: pl.lit(value=False) for name in ("hard", "near_train", "new", "personal")},
    )
    TRAITS.shape(traits).write_parquet(folder / paths.TRAITS)
    (folder / paths.LEDGER).touch()


def groups(folder: Path) -> tuple[str, ...]:
    """Give the groups of the test rows."""
    return tuple(TRAITS.read(folder / paths.TRAITS)["group"].unique().sort())


def _scores(revision: str, dims: Iterable[int]) -> ModelScores:
    """Give means that the floors of `SMALL` let pass."""
    accuracy = Accuracy(accuracy=0.9, low=0.8, high=1.0, rows=_ROWS)
    retrieval = Retrieval(ndcg10=0.6, mrr10=0.5, recall10=0.5, recall100=0.5, queries=_ROWS)
    split = SplitScores(
        triplets=dict.fromkeys(dims, accuracy), hard=None, slices={}, retrieval=dict.fromkeys(dims, retrieval)
    )
    return ModelScores(revision=revision, splits={"test": split}, service={}, probes={})


def _placeholder(path: Path) -> None:
    """Put something where a stage would leave a file or, where the name has no suffix, a folder."""
    if not path.exists():
        target = path if path.suffix else path / "none"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("made by hand\n", encoding="utf-8")


def _models(folder: Path, candidate: str, said: Mapping[str, Any]) -> dict[ModelName, str]:
    """Give the commit of each model that is measured, by its name."""
    params = load(folder)
    live, anchor = params.live.revision, params.anchor.revision
    if said.get("needs_human"):
        live = live or _STRANGER
    if said.get("first_release"):
        live = None
    named: dict[ModelName, str | None] = {
        "base": params.base.revision,
        "candidate": candidate,
        "live": live,
        "anchor": anchor,
    }
    return {name: revision for name, revision in named.items() if revision is not None}


def records(folder: Path, candidate: str, said: Mapping[str, Any]) -> dict[str, Record]:
    """Make every record of a candidate, before it is sealed."""
    params = load(folder)
    repo: dict[str, Any] = {"private": False, "license": None, "files": {}}
    dataset = {"repo": params.dataset.repo, "revision": params.dataset.revision, **repo}
    base = {"repo": params.base.repo, "revision": params.base.revision, **repo}
    models = {
        name: None if revision is None else {"repo": params.live.repo, "revision": revision, **repo}
        for name, revision in (("live", params.live.revision), ("anchor", params.anchor.revision))
    }
    split = {"source": "train", "cut": False, "rows": 1, "moved_in": 0, "moved_out": 0}
    pin = Pin.model_validate(
        {"endpoint": "http://127.0.0.1", "dataset": dataset, "base": base, **models, "retrieval": None}
        | {"probes": {}, "converted_pickles": (), "splits": dict.fromkeys(("train", "dev", "test"), split)}
    )
    training = Training.model_validate(
        {
            "recipe_version": 1,
            "engine": "katman",
            "loss": {},
            "hyperparameters": {},
            "non_default": (),
            "triplets": 1,
            "steps": 1,
        }
        | {
            "curve": (),
            "parameters": 1,
            "width": 32,
            "max_seq_length": 16,
            "prompts": {},
            "versions": {},
            **RECIPE,
        }
        | {
            "speed": dict.fromkeys(("model_flops_utilisation", "hardware_flops_utilisation", "energy_joules"))
            | dict.fromkeys(("seconds", "triplets_per_second", "tokens_per_second"), 1.0)
            | {"padding_share": 0.0, "second_forward_share": 0.0, "peak_memory_bytes": 1}
            | {"device": "cpu", "threads": 1}
        }
    )
    stored = StoredVectors(dim=32, precision="float32", ndcg10={}, bytes_per_vector=128, search_ms=0.0)
    metrics = Metrics(
        bf16=False,
        models={
            name: _scores(revision, params.model.dims)
            for name, revision in _models(folder, candidate, said).items()
        },
        service=None,
        probe_measures={},
        stored_vectors=(stored,),
        recommended=stored,
        soundness=Soundness(weights_finite=True, unit_norm=True, safetensors_only=True),
        example=Example(queries=(), documents=(), similarities=()),
        mistakes=Mistakes(split="test", dim=32, wrong=0, kinds={}, worst={}),
        encoded=EncodedTexts(encoded=0, cached=0),
    )
    split_audit = SplitAudit(
        rows=_ROWS, kept=_ROWS, groups=_ROWS, components=_ROWS, found={}, dropped={}, tokens={}
    )
    audit = Audit(
        splits={"test": split_audit},
        shortcut={},
        personal_data={},
        near_train={"test": 0},
        test_digest="t",
        rejected_share=0.0,
    )
    version = receipts.next_version(folder, params.release.repo)
    return {
        "pin": pin,
        "audit": audit,
        "train": training,
        "evaluate": metrics,
        "gate": verdict(candidate, **{"first_release": params.live.revision is None} | dict(said)),
        "card": Card(version=version, candidate=candidate, code_commit=git.head(folder)),
    }


def seal(folder: Path, **said: Any) -> str:
    """Make what stands in model/ the judged candidate.

    Args:
        folder: A workspace of `make`.
        said: What the verdict says otherwise than `verdict` does; the gate says it where it follows from what
            was measured, else the verdict is written by hand, as nobody's release may rest on it.

    Returns:
        The candidate.
    """
    candidate = digests.digest(folder / "model")
    made = records(folder, candidate, said)
    version = receipts.next_version(folder, load(folder).release.repo)
    (folder / "card").mkdir(exist_ok=True)
    text = f"---\nlicense: apache-2.0\n---\n# Tiny\n\n**Version:** {version}\n"
    (folder / "card" / "README.md").write_text(text, encoding="utf-8")
    compatible = False if said.get("needs_human") else None
    write_text(folder / "reembed.json", reembed(candidate[:12], compatible=compatible).model_dump_json())
    others = [name for name in _models(folder, candidate, said) if name != "candidate"]
    _measure(folder, others, better=bool(said.get("better_than_anchor")))
    listed = [lineage.stage(folder, name) for name in lineage.NAMES]
    for path in [path for stage in listed for path in (*stage.deps, *stage.outs)]:
        if path not in paths.RECORDS.values():
            _placeholder(folder / path)
    for name in lineage.NAMES:
        if name == "gate" and not said.keys() - _BY_TABLES:
            assert gate.run(folder, load(folder)).passed
        else:
            lineage.seal(folder, lineage.opened(folder, name), made[name])
    _look(folder, candidate, Verdict.load(folder / paths.RECORDS["gate"]))
    workspaces.commit(folder)
    return candidate


def _look(folder: Path, candidate: str, judged: Verdict) -> None:
    """Log the candidate's look, as the gate does."""
    known = [entry.what for entry in log.entries(folder).values() if isinstance(entry.what, Look)]
    if all((one.candidate, one.outcome) != (candidate, judged.outcome) for one in known):
        log.append(
            folder,
            Look(
                candidate=candidate,
                test_digest="t",
                groups=Groups(besides=groups(folder)),
                gate=json.loads(load(folder).gate.model_dump_json()),
                alpha=0.01,
                outcome=judged.outcome,
                compared_with=judged.compared_with,
            ),
        )


def make(folder: Path, model: Path, changes: Mapping[str, Any], **said: Any) -> Path:
    """Make a workspace whose candidate is a copy of `model`, judged as `seal` says."""
    workspaces.make(folder, changes)
    shutil.copytree(model, folder / "model", ignore=shutil.ignore_patterns(".gitattributes"))
    seal(folder, **said)
    return folder
