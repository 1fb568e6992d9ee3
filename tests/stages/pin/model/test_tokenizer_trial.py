"""The clock that ends a tokenizer's trial (`tests/hostile/test_limits.py` has tokenizers that it ends)."""

import signal
from pathlib import Path

from pipeline.stages.pin.model import tokenizer_trial
from tests.support import workspaces


def test_ordinary_tokenizer_passes_and_the_clock_stops(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGALRM)
    try:
        workspaces.tiny_model(tmp_path / "tiny")
        tokenizer_trial.hold_up(tmp_path / "tiny", 60)
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
        (tmp_path / "tiny" / "tokenizer.json").write_text("{")
        tokenizer_trial.hold_up(tmp_path / "tiny", 60)  # whoever loads the model says what is wrong
    finally:
        signal.signal(signal.SIGALRM, before)
