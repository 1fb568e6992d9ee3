"""What a step gives up before it starts: the token, where it does not speak to the Hub, and the network.

`audit`, `evaluate` and `train` read what strangers made, in libraries of many hundred thousand lines. Nothing
of a stranger is run on purpose; this is what is left to it if it is run all the same.
"""

import os
import sys
from pathlib import Path

from pipeline.errors import PipelineError
from pipeline.isolated import confinement
from pipeline.params import load

# The Hub's client is no part of these; a test holds each to its imports.
WITHOUT_TOKEN = frozenset(
    {"upgrade", "audit", "train", "join", "evaluate", "gate", "card", "reject", "track"}
)
# `gate` and `card` read what this line wrote, and `gate` may have to fetch the log from its backup.
WITHOUT_NETWORK = frozenset({"audit", "train", "evaluate"})
_TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")


def give_up(step: str | None, workspace: Path) -> None:
    """Give up what a step does not need, for this process and whatever it starts.

    Args:
        step: The verb; None where none was given.
        workspace: Its params.yaml says whether a training needs the network.
    """
    if step not in WITHOUT_TOKEN:
        return
    offline = step in WITHOUT_NETWORK and not (step == "train" and _meets_others(workspace))
    hidden = confinement.stored_tokens()
    for name in _TOKENS:
        os.environ.pop(name, None)
    os.environ |= {"HF_TOKEN_PATH": os.devnull, "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"}
    if not confinement.leave(network=offline, files=hidden) and offline:
        sys.addaudithook(confinement.ask_this_machine)


def _meets_others(workspace: Path) -> bool:
    """Return whether a training reaches its own ranks on other machines."""
    try:
        params = load(workspace)
    except PipelineError:  # which the step itself says
        return False
    launch = params.hardware.launch
    return launch is not None and launch.machines > 1
