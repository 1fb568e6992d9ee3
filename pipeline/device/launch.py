"""Start a step's module on several ranks, by torch's own launcher, and say with one message why it failed.

It is what `torchrun` does: one agent for each machine starts the ranks, watches them, and ends all of them
when one has failed. Each rank leaves its error in a file that the agent reads; the first one is the message.
"""

import contextlib
import logging
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from pipeline import errors
from pipeline.device import failure_note
from pipeline.device.hardware import granted_threads
from pipeline.errors import (
    EndedBySignal,
    InvalidParams,
    InvalidWorkspace,
    PipelineError,
    TrainingFailed,
    first_line,
)
from pipeline.params.machine import HardwareParams, LaunchParams

# How long machines wait for each other, and how long ranks that shall end may take: a step and a checkpoint.
SECONDS_TO_MEET, _SECONDS_TO_END = 600, 25
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)


def run(module: str, workspace: Path, hardware: HardwareParams, *, machine: int = 0) -> None:
    """Run a step's module on every rank of this machine, until all have ended.

    Args:
        module: Whose `run` each rank calls.
        workspace: Where.
        hardware: Its `launch` says how many, and where machines meet.
        machine: Number of this machine; on 0 is the rank that writes.

    Raises:
        PipelineError: What the first rank that failed has said.
        EndedBySignal: A SIGTERM or Ctrl-C ended it: ranks that train stop at a checkpoint.
    """
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    launch = demand(hardware)
    if launch.machines > 1:
        print(f"waiting for {launch.machines} machines at {launch.rendezvous}", flush=True)  # noqa: T201
    with tempfile.TemporaryDirectory(prefix="katman-ranks-") as scratch:
        config = LaunchConfig(
            min_nodes=launch.machines,
            max_nodes=launch.machines,
            nproc_per_node=launch.processes,
            run_id="katman",
            max_restarts=0,
            shutdown_timeout=_SECONDS_TO_END,
            logs_specs=DefaultLogsSpecs(log_dir=scratch),
            **_meeting(launch, machine),
        )
        try:
            with _as_it_was(), _for_ranks(launch, hardware):
                elastic_launch(config, sys.executable)(
                    "-m", "pipeline.device.rank_process", module, str(workspace), str(os.getpid())
                )
        except ChildFailedError as error:
            failure, told = first(error)
            if launch.machines > 1 and not told:
                failure_note.leave(str(launch.rendezvous), failure)
            if launch.machines > 1 and machine == 0:
                time.sleep(failure_note.SECONDS_TO_BE_READ)  # the store ends with this process
            raise raised(failure) from None
        except SignalException as error:
            if error.sigval in {signal.SIGINT, signal.SIGTERM}:
                raise EndedBySignal(
                    f"ended by {error.sigval.name}, and all its ranks with it. Run it again, which goes on "
                    "from the last checkpoint"
                ) from None
            raise SystemExit(128 + error.sigval) from None
        except dist.DistError as error:
            raise InvalidWorkspace(
                f"the {launch.machines} machines did not meet at {launch.rendezvous}: {first_line(error)}; "
                f"wanted all there within {SECONDS_TO_MEET} seconds. Run the step on the machine of that "
                "address, and `katman join 1` and so on on the others (docs/operating.md)"
            ) from None


def one_machine(hardware: HardwareParams) -> HardwareParams:
    """Return the same without other machines: what a step reads need not be there."""
    launch = hardware.launch and hardware.launch.model_copy(update={"machines": 1, "rendezvous": None})
    return hardware.model_copy(update={"launch": launch})


def demand(hardware: HardwareParams) -> LaunchParams:
    """Return what is to be launched, if this machine can.

    Raises:
        InvalidParams: There is nothing to launch, or more ranks than cards.
        InvalidWorkspace: torch cannot connect them.
    """
    launch = hardware.launch
    if launch is None:
        raise InvalidParams("hardware.launch is null; wanted {processes, machines, rendezvous}. Set it")
    if not torch.cuda.is_available():
        if not (dist.is_available() and dist.is_gloo_available()):
            raise InvalidWorkspace(_unconnected("gloo, by which processes on CPUs"))
        return launch
    if not (dist.is_available() and dist.is_nccl_available()):
        raise InvalidWorkspace(_unconnected("NCCL, by which cards"))
    cards = torch.cuda.device_count()
    if launch.processes > cards:
        raise InvalidParams(
            f"hardware.launch.processes is {launch.processes} and this machine has {cards} GPUs; wanted one "
            f"for each. Set it to {cards} or less, or give CUDA_VISIBLE_DEVICES more"
        )
    return launch


def _unconnected(what: str) -> str:
    return (
        f"torch {torch.__version__} here was built without {what} talk to each other; wanted it for "
        "hardware.launch. Install torch's own build, or set hardware.launch to null"
    )


def _meeting(launch: LaunchParams, machine: int) -> dict[str, Any]:
    """Say where agents meet. Machines are numbered by hand, so that rank 0 is where DVC waits for it."""
    if launch.machines == 1:
        return {"rdzv_backend": "c10d", "rdzv_endpoint": "localhost:0", "local_addr": "127.0.0.1"}
    return {
        "rdzv_backend": "static",
        "rdzv_endpoint": str(launch.rendezvous),
        "rdzv_configs": {"rank": machine, "timeout": SECONDS_TO_MEET},
    }


@contextlib.contextmanager
def _as_it_was() -> Iterator[None]:
    """Put back what the agent sets for the whole process; what it logs of a failure, the message says."""
    handlers = {each: signal.getsignal(each) for each in _SIGNALS}
    logging.disable(logging.ERROR)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
        with contextlib.suppress(ValueError):  # not the main thread: the agent has set none
            for each, handler in handlers.items():
                signal.signal(each, handler)


@contextlib.contextmanager
def _for_ranks(launch: LaunchParams, hardware: HardwareParams) -> Iterator[None]:
    """Set the environment that ranks start in."""
    threads = hardware.threads or max(1, granted_threads() // launch.processes)
    wanted = {"OMP_NUM_THREADS": str(threads), "TORCH_CPP_LOG_LEVEL": "FATAL"}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def first(error: Any) -> tuple[failure_note.Failure, bool]:
    """Return why the first rank failed, or how it ended, and whether it could say so itself."""
    rank, failure = error.get_first_failure()
    said = failure.error_file_data.get("katman")
    if said is not None:
        return failure_note.Failure(**said), True
    ended = f"signal {-failure.exitcode}" if failure.exitcode < 0 else f"exit code {failure.exitcode}"
    message = (
        f"rank {rank} (process {failure.pid}) was ended by {ended} and could not say why; all ranks were "
        "ended with it. Where memory was short the kernel ends processes: look at its log. Run the step "
        "again, which goes on from the last checkpoint"
    )
    return failure_note.Failure(TrainingFailed.__name__, message), False


def raised(failure: failure_note.Failure) -> PipelineError:
    """Make the error again that a rank raised."""
    kind = getattr(errors, failure.error, TrainingFailed)
    found: PipelineError = kind(failure.message)
    return found
