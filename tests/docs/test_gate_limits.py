"""docs/gate.md: its tables are what the gate's own code computes."""

from docs import limits
from pipeline.params import load
from tests.support.workspaces import PROJECT


def test_guide_holds_the_tables_that_the_code_computes() -> None:
    guide = (PROJECT / "docs" / "gate.md").read_text(encoding="utf-8")
    gate = load(PROJECT).gate
    for table in (limits.start(gate), limits.margins(gate), limits.hard(gate)):
        assert table in guide, "run `python -m docs.limits`, and put what it prints into docs/gate.md"
