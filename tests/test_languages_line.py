"""A language that no module knows is added to a workspace that went the whole line."""

from pathlib import Path
from typing import Any

import polars as pl
from huggingface_hub import ModelCard

from pipeline.params import load
from pipeline.records import Audit, Pin, Verdict
from pipeline.stages.audit import step as audit
from pipeline.stages.card import step as card
from pipeline.stages.evaluate import step as evaluate
from pipeline.stages.gate import step as gate
from pipeline.stages.pin import step as pin
from pipeline.workspace import digests, holdout, paths
from pipeline.workspace.paths import RECORDS
from tests.support.workspaces import set_params


def test_a_language_without_a_module_is_added_and_loses_nothing_else(line: Path) -> None:
    before = {name: digests.sha256(paths.clean(line, name)) for name in ("train", "dev", "test")}
    old = Verdict.load(line / RECORDS["gate"])
    held = holdout.read(line)
    set_params(line, {"dataset.languages": ["tr", "nl"], "model.language": None})
    for step in (pin, audit, evaluate, gate, card):  # train has the same rows
        step.run(line, load(line))
    assert {name: digests.sha256(paths.clean(line, name)) for name in before} == before
    assert Pin.load(line / RECORDS["pin"]).languages == ("tr", "nl")
    assert Audit.load(line / RECORDS["audit"]).languages_without_module == ("nl",)
    verdict = Verdict.load(line / RECORDS["gate"])
    assert "Of nl nothing is known" in verdict.assumptions["languages"]
    assert (verdict.outcome, verdict.look, set(verdict.checks)) == (old.outcome, old.look, set(old.checks))
    now = holdout.read(line)
    assert now.head(held.height).equals(held)
    assert now["folding"].value_counts(sort=True)["folding"].to_list() in (["tr", "und"], ["und", "tr"])
    text = (line / "card" / "README.md").read_text(encoding="utf-8")
    data: Any = ModelCard(text).data
    assert data.language == ["tr", "nl"]
    assert "- **Language:** tr, nl\n" in text
    assert "Of nl nothing is known" in text
    rows = pl.read_parquet(line / "card" / "trained_rows.parquet")
    assert set(rows["folding"]) == {"tr", "und"}
