"""Step `card`: the model card, from the records alone; a number that no record holds cannot stand in it."""

import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
from huggingface_hub import EvalResult, ModelCardData
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipeline import code, digests, near_duplicates, personal_data, pictures, receipts, stages
from pipeline.params import Params
from pipeline.records import Accuracy, Audit, Card, Metrics, Pin, Reembed, Training, Verdict

_TEMPLATES = Path(__file__).parent / "templates"


def run(workspace: Path, params: Params) -> Card:
    """Write `card/README.md` and its pictures."""
    at = {name: workspace / path for name, path in stages.RECORDS.items()}
    pin, audit = Pin.load(at["pin"]), Audit.load(at["audit"])
    training, metrics = Training.load(at["train"]), Metrics.load(at["evaluate"])
    verdict = Verdict.load(at["gate"])
    reembed = Reembed.model_validate_json((workspace / "reembed.json").read_bytes())
    version = receipts.next_version(workspace, params.release.repo)
    commit = code.commit(workspace)
    folder = workspace / "card"
    shutil.rmtree(folder, ignore_errors=True)
    pictures.draw_accuracy(metrics, params.gate.split, folder / "pictures" / "accuracy.svg")
    pictures.draw_training(training, params.model.dims, folder / "pictures" / "training.svg")
    text = render(
        params,
        pin,
        audit,
        training,
        metrics,
        verdict,
        reembed,
        version=version,
        code_commit=commit,
        records={
            path: digests.sha256(workspace / path) for name, path in stages.RECORDS.items() if name != "card"
        },
        samples=_samples(workspace) if params.card.rows == "all" else [],
    )
    digests.write_text(folder / "README.md", text)
    _name_space(workspace, reembed.space)
    rows = pl.read_parquet(workspace / "data" / "clean" / "train.parquet").head(training.triplets)
    near_duplicates.trained_rows(rows["query"].to_list()).write_parquet(folder / "trained_rows.parquet")
    return stages.seal(
        workspace, "card", Card(version=version, candidate=verdict.candidate, code_commit=commit)
    )


def render(
    params: Params,
    pin: Pin,
    audit: Audit,
    training: Training,
    metrics: Metrics,
    verdict: Verdict,
    reembed: Reembed,
    *,
    version: str,
    code_commit: str | None,
    records: dict[str, str],
    samples: list[list[str]],
) -> str:
    """Render the card: front matter that the Hub accepts, then the text."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        # Not HTML: `cell` escapes what comes from a data set, and Markdown's own signs too.
        autoescape=False,
    )
    dataset = f"{pin.endpoint}/datasets/{pin.dataset.repo}"
    base = f"{pin.endpoint}/{pin.base.repo}"
    body = environment.get_template("card.md.j2").render(
        name=params.model.name,
        repo=params.release.repo,
        endpoint=pin.endpoint,
        version=version,
        width=training.width,
        dims=params.model.dims,
        language=params.model.language,
        license=params.model.license,
        domain=params.card.domain,
        citations=params.card.citations,
        prompts={name: json.dumps(text, ensure_ascii=False) for name, text in training.prompts.items()},
        base_link=f"[{pin.base.repo}]({base}) at [{pin.base.revision[:7]}]({base}/tree/{pin.base.revision})",
        dataset_link=f"[{pin.dataset.repo}]({dataset}) at "
        f"[{pin.dataset.revision[:7]}]({dataset}/tree/{pin.dataset.revision})",
        pin=pin,
        audit=audit,
        training=training,
        verdict=verdict,
        gate_split=params.gate.split,
        picture_split=params.gate.split,
        metrics=metrics,
        tables=_tables(metrics),
        hard={
            split: [_interval(scores[split]) if split in scores else "-" for scores in metrics.hard.values()]
            for split in metrics.hard["candidate"]
        },
        hard_models=[_shown(name) for name in metrics.hard],
        retrieval=_retrieval(metrics),
        cell_splits=_cell_splits(metrics),
        precisions=_precisions(metrics),
        probes=[
            [cell(name), kind, *(number(scores.get(name)) for scores in metrics.probes.values())]
            for name, kind in metrics.probe_kinds.items()
        ],
        probe_models=[_shown(name) for name in metrics.probes],
        stored_vectors=_stored_vectors(reembed),
        loss=json.dumps(training.loss, indent=2),
        hyperparameters=json.dumps(training.hyperparameters, indent=2, ensure_ascii=False),
        code_commit=code_commit,
        records=records,
        samples=[[cell(text) for text in row] for row in samples],
        number=number,
        reasons=lambda dropped: (
            ", ".join(f"{reason} {count}" for reason, count in dropped.items()) or "none left"
        ),
    )
    front = front_matter(params, pin, training, metrics).to_yaml(line_break="\n")
    return f"---\n{front}\n---\n\n{body}"


def front_matter(params: Params, pin: Pin, training: Training, metrics: Metrics) -> ModelCardData:
    """Give the card's metadata, with one result per split and width of the candidate."""
    results = [
        EvalResult(
            task_type="sentence-similarity",
            task_name="Triplet",
            dataset_type=pin.dataset.repo,
            dataset_name=f"{pin.dataset.repo.split('/')[1]} {split}",
            dataset_split=split,
            dataset_revision=pin.dataset.revision,
            metric_type="cosine_accuracy",
            metric_name=f"Cosine accuracy at {dim} dimensions",
            metric_value=score.accuracy,
        )
        for split, widths in metrics.models["candidate"].items()
        for dim, score in widths.items()
    ]
    return ModelCardData(
        model_name=params.model.name,
        language=list(params.model.language),
        license=params.model.license,
        library_name="sentence-transformers",
        pipeline_tag="sentence-similarity",
        tags=[
            "sentence-transformers",
            "sentence-similarity",
            "feature-extraction",
            f"dataset_size:{training.triplets}",
            "loss:MatryoshkaLoss",
            "loss:CachedMultipleNegativesRankingLoss",
        ],
        base_model=pin.base.repo,
        base_model_relation="finetune",
        datasets=[pin.dataset.repo],
        metrics=["cosine_accuracy"],
        eval_results=results,
    )


