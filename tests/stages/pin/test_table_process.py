"""What the process that reads tables is asked, and how its answers are told."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import InvalidData
from pipeline.isolated import child
from pipeline.params.pin import PairsProbe
from pipeline.stages.pin import table_process
from tests.support.splits import LIMITS

PROBE = PairsProbe(
    kind="pairs", repo="a/b", revision="0" * 40, file="p.tsv", first="first", second="second", score="score"
)


def test_pairs_come_through_the_process(tmp_path: Path) -> None:
    (tmp_path / "p.tsv").write_text("first\tsecond\tscore\nbir\tiki\t1\nüç\tdört\t0\n", encoding="utf-8")
    found = table_process.pairs(tmp_path, PROBE, "probes.x", LIMITS)
    assert found["pairs"].rows() == [("bir", "iki", 1.0), ("üç", "dört", 0.0)]
    (tmp_path / "p.tsv").write_text("first\tsecond\tscore\nbir\tiki\t1\n", encoding="utf-8")
    with pytest.raises(InvalidData, match=r"scores every pair 1"):
        table_process.pairs(tmp_path, PROBE, "probes.x", LIMITS)


def test_base_without_pickles_starts_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "ask", None)
    assert table_process.convert(tmp_path, LIMITS) == ()


@pytest.mark.parametrize("answer", [{"ended": "ended with -9: it said nothing"}, {"failed": "MemoryError"}])
def test_process_that_gave_no_answer_is_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any]
) -> None:
    monkeypatch.setattr(child, "ask", lambda *_, **__: answer)
    with pytest.raises(
        InvalidData, match=r"^probes\.x \(a/b at 000000000000\) cannot be read: .*pin\.limits"
    ):
        table_process.pairs(tmp_path, PROBE, "probes.x", LIMITS)
