"""Data sets of every shape go through the whole line: pairs, and several negatives as columns or as lists."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from huggingface_hub import HfApi

from pipeline.commands import release
from pipeline.embedding import loading
from pipeline.embedding.encode import encode
from pipeline.params import load
from pipeline.records import Metrics, Training, Verdict
from pipeline.records.tables import OUTCOMES, text_columns
from pipeline.stages.audit import step as audit
from pipeline.stages.card import step as card
from pipeline.stages.evaluate import step as evaluate
from pipeline.stages.gate import step as gate
from pipeline.stages.pin import step as pin
from pipeline.stages.train import step as train
from pipeline.workspace import paths
from tests.conftest import Stage
from tests.support import workspaces

Columns = dict[str, list[Any]]
REPO = "tester/shapes"


def pairs(rows: Columns) -> Columns:
    return {"query": rows["query"], "positive": rows["positive"], "label": [1] * len(rows["query"])}


def columns(rows: Columns) -> Columns:
    """Two more negatives: each row's neighbours have them."""
    negatives = rows["negative"]
    others = {f"negative_{n + 1}": [*negatives[n:], *negatives[:n]] for n in range(3)}
    return pairs(rows) | others


def lists(rows: Columns) -> Columns:
    """One to three negatives."""
    every = zip(*(columns(rows)[f"negative_{n}"] for n in (1, 2, 3)), strict=True)
    return pairs(rows) | {"negatives": [list(row[: 1 + place % 3]) for place, row in enumerate(every)]}


SHAPES: dict[str, tuple[Callable[[Columns], Columns], str | list[str] | None, int]] = {
    "pairs": (pairs, None, 0),
    "columns": (columns, ["negative_1", "negative_2", "negative_3"], 3),
    "lists": (lists, "negatives", 3),
}


@pytest.fixture(params=list(SHAPES))
def shape(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def released(shape: str, writer: Stage, tmp_path: Path) -> Path:
    """A workspace that released a model of a data set of this shape."""
    make, negative, _ = SHAPES[shape]
    splits = {name: make(rows) for name, rows in workspaces.mixed().items()}
    workspaces.write_splits(tmp_path / "data", splits)
    revision = workspaces.put(writer.endpoint, f"tester/{shape}", "dataset", tmp_path / "data")
    workspaces.forget(writer.endpoint, REPO)
    changes = workspaces.MIXED | {
        "dataset.repo": f"tester/{shape}",
        "dataset.revision": revision,
        "dataset.columns.negative": negative,
        "base.revision": writer.base,
        "live.repo": REPO,
        "release.repo": REPO,
    }
    folder = workspaces.make(tmp_path / "work", changes)
    for step in (pin, audit, train, evaluate, gate, card):
        step.run(folder, load(folder))
    workspaces.commit(folder)
    assert Verdict.load(folder / paths.RECORDS["gate"]).passed
    release.run(folder, load(folder))
    return folder


def nearest(folder: Path, rows: pl.DataFrame, names: Sequence[str]) -> list[float]:
    """Return the cosine of each query with its nearest negative, by the library's own encoding."""
    model = loading.load(folder / paths.MODEL)
    query = encode(model, rows["query"].to_list(), prompt=model.prompts["query"])
    best = [-1.0] * rows.height
    for name in names:
        texts = rows[name].fill_null("").to_list()
        cosines = (query * encode(model, texts, prompt=model.prompts["document"])).sum(dim=1).tolist()
        best = [
            max(one, other) if text is not None else one
            for one, other, text in zip(best, cosines, rows[name], strict=True)
        ]
    return best


def test_data_set_of_every_shape_is_released(released: Path, shape: str, api: HfApi) -> None:
    names = text_columns(pl.read_parquet(paths.clean(released, "test")).columns)
    assert len(names) == 2 + SHAPES[shape][2]
    metrics = Metrics.load(released / paths.RECORDS["evaluate"])
    verdict = Verdict.load(released / paths.RECORDS["gate"])
    text = (released / paths.CARD / "README.md").read_text(encoding="utf-8")
    own = metrics.candidate.splits["test"]
    assert own.retrieval
    assert Training.load(released / paths.RECORDS["train"]).triplets > 0
    assert api.list_repo_refs(REPO).tags[0].name == "v1"
    if shape == "pairs":
        assert own.triplets == {}
        assert metrics.mistakes is None
        assert not any("accuracy" in name or name.startswith("floor") for name in verdict.checks)
        assert "pairs" in verdict.assumptions
        assert "pairs without negatives" in text
        assert "cosine_accuracy" not in text.partition("\n---\n")[0]
        return
    assert own.triplets
    outcomes = OUTCOMES.read(released / paths.OUTCOMES).filter(
        pl.col("model") == "candidate", pl.col("split") == "test", pl.col("dim") == pl.col("dim").max()
    )
    rows = pl.read_parquet(paths.clean(released, "test"))
    assert outcomes["row"].to_list() == rows["row"].to_list()
    assert outcomes["cos_negative"].to_list() == pytest.approx(nearest(released, rows, names[2:]), abs=1e-5)
