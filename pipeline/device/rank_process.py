"""The process of one rank, which torch's agent starts: it runs a step's module and says why that failed.

Its arguments: the module, the workspace, and the process id of the agent.
"""

import importlib
import os
import signal
import sys
import time
import traceback
import warnings
from pathlib import Path

from pipeline.device import failure_note, ranks
from pipeline.device.failure_note import Failure
from pipeline.errors import PipelineError, TrainingFailed, first_line
from pipeline.isolated import confinement
from pipeline.params import load

# An error that is no rank's own, a connection that another rank let go of, comes after that rank's end. In
# this time its machine's agent ends this rank too, or the note of another machine does, if only by its
# silence: so that only the first one speaks.
_SECONDS_FOR_THE_FIRST, _ON_SEVERAL_MACHINES = 5.0, failure_note.SECONDS_OF_SILENCE + 5


def main() -> int:
    """Run the module's step.

    Returns:
        The exit code; where it is not 0, what was wrong stands where the agent looks for it.
    """
    module, workspace, parent = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    confinement.follow(parent)  # no SIGTERM: a rank without its agent could wait for others that are gone
    # Of accelerate 1.15 to torch 2.13, once for each rank; nobody who reads it can do anything.
    warnings.filterwarnings("ignore", message=".*broadcast_buffers.* is deprecated", category=FutureWarning)
    if failure_note.several_machines():
        failure_note.watch()
    try:
        importlib.import_module(module).run(workspace, load(workspace))
        ranks.part()
    except PipelineError as error:
        return _fail(Failure(type(error).__name__, str(error)))
    except Exception as error:  # a fault of the code or of the machine, or another rank's end
        time.sleep(_ON_SEVERAL_MACHINES if failure_note.several_machines() else _SECONDS_FOR_THE_FIRST)
        traceback.print_exc()
        said = f"rank {os.environ.get('RANK')} broke off: {type(error).__name__}: {first_line(error)}"
        return _fail(Failure(TrainingFailed.__name__, f"{said}. Its traceback stands above"))
    return 0


def _fail(failure: Failure) -> int:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # of the agent, which ends all once one has failed
    failure_note.write(failure)
    if failure_note.several_machines():
        failure_note.tell_others(failure)
    return 1


if __name__ == "__main__":
    sys.exit(main())
