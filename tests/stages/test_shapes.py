"""Data sets of every shape go the whole way from three names: `init` writes the recipe, `release` ends it.

English pairs, several negatives as columns, and lists of negatives in one of two German subsets.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from huggingface_hub import HfApi

from pipeline.commands import init, release
from pipeline.embedding import loading
from pipeline.embedding.encode import encode
from pipeline.params import load
from pipeline.records import Audit, Metrics, Pin, Training, Verdict
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
from tests.support.workspaces import ENDINGS, WORDS

Columns = dict[str, list[Any]]
REPO = "tester/shapes"
SPLITS = {"train": (0, 240), "validation": (240, 280), "test": (280, 360)}
# All that is not `init`'s: a random base of one layer learns nothing at the rate of a fine-tuning.
RATE = {"train.learning_rate": 0.01, "train.epochs": 4, "hardware.threads": 1, "hub.xet": False}


@dataclass(frozen=True)
class Shape:
    """A data set as it is published, and what `init` shall find in it."""

    query: str
    positive: str
    negative: str
    language: str
    column: str | list[str] | None
    negatives: int
    stated: bool = True
    subset: str | None = None


ENGLISH = (
    "how do i get the {} of my {} {}",
    "you can have that with a {} or {} {}",
    "that is not for the {} {} {}",
)
GERMAN = ("wie kündige ich {} und {} {}", "das ist mit {} {} {} möglich", "nicht für {} und den {} {}")
SHAPES = {
    "pairs": Shape(*ENGLISH, "en", None, 0, stated=False),
    "columns": Shape(*ENGLISH, "en", ["negative_1", "negative_2", "negative_3"], 3),
    "lists": Shape(*GERMAN, "de", "negatives", 3, subset="triplets"),
}


def rows(shape: Shape, start: int, stop: int) -> Columns:
    """Make rows: of two words of a query, which the base has never seen together with its answers'."""
    made: Columns = {"question": [], "answer": [], "label": []}
    wrong: list[list[str]] = []
    for place in range(start, stop):
        a, b = place % 10, place * 7 // 10 % 10
        made["question"].append(shape.query.format(WORDS[a], WORDS[b], place))
        made["answer"].append(shape.positive.format(ENDINGS[a], ENDINGS[b], (place * 7 + 3) % 400))
        made["label"].append(1)
        others = [((a + 1 + n) % 10, (b + 2 + n) % 10, (place * 11 + n) % 400) for n in range(3)]
        wrong.append([shape.negative.format(ENDINGS[one], ENDINGS[two], three) for one, two, three in others])
    if isinstance(shape.column, list):
        made |= {name: [row[n] for row in wrong] for n, name in enumerate(shape.column)}
    elif shape.column is not None:  # one to three of them
        made[shape.column] = [row[: 1 + place % 3] for place, row in enumerate(wrong)]
    return made


def publish(shape: Shape, folder: Path) -> None:
    """Write the files of a data set; one with subsets has another of pairs."""
    front = {"license": "apache-2.0"} | ({"language": shape.language} if shape.stated else {})
    lines = [f"{key}: {value}" for key, value in front.items()]
    subsets = {None: shape} if shape.subset is None else {"pairs": SHAPES["pairs"], shape.subset: shape}
    for name, one in subsets.items():
        home = folder / (name or "data")
        home.mkdir(parents=True)
        for split, (start, stop) in SPLITS.items():
            pl.DataFrame(rows(one, start, stop)).write_parquet(home / f"{split}-00000-of-00001.parquet")
    if shape.subset is not None:
        lines += ["configs:"]
        for name in subsets:
            files = [f"  - {{split: {split}, path: {name}/{split}-*.parquet}}" for split in SPLITS]
            lines += [f"- config_name: {name}", "  data_files:", *files]
    (folder / "README.md").write_text("\n".join(["---", *lines, "---", "# Ours", ""]), encoding="utf-8")


@pytest.fixture(scope="module", params=list(SHAPES))
def shape(request: pytest.FixtureRequest) -> Shape:
    return SHAPES[str(request.param)]


@pytest.fixture(scope="module")
def released(shape: Shape, stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A workspace that `init` began and that released a model of a data set of this shape."""
    root = tmp_path_factory.mktemp("shape")
    publish(shape, root / "data")
    name = f"tester/shape-{shape.language}-{shape.negatives}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_ENDPOINT", stage.endpoint)
        patch.setenv("HF_TOKEN", workspaces.TOKEN)
        workspaces.put(stage.endpoint, name, "dataset", root / "data")
        workspaces.forget(stage.endpoint, REPO)
        folder = workspaces.make(root / "work", {})
        (folder / paths.PARAMS).write_bytes((workspaces.PROJECT / paths.PARAMS).read_bytes())
        init.run(folder, name, "tester/tiny", REPO, subset=shape.subset)
        workspaces.set_params(folder, RATE)
        for step in (pin, audit, train, evaluate, gate, card):
            step.run(folder, load(folder))
        workspaces.commit(folder)
        verdict = Verdict.load(folder / paths.RECORDS["gate"])
        assert verdict.passed, verdict.failures()
        release.run(folder, load(folder))
        yield folder


def test_init_finds_what_a_data_set_holds(released: Path, shape: Shape) -> None:
    params = load(released)
    assert params.dataset.columns.model_dump() == {
        "query": "question",
        "positive": "answer",
        "negative": shape.column if not isinstance(shape.column, list) else tuple(shape.column),
    }
    assert params.dataset.splits.model_dump() == {"train": "train", "dev": "validation", "test": "test"}
    assert params.dataset.subset == shape.subset
    assert (params.dataset.languages, params.model.language) == ((shape.language,), (shape.language,))
    floor = {0: 0.0, 3: 0.25}[shape.negatives]
    assert params.gate.floors == {32: floor, 16: floor}
    assert 0 < params.gate.live_margins.ndcg < params.gate.anchor_margins.ndcg <= 1
    text = " ".join((released / paths.PARAMS).read_text(encoding="utf-8").split())
    assert (
        "guessed: by the names of the columns; nobody reads label (1): rows of all its values count" in text
    )
    record = Pin.load(released / paths.RECORDS["pin"])
    assert (record.subset, record.unused_columns) == (shape.subset, ("label",))


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


def test_data_set_of_every_shape_is_released(released: Path, shape: Shape, stage: Stage) -> None:
    names = text_columns(pl.read_parquet(paths.clean(released, "test")).columns)
    assert len(names) == 2 + shape.negatives
    metrics = Metrics.load(released / paths.RECORDS["evaluate"])
    verdict = Verdict.load(released / paths.RECORDS["gate"])
    text = (released / paths.CARD / "README.md").read_text(encoding="utf-8")
    own = metrics.candidate.splits["test"]
    assert own.retrieval
    training = Training.load(released / paths.RECORDS["train"])
    assert training.triplets == Audit.load(released / paths.RECORDS["audit"]).splits["train"].kept
    assert f"dataset_size:{training.trained_on}" in text
    assert f"language:\n- {shape.language}\n" in text
    tags = HfApi(endpoint=stage.endpoint, token=workspaces.TOKEN).list_repo_refs(REPO).tags
    assert tags[0].name == "v1"
    if shape.negatives == 0:
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
    clean = pl.read_parquet(paths.clean(released, "test"))
    assert outcomes["row"].to_list() == clean["row"].to_list()
    assert outcomes["cos_negative"].to_list() == pytest.approx(nearest(released, clean, names[2:]), abs=1e-5)
