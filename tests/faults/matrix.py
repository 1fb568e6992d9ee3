"""Every fault at every request of a release, in lanes side by side."""

from __future__ import annotations

import queue
import re
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tests.faults import cases
from tests.faults.cases import Case, Outcome
from tests.faults.lanes import Lane, Template, lane


def run(root: Path, template: Template, *, lanes: int, only: str, report: Path) -> list[Outcome]:
    """Try every case whose name `only` is found in; the report is written anew after each of them."""
    todo: queue.Queue[Case] = queue.Queue()
    outcomes: list[Outcome] = []
    broken: list[BaseException] = []
    lock, recorded = threading.Lock(), threading.Event()
    started = time.monotonic()

    def work(one: Lane, number: int) -> None:
        if number == 0:
            for case in cases.every(one):
                if re.search(only, case.name):
                    todo.put(case)
            recorded.set()
        recorded.wait()
        while not broken:
            try:
                case = todo.get_nowait()
            except queue.Empty:
                return
            outcome = cases.attempt(one, case)
            with lock:
                outcomes.append(outcome)
                cases.write_json(report, outcomes)
                say(outcome)

    def say(outcome: Outcome) -> None:
        word = "survived" if outcome.survived else "FAILED"
        left = todo.qsize()
        clock = time.monotonic() - started
        print(
            f"{clock:6.0f} s, {left:4} left: {word if outcome.met else 'not met'}: {outcome.case.name}",
            file=sys.stderr,
        )
        for fault in outcome.faults:
            print(f"          {fault}", file=sys.stderr)

    def whole(number: int) -> None:
        try:
            with lane(root / f"lane-{number}", template) as one:
                work(one, number)
        except BaseException as error:
            broken.append(error)
        finally:
            recorded.set()

    try:
        _side_by_side(whole, lanes)
    except BaseException as error:  # Ctrl-C: each lane ends its case, then itself
        broken.append(error)
        raise
    if broken:
        raise broken[0]
    return outcomes


def _side_by_side(whole: Callable[[int], None], lanes: int) -> None:
    # A lane's server ends with the thread that started it, so each lane has one thread from first to last.
    threads = [threading.Thread(target=whole, args=(number,), daemon=True) for number in range(lanes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
