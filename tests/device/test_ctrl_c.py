"""What the first Ctrl-C asks for, and the next one."""

import os
import signal
import threading

import pytest

from pipeline.device import ctrl_c


def press() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_first_ctrl_c_asks_as_a_sigterm_does_and_the_next_breaks_off(
    capfd: pytest.CaptureFixture[str],
) -> None:
    heard: list[int] = []
    before = signal.getsignal(signal.SIGINT)
    term = signal.signal(signal.SIGTERM, lambda signum, _: heard.append(signum))
    try:
        with ctrl_c.gently():
            press()
            assert heard == [signal.SIGTERM]
            with pytest.raises(KeyboardInterrupt):
                press()
    finally:
        signal.signal(signal.SIGTERM, term)
    assert heard == [signal.SIGTERM]
    assert signal.getsignal(signal.SIGINT) is before
    assert "Ctrl-C again ends it at once" in capfd.readouterr().err


def test_ctrl_c_breaks_off_where_nobody_listens_to_a_sigterm() -> None:
    term = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        with ctrl_c.gently(), pytest.raises(KeyboardInterrupt):
            press()
    finally:
        signal.signal(signal.SIGTERM, term)


def test_ctrl_c_is_as_it_was_in_a_thread() -> None:
    inside: list[object] = []

    def look() -> None:
        with ctrl_c.gently():
            inside.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert inside == [signal.getsignal(signal.SIGINT)]
