"""Simulations that a stopped bench need not repeat: a line of JSON for each that is done."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, NamedTuple

from bench.gate.draws import GATE, PROJECT

# What a simulation's outcome rests on; what other code found is not counted.
_CODE = ("bench/gate/draws.py", "pipeline/judging/*.py")


class Job(NamedTuple):
    """One simulation: a function of a module and its arguments, which JSON can hold."""

    what: Callable[..., Any]
    arguments: tuple[Any, ...]

    @property
    def name(self) -> str:
        """The name under which its outcome is kept."""
        return json.dumps([self.what.__name__, *self.arguments])


def _code(job: Job) -> str:
    """Return the sha256 of all code and values that a job's outcome rests on."""
    digest = hashlib.sha256(GATE.model_dump_json().encode())
    for pattern in (*_CODE, f"{job.what.__module__.replace('.', '/')}.py"):
        for path in sorted(PROJECT.glob(pattern)):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def run(pool: Executor, jobs: Sequence[Job], path: Path) -> Iterator[Any]:
    """Yield each job's outcome in turn: from the file, or else run in the pool and then kept there."""
    known = {}
    if path.exists():
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        known = {(line["job"], line["code"]): line["found"] for line in lines}
    path.parent.mkdir(parents=True, exist_ok=True)
    keys = [(job.name, _code(job)) for job in jobs]
    running = {
        key: pool.submit(job.what, *job.arguments)
        for key, job in zip(keys, jobs, strict=True)
        if key not in known
    }
    with path.open("a") as file:
        for key in keys:
            if key in running:
                known[key] = running[key].result()
                line = {"job": key[0], "code": key[1], "found": known[key]}
                print(json.dumps(line), file=file, flush=True)
            yield known[key]
