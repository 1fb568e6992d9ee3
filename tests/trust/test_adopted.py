"""A model that something else made is compared as its users use it, with what is known of its training."""

import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling

from pipeline.commands import adopt, approve, refresh, release
from pipeline.errors import WaitsForPerson
from pipeline.params import load
from pipeline.records import Metrics, Pin, Verdict
from pipeline.stages.card import step as card
from pipeline.stages.evaluate import step as evaluate
from pipeline.stages.gate import step as gate
from pipeline.stages.pin import step as pin
from pipeline.workspace import live, paths
from tests.conftest import Stage
from tests.support import workspaces
from tests.support.workspaces import MIXED, set_params

HANDMADE = "tester/adopted"
PROMPTS = {"query": "mi ", "passage": "evet hat "}
LENGTH = 7


@pytest.fixture
def handmade(writer: Stage, tmp_path: Path) -> Path:
    """A model on the Hub with prompts, a length and a pooling that no recipe here has."""
    workspaces.forget(writer.endpoint, HANDMADE)
    workspaces.tiny_model(tmp_path / "tiny", seed=5)
    model = SentenceTransformer(str(tmp_path / "tiny"), device="cpu")
    model[1] = Pooling(32, "cls", include_prompt=False)
    model.prompts, model.max_seq_length = dict(PROMPTS), LENGTH
    model.save_pretrained(str(tmp_path / "handmade"), create_model_card=False)
    workspaces.put(writer.endpoint, HANDMADE, "model", tmp_path / "handmade")
    return tmp_path / "handmade"


def compared(folder: Path, trained_on: str | None) -> Verdict:
    """Adopt, refresh, and run what then is stale."""
    # As released, its vectors can stay; whether they can is another test's matter.
    set_params(folder, {"evaluate.compatible_loss": 1.0})
    adopt.run(folder, load(folder), f"{HANDMADE}@main", trained_on)
    refresh.run(folder, load(folder))
    live.demand(folder, load(folder))
    for step in (pin, evaluate, gate, card):
        step.run(folder, load(folder))
    workspaces.commit(folder)
    return Verdict.load(folder / paths.RECORDS["gate"])


def test_adopted_model_is_compared_on_all_rows_and_a_person_approves(line: Path, handmade: Path) -> None:
    verdict = compared(line, None)
    revision = load(line).live.revision
    assert (verdict.passed, verdict.first_release) == (True, False)
    assert verdict.compared_with == {"live": revision}
    assert verdict.training_unknown
    sentence = verdict.assumptions["live_training"]
    assert "Nobody knows what the live model was trained on" in sentence
    assert sentence.partition(":")[0] in (line / "card" / "README.md").read_text(encoding="utf-8")
    assert "nobody knows what the live model was trained on" in gate.summary(verdict)
    with pytest.raises(WaitsForPerson, match="nobody knows what a model that it was compared with was"):
        release.run(line, load(line))
    approve.run(line, load(line), "Ada", "it was trained on other data")
    receipt, _ = release.run(line, load(line))
    assert receipt.live is not None
    assert (receipt.version, receipt.live.revision) == ("v1", revision)
    assert receipt.anchor == receipt.commit


@pytest.mark.long
def test_adopted_model_of_a_known_data_set_is_compared_on_rows_that_it_has_not_seen(
    line: Path, handmade: Path, writer: Stage, tmp_path: Path
) -> None:
    test = pl.read_parquet(paths.clean(line, "test"))
    seen = test.head(5).select("query", "positive", "negative").to_dict(as_series=False)
    workspaces.write_splits(tmp_path / "theirs", {"train": seen})
    workspaces.put(writer.endpoint, "tester/adopted-data", "dataset", tmp_path / "theirs")
    verdict = compared(line, "tester/adopted-data@main")
    assert (verdict.passed, verdict.training_unknown) == (True, False)
    known = Pin.load(line / paths.RECORDS["pin"]).live_trained_on
    assert known is not None
    assert known.repo == "tester/adopted-data"
    outcomes = pl.read_parquet(line / paths.OUTCOMES).filter(model="live", split="test", dim=32)
    assert outcomes.filter("seen")["row"].to_list() == test.head(5)["row"].to_list()
    receipt, _ = release.run(line, load(line))
    assert receipt.approval is None


def test_adopted_model_keeps_its_prompts_length_and_pooling(line: Path, handmade: Path) -> None:
    compared(line, None)
    model = SentenceTransformer(str(handmade), device="cpu")
    pooling: Any = model[1]
    assert (model.max_seq_length, pooling.pooling_mode) == (LENGTH, "cls")
    rows = pl.read_parquet(paths.clean(line, "test"))
    query, positive, negative = (
        model.encode(rows[name].to_list(), prompt=prompt, convert_to_tensor=True)
        for name, prompt in (("query", "mi "), ("positive", "evet hat "), ("negative", "evet hat "))
    )
    hits = ((query * positive).sum(dim=1) > (query * negative).sum(dim=1)).float().mean()
    scores = Metrics.load(line / paths.RECORDS["evaluate"]).models["live"].splits["test"].triplets
    assert scores[max(MIXED["model.dims"])].accuracy == pytest.approx(float(hits), abs=1e-6)
    outcomes = pl.read_parquet(line / paths.OUTCOMES).filter(model="live", split="test", dim=32)
    found = outcomes.sort("row")["cos_positive"].to_list()
    assert found == pytest.approx((query * positive).sum(dim=1).tolist(), abs=1e-5)
    shutil.rmtree(handmade)
