"""What a piece of work drew: processors by RAPL, NVIDIA cards by nvidia-smi, where they say so."""

import subprocess
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

# A card's power is read, not counted, and moves within a step.
_EVERY_SECONDS = 1.0
_POWERCAP = Path("/sys/class/powercap")
_CARDS = ("nvidia-smi", "--query-gpu=uuid,power.draw", "--format=csv,noheader,nounits")


class Meter:
    """Measures the energy of a `with` block, of all processors and of some cards: other work there counts in.

    Attributes:
        joules: What was drawn; None where nothing here says what it draws.
    """

    def __init__(
        self,
        powercap: Path = _POWERCAP,
        cards: tuple[str, ...] = _CARDS,
        every_seconds: float = _EVERY_SECONDS,
        used: frozenset[str] | None = None,
    ) -> None:
        """Take the UUIDs of the cards that count; None counts all."""
        self.joules: float | None = None
        self._packages = [path for path in sorted(powercap.glob("intel-rapl:*")) if path.name.count(":") == 1]
        self._cards, self._every_seconds, self._used = cards, every_seconds, used
        self._last: dict[Path, int] = {}
        self._at = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="energy", daemon=True)

    def __enter__(self) -> Self:
        """Begin."""
        found = {path: _number(path / "energy_uj") for path in self._packages}
        self._last = {path: at for path, at in found.items() if at is not None}
        self._at = time.monotonic()
        if self._last or self._watts() is not None:
            self.joules = 0.0
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End, and add what was drawn since the last look."""
        self._ended.set()
        if self.joules is not None:
            self._thread.join()
            self._add()

    def _run(self) -> None:
        while not self._ended.wait(self._every_seconds):
            self._add()

    def _add(self) -> None:
        for path, before in self._last.items():
            now = _number(path / "energy_uj")
            if now is not None:
                over = 0 if now >= before else _number(path / "max_energy_range_uj") or 0
                self.joules = (self.joules or 0.0) + (now + over - before) / 1e6
                self._last[path] = now
        now_at = time.monotonic()
        self.joules = (self.joules or 0.0) + (self._watts() or 0.0) * (now_at - self._at)
        self._at = now_at

    def _watts(self) -> float | None:
        """Ask the cards what they draw at this moment."""
        try:
            said = subprocess.run(self._cards, capture_output=True, text=True, check=True, timeout=10).stdout
            drawn = [line.split(", ") for line in said.splitlines()]
            return sum(float(watts) for uuid, watts in drawn if self._used is None or uuid in self._used)
        except (OSError, subprocess.SubprocessError, ValueError):
            return None


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
