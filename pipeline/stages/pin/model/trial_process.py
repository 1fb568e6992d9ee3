"""The process in which a base is tried: `trial_process.py PARENT`, with the request on its input."""

import json
import signal
import sys
from pathlib import Path
from typing import Any

from pipeline.errors import InvalidData, InvalidParams
from pipeline.isolated import answering, child
from pipeline.params import Params
from pipeline.params.model import ModelParams
from pipeline.records import BaseTrial
from pipeline.stages.pin import file_limits
from pipeline.stages.pin.model import tokenizer_trial

_KINDS = {kind.__name__: kind for kind in (InvalidData, InvalidParams)}


def tried(base: Path, room: Path, params: Params) -> BaseTrial:
    """Try a base in a process without token, offline and on the CPU.

    Args:
        base: Folder of the base.
        room: An empty folder; the model is saved there once, so it needs as much space as the base.
        params: The recipe, and how many threads.

    Raises:
        InvalidData: The base is nothing that training can start from, or nothing that could be released.
        InvalidParams: The recipe asks for more than the base has.
    """
    threads = params.hardware.threads
    settings = {"CUDA_VISIBLE_DEVICES": ""}
    if threads is not None:
        settings["OMP_NUM_THREADS"] = str(threads)
    limits = params.pin.limits
    request: dict[str, Any] = {
        "base": str(base.resolve()),
        "model": params.model.model_dump(mode="json"),
        "tokenizer_seconds": limits.tokenizer_seconds,
    }
    answer = child.ask(Path(__file__), room, request, settings, file_limits.process(limits))
    owner = f"{params.base.repo} at {params.base.revision[:12]}"
    if "refused" in answer:
        said = str(answer["refused"]).replace(request["base"], "the base")
        raise _KINDS.get(answer["kind"], InvalidData)(f"base {owner}: {said}")
    if "trial" in answer:
        return BaseTrial.model_validate_json(json.dumps(answer["trial"]))
    if answer.get("signal") == signal.SIGALRM:
        raise InvalidData(
            f"base {owner}: its tokenizer needs more than {limits.tokenizer_seconds:g} seconds for letters "
            "that are made to hold up a pattern (pin.limits.tokenizer_seconds); wanted one that any text can "
            "be given to. Pin another base"
        )
    how = answer.get("failed") or (
        f"the process that tried it {answer['ended']}; where it was killed, memory may not have sufficed: it "
        "needs some three times that of the weights in float32"
    )
    raise InvalidData(
        f"base {owner} cannot be used: {how}; wanted a model that loads, encodes and is saved. Pin another"
    )


def changes(trial: BaseTrial | None) -> list[str]:
    """Return a line for each thing that the base is given or relieved of; none where nobody tried it."""
    if trial is None:
        return []
    said = {
        "gets a module Normalize": trial.normalize_added,
        f"was saved with the similarity {trial.similarity}, and is judged by the cosine": trial.similarity,
        f"put {trial.default_prompt!r} before every text, which the model will not": trial.default_prompt,
        f"was cut to {trial.truncate_dim} dimensions, which the model will not be": trial.truncate_dim,
        f"names no padding token, and gets {trial.pad_token}": trial.pad_token,
        "names code of its own, which is taken out": trial.auto_map_dropped,
    }
    return [f"base   {what}" for what, true in said.items() if true]


def answered(request: dict[str, Any]) -> dict[str, Any]:
    """Answer a request, in this process and the current folder.

    Raises:
        InvalidData: As `tried`.
        InvalidParams: As `tried`.
    """
    tokenizer_trial.hold_up(Path(request["base"]), request["tokenizer_seconds"])
    # Imports torch, which the step itself needs not.
    from pipeline.stages.pin.model.base_trial import try_base

    found = try_base(
        Path(request["base"]),
        ModelParams.model_validate_json(json.dumps(request["model"])),
        Path("saved").resolve(),
    )
    return {"trial": found.model_dump(mode="json")}


def main() -> int:
    """Answer one request."""
    return answering.answer(answered)


if __name__ == "__main__":
    sys.exit(main())