def cell(text: str) -> str:
    """Escape a text for a cell of a Markdown table, so that it shows as it is and can do nothing."""
    plain = " ".join("".join(sign for sign in text if sign.isprintable() or sign.isspace()).split())
    for sign in "\\`*_{}[]()#+!|~$":
        plain = plain.replace(sign, f"\\{sign}")
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def number(value: float | str | bool | None) -> str:
    """Show a number with four decimals; nothing as a dash."""
    return "-" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)


def _tables(metrics: Metrics) -> dict[str, dict[str, Any]]:
    candidate = metrics.models["candidate"]
    return {
        split: {
            "rows": next(iter(widths.values())).rows,
            "models": [_shown(name) for name in metrics.models],
            "cells": {
                dim: [
                    _interval(scores[split][dim]) if dim in scores[split] else "-"
                    for scores in metrics.models.values()
                ]
                for dim in widths
            },
        }
        for split, widths in candidate.items()
    }


def _shown(model: str) -> str:
    return "this model" if model == "candidate" else model


def _retrieval(metrics: Metrics) -> dict[str, dict[str, Any]]:
    return {
        name: {
            "source": metrics.retrieval_source[name],
            "queries": next(iter(widths.values())).queries,
            "rows": [
                [
                    dim,
                    _shown(model),
                    *(number(value) for value in (one.ndcg10, one.mrr10, one.recall10, one.recall100)),
                ]
                for dim in widths
                for model, sets in metrics.retrieval.items()
                if (one := sets[name].get(dim)) is not None
            ],
        }
        for name, widths in metrics.retrieval["candidate"].items()
    }


def _cell_splits(metrics: Metrics) -> list[str]:
    return sorted({split for row in metrics.cells.values() for one in row.values() for split in one.ndcg10})


def _precisions(metrics: Metrics) -> list[list[Any]]:
    splits = _cell_splits(metrics)
    return [
        [
            dim,
            precision,
            one.bytes_per_vector,
            *(number(one.ndcg10.get(split)) for split in splits),
            f"{one.search_ms:.2f}",
        ]
        for dim, row in metrics.cells.items()
        for precision, one in row.items()
    ]


def _stored_vectors(reembed: Reembed) -> str:
    """Say in a sentence what becomes of an index that holds the live model's vectors."""
    if reembed.compatible is None:
        return f"there was no live model to be compatible with; the vector space is `{reembed.space}`."
    shown = {name: number(value) for name, value in reembed.ndcg10.items()}
    if reembed.compatible:
        return (
            f"compatible with the live model's (space `{reembed.space}`): its queries on old documents reach "
            f"nDCG@10 {shown['new_on_old']}, where the live model alone has {shown['live']}."
        )
    return (
        f"**a new vector space** (`{reembed.space}`, before it `{reembed.live_space}`): embed all documents "
        f"again first; on old ones its queries reach nDCG@10 {shown.get('new_on_old', '-')}."
    )


def _name_space(workspace: Path, space: str) -> None:
    """Put the vector space's name into the configuration that is released with the model."""
    name = "config_sentence_transformers.json"
    config = json.loads((workspace / "model" / name).read_text(encoding="utf-8"))
    text = json.dumps({**config, "katman_space": space}, indent=2, ensure_ascii=False)
    digests.write_text(workspace / "card" / name, text + "\n")


def _interval(score: Accuracy) -> str:
    return f"{score.accuracy:.4f} ({score.low:.4f} to {score.high:.4f})"


def _samples(workspace: Path) -> list[list[str]]:
    """Give three rows without personal data in them."""
    rows = pl.read_parquet(workspace / "data" / "clean" / "train.parquet", n_rows=1000)
    texts = [list(row) for row in rows.select("query", "positive", "negative").iter_rows()]
    return [row for row in texts if not any(personal_data.found(text) for text in row)][:3]
