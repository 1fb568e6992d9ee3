"""A card from frozen records: it changes only on purpose.

`python -m tests.golden` renders it anew; `python -m tests.golden WORKSPACE` freezes the records of a
workspace first, whose card then is the golden one.
"""

import json
from pathlib import Path

from pipeline.params import load
from pipeline.stages.card import step as card
from pipeline.workspace.paths import RECORDS

HERE = Path(__file__).parent
CARD = HERE / "card.md"
CODE = "c0de" * 10


def render() -> str:
    """Render the card of the frozen records."""
    rows = json.loads((HERE / "rows.json").read_text(encoding="utf-8"))
    return card.render(
        load(HERE),
        card.records(HERE),
        version="v2",
        code_commit=CODE,
        params_file="0" * 64,
        digests_of={path: "0" * 64 for name, path in RECORDS.items() if name != "card"},
        samples=rows["samples"],
        mistakes={int(row): texts for row, texts in rows["mistakes"].items()},
    )
