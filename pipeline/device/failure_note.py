"""Why a rank failed, told to its machine's agent, and to the ranks of other machines.

Where ranks share a machine its agent ends them all as soon as one has failed. Another machine's agent learns
nothing of it, and its ranks can wait in a collective for ever: so the first failure also goes into the store
that the machines met at, in which each rank counts up that it lives, and which each rank reads.
"""

import json
import os
import threading
import time
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

from torch.distributed import DistError, Store, TCPStore  # type: ignore[attr-defined]

# torch's agent names the file that a rank may leave its error in.
_FILE = "TORCHELASTIC_ERROR_FILE"
_KEY, _ALIVE = "katman/failure", "katman/alive"
_LOOKS_EVERY_SECONDS, SECONDS_TO_BE_READ = 1.0, 3.0
# A machine that lost its power says nothing. Ranks fail together within a minute.
SECONDS_OF_SILENCE = 45.0
SECONDS_TO_ANSWER = 5.0


@dataclass(frozen=True)
class Failure:
    """What went wrong: the name of an error of `pipeline.errors`, and its message."""

    error: str
    message: str


def write(failure: Failure) -> None:
    """Leave it for this machine's agent."""
    if path := os.environ.get(_FILE):
        stamp = {"timestamp": str(int(time.time())), "py_callstack": ""}
        said = {"message": {"message": failure.message, "extraInfo": stamp}, "katman": asdict(failure)}
        Path(path).write_text(json.dumps(said), encoding="utf-8")


def leave(address: str, failure: Failure) -> None:
    """Leave it for the ranks of other machines, unless somebody was first or the store is gone."""
    try:
        host, _, port = address.partition(":")
        _put(_store(host, int(port)), failure)
    except DistError:
        return


def watch() -> None:
    """Look for a failure of another machine until this rank ends, and end this rank with it."""
    threading.Thread(target=_watch, name="failure-note", daemon=True).start()


def tell_others(failure: Failure) -> None:
    """Leave it in the store that this rank's machines met at."""
    leave(f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}", failure)


def several_machines() -> bool:
    """Return whether ranks of other machines take part."""
    return int(os.environ.get("GROUP_WORLD_SIZE", "1")) > 1


def _watch() -> None:
    own, count = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    try:
        store = _store(os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]))
        heard = dict.fromkeys(range(count), time.monotonic())
        beats = dict.fromkeys(range(count), 0)
        while True:
            if store.check([_KEY]):
                _end(Failure(**json.loads(store.get(_KEY))))
            store.add(f"{_ALIVE}/{own}", 1)
            for rank in heard:
                now = store.add(f"{_ALIVE}/{rank}", 0)
                if now != beats[rank]:
                    beats[rank], heard[rank] = now, time.monotonic()
                elif beats[rank] and time.monotonic() - heard[rank] > SECONDS_OF_SILENCE:
                    _end(_put(store, _silent(rank)))
            time.sleep(_LOOKS_EVERY_SECONDS)
    except DistError:
        time.sleep(_LOOKS_EVERY_SECONDS)  # its machine's agent may have ended this rank already
        _end(
            Failure(
                "TrainingFailed",
                f"the first machine ({os.environ['MASTER_ADDR']}) answers no more: it has ended, or the "
                "network between them has. Look at its message, and start all of them again",
            )
        )


def _silent(rank: int) -> Failure:
    return Failure(
        "TrainingFailed",
        f"nothing was heard of rank {rank} for {SECONDS_OF_SILENCE:.0f} seconds: its machine or the network "
        "to it is gone. Start all machines again; the training goes on from the last checkpoint",
    )


def _put(store: Store, failure: Failure) -> Failure:
    """Put it down if nobody was first; return what stands there."""
    mine = json.dumps(asdict(failure))
    stands = store.compare_set(_KEY, "", mine)
    return Failure(**json.loads(stands)) if stands else failure


def _end(failure: Failure) -> None:
    """End this process at once: its main thread may be waiting for a rank that is no more."""
    write(failure)
    os._exit(1)


def _store(host: str, port: int) -> Store:
    return TCPStore(host, port, None, False, timedelta(seconds=SECONDS_TO_ANSWER), wait_for_workers=False)
