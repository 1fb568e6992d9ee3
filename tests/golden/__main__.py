"""Freeze the records of a workspace, and render the golden card."""

import json
import sys
from pathlib import Path

from pipeline.params import load
from pipeline.stages.card import shown_rows
from pipeline.stages.card import step as card
from pipeline.workspace.paths import RECORDS
from tests.golden import CARD, HERE, render


def freeze(workspace: Path) -> None:
    """Copy what a card is made from; the address of the sample's Hub becomes the Hub's."""
    params, read = load(workspace), card.records(workspace)
    files = [path for name, path in RECORDS.items() if name != "card"]
    for path in (*files, "reembed.json", "params.yaml"):
        (HERE / path).parent.mkdir(exist_ok=True)
        text = (workspace / path).read_text(encoding="utf-8")
        text = text.replace(read.pin.endpoint, "https://huggingface.co")
        (HERE / path).write_text(text, encoding="utf-8")
    clean, private, worst = workspace / "data" / "clean", read.pin.dataset.private, read.metrics.mistakes
    assert worst is not None
    rows = {
        "samples": {
            split: shown_rows.samples(clean, split, params.card, private, read.pin.languages)
            for split in ("train", "dev", "test")
        },
        "mistakes": shown_rows.numbered(
            clean, worst.split, list(worst.worst), params.card, private, read.pin.languages
        ),
    }
    (HERE / "rows.json").write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        freeze(Path(sys.argv[1]))
    CARD.write_text(render(), encoding="utf-8")
