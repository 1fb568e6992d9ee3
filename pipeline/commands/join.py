"""`join N`: lend this machine to a training that another machine runs (`hardware.launch`).

It is started in a clone of the workspace that has the same commit, parameters, data and base; what it trains
is kept by the machine that runs `dvc repro`, and nothing is written here.
"""

import os
from argparse import ArgumentParser
from pathlib import Path

from pipeline.errors import InvalidParams
from pipeline.params import Params

_TRAIN = "pipeline.stages.train.step"  # by name: only its ranks need what it imports


def arguments(parser: ArgumentParser) -> None:
    """Register which of the machines this is."""
    parser.add_argument("machine", type=int, help="its number, from 1 on; 0 is the one that runs the step")
    parser.epilog = "example:\n  katman join 1"


def run(workspace: Path, params: Params, machine: int) -> int:
    """Start this machine's ranks, wait for their end, and return how many there were.

    Raises:
        InvalidParams: No other machine takes part, or none of this number.
        PipelineError: What the first rank that failed has said, on whichever machine.
    """
    wanted = params.hardware.launch
    machines = 1 if wanted is None else wanted.machines
    if wanted is None or not 0 < machine < machines:
        raise InvalidParams(
            f"machine {machine} was asked to join {machines} of hardware.launch; wanted a number from 1 to "
            f"{machines - 1}. Set hardware.launch.machines and rendezvous, alike on all of them"
        )
    # torch reads this when it is imported: it would show its stack where the first machine is not there.
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "FATAL")
    from pipeline.device import launch

    launch.run(_TRAIN, workspace, params.hardware, machine=machine)
    return wanted.processes


def summary(ranks: int) -> str:
    """Return what this machine gave."""
    return f"{ranks} ranks of this machine trained to the end; the model stands on the first machine"
