"""Where repos went that have another name now: one JSON file, of old names and new ones."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path

from localhub.repos.durable import replace_file


class Moves:
    """The old names of every repo; names here are `models/NS/NAME`, and old ones in small letters."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._moved: Mapping[str, str] = json.loads(path.read_bytes()) if path.exists() else {}

    def target(self, name: str) -> str | None:
        """Return the name that a repo has now, or None where none had the old one."""
        return self._moved.get(name.lower())

    def add(self, old: str, new: str) -> None:
        """Lead from the old name to the new one, and so from all that led to the old one."""
        with self._lock:
            moved = {name: new if target == old else target for name, target in self._moved.items()}
            moved[old.lower()] = new
            moved.pop(new.lower(), None)
            self._write(moved)

    def forget(self, name: str) -> None:
        """Lead nowhere from this name, nor to it: another repo has it, or the repo is gone."""
        with self._lock:
            moved = {
                old: target
                for old, target in self._moved.items()
                if name.lower() not in (old, target.lower())
            }
            if moved != self._moved:
                self._write(moved)

    def _write(self, moved: Mapping[str, str]) -> None:
        replace_file(self._path, json.dumps(moved).encode())
        self._moved = moved
