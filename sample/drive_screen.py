"""What a person sees while the sample runs: one line per step, with its seconds."""

import re
import shutil
import sys
import time

_NAME, _SECONDS_BETWEEN_NOTES = 11, 15.0


class Screen:
    """Prints a line when a step ends; until then, what it is doing, where the output is a terminal.

    In a file or a pipe a step that lasts says now and then how far it is.
    """

    def __init__(self) -> None:
        self._live = sys.stdout.isatty()
        self._begun = self._noted = time.monotonic()
        self._name = ""
        self.seconds: dict[str, float] = {}

    def begin(self, name: str, text: str = "") -> None:
        """Say that a step began; its seconds count from the end of the one before."""
        self._name = name
        self._noted = time.monotonic()
        if self._live:
            self._draw(text or "…")
        elif text:
            _line(name, f"{text} …")

    def note(self, text: str) -> None:
        """Say how far the step is."""
        if self._live:
            self._draw(text)
        elif time.monotonic() - self._noted > _SECONDS_BETWEEN_NOTES:
            self._noted = time.monotonic()
            _line(self._name, f"{text} …")

    def end(self, text: str) -> None:
        """Say what came of the step, and keep its seconds."""
        seconds = time.monotonic() - self._begun
        self._begun = time.monotonic()
        self.seconds[self._name] = round(self.seconds.get(self._name, 0) + seconds, 1)
        if self._live:
            sys.stdout.write("\r\x1b[K")
        _line(self._name, text, f"{seconds:6.1f} s")

    def _draw(self, text: str) -> None:
        sys.stdout.write(f"\r\x1b[K  {self._name:<{_NAME}} {_cut(text, _columns() - _NAME - 6)}")
        sys.stdout.flush()


def _line(name: str, text: str, seconds: str = "") -> None:
    room = _columns() - _NAME - 14
    print(f"  {name:<{_NAME}} {_cut(text, room):<{room if seconds else 0}} {seconds}".rstrip(), flush=True)


def _columns() -> int:
    return min(shutil.get_terminal_size((96, 24)).columns, 96)


def _cut(text: str, room: int) -> str:
    text = re.sub(r"\s+", " ", text).strip()
    return text if len(text) <= room else text[: room - 1] + "…"
