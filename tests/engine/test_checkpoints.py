"""When a checkpoint is asked for, and what is read of one."""

import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipeline.embedding.encode import EncodingStopped
from pipeline.engine import checkpoints


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return now


def asked(callback: checkpoints.SaveByTime, step: int, last: int = 100) -> bool:
    control = SimpleNamespace(should_save=False)
    callback.on_step_end(
        SimpleNamespace(device="cpu"), SimpleNamespace(global_step=step, max_steps=last), control
    )
    return bool(control.should_save)


def test_checkpoint_is_asked_for_by_the_clock(clock: list[float]) -> None:
    callback = checkpoints.SaveByTime(minutes=10)
    clock[0] = 1000.0  # reading and tokenizing count for nothing
    callback.on_train_begin(None, None, None)
    clock[0] = 1599.0
    assert not asked(callback, 1)
    clock[0] = 1600.0
    assert asked(callback, 2)
    assert asked(callback, 3)  # until it is written
    clock[0] = 1650.0
    callback.on_save(None, None, None)
    clock[0] = 2249.0
    assert not asked(callback, 4)
    clock[0] = 2250.0
    assert asked(callback, 5)


def test_no_checkpoint_is_asked_for_after_the_last_step(clock: list[float]) -> None:
    callback = checkpoints.SaveByTime(minutes=10)
    clock[0] = 9999.0
    assert not asked(callback, 100)


def test_newest_checkpoint_is_the_one_of_most_steps(tmp_path: Path) -> None:
    assert checkpoints.last_checkpoint(None) is checkpoints.last_checkpoint(tmp_path / "none") is None
    assert checkpoints.last_checkpoint(tmp_path) is None
    for name in ("checkpoint-9", "checkpoint-10", "trials"):
        (tmp_path / name).mkdir()
    assert checkpoints.last_checkpoint(tmp_path) == str(tmp_path / "checkpoint-10")


def test_losses_since_the_last_log_are_kept_to_the_bit(tmp_path: Path) -> None:
    losses = [0.1, 1 / 3, 2.0]
    checkpoints.write_losses(tmp_path / "checkpoint-1", losses)
    assert checkpoints.read_losses(tmp_path / "checkpoint-1") == losses
    assert json.loads((tmp_path / "checkpoint-1" / "losses.json").read_text()) == losses
    assert checkpoints.read_losses(tmp_path) == []


def stops(callback: checkpoints.StopAtSigterm, step: int, last: int = 100) -> SimpleNamespace:
    control = SimpleNamespace(should_save=False, should_training_stop=False, should_evaluate=True)
    callback.on_step_end(
        SimpleNamespace(device="cpu"), SimpleNamespace(global_step=step, max_steps=last), control
    )
    return control


def test_training_stops_at_a_checkpoint_behind_the_step_in_which_a_sigterm_came() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with checkpoints.StopAtSigterm() as callback:
        assert not stops(callback, 1).should_training_stop
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        control = stops(callback, 2)
    assert (control.should_save, control.should_training_stop, control.should_evaluate) == (True, True, False)
    assert callback.step == 2
    assert signal.getsignal(signal.SIGTERM) == before


def test_training_whose_last_step_is_done_is_not_stopped() -> None:
    with checkpoints.StopAtSigterm() as callback:
        callback.on_prediction_step(None, None, None)
        os.kill(os.getpid(), signal.SIGTERM)
        assert not stops(callback, 100).should_training_stop
        with pytest.raises(EncodingStopped):  # but its evaluation
            callback.on_prediction_step(None, None, None)
    assert callback.step is None


def test_training_outside_of_the_main_thread_takes_no_signal() -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: checkpoints.StopAtSigterm().__enter__().__exit__()).result()


@pytest.mark.parametrize(
    ("every", "logged", "lacks"),
    [
        (5, [{"step": 10, "loss": 1.0}], True),
        (5, [{"step": 10, "loss": 1.0}, {"step": 10, "eval_loss": 1.0}], False),
        (4, [{"step": 8, "eval_loss": 1.0}], False),
        (0, [], False),
    ],
)
def test_checkpoint_lacks_the_evaluation_that_was_due_at_its_step(
    every: int, logged: list[dict[str, float]], lacks: bool, tmp_path: Path
) -> None:
    state = {"global_step": 10, "log_history": logged}
    (tmp_path / "trainer_state.json").write_text(json.dumps(state), encoding="utf-8")
    assert checkpoints.lacks_evaluation(tmp_path, every) is lacks
