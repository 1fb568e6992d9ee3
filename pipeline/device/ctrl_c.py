"""Ctrl-C in a step that takes hours: the first ends it at a checkpoint, the next one at once."""

import contextlib
import os
import signal
from collections.abc import Iterator
from types import FrameType

from pipeline.device import ranks

_STDERR = 2
_SAID = b"\nCtrl-C: the step that goes on is finished and kept first; Ctrl-C again ends it at once\n"


@contextlib.contextmanager
def gently() -> Iterator[None]:
    """Have the first Ctrl-C ask for what a SIGTERM asks for, where somebody listens to that.

    Outside of the thread that gets signals nothing changes.
    """
    before = signal.getsignal(signal.SIGINT)

    def ask(signum: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, before)
        if not callable(signal.getsignal(signal.SIGTERM)):
            raise KeyboardInterrupt
        if ranks.number() == 0:
            with contextlib.suppress(OSError):  # whoever read it may be gone
                os.write(_STDERR, _SAID)  # print is not to be called in a signal's handler
        os.kill(os.getpid(), signal.SIGTERM)

    try:
        signal.signal(signal.SIGINT, ask)
    except ValueError:
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
