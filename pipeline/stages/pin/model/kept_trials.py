"""A trial is not made again where base, recipe, code and libraries are the same: it would say the same.

Trials are kept beside the checkpoints, in a file named by the hash of all of these: a night in which only the
data moved loads no base.
"""

from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path

from pydantic import ValidationError

from pipeline.params import Params
from pipeline.records import BaseTrial, PinnedRepo
from pipeline.workspace import digests, paths
from pipeline.workspace.files import write_text

_LIBRARIES = ("torch", "transformers", "tokenizers", "sentence-transformers", "safetensors", "sentencepiece")


def kept(
    workspace: Path,
    base: PinnedRepo,
    params: Params,
    code: Mapping[str, str],
    attempt: Callable[[], BaseTrial],
) -> BaseTrial:
    """Return a trial that was made before, or make it and keep it.

    Args:
        workspace: The folder of the workspace.
        base: What was fetched, with a digest of each file.
        params: The recipe.
        code: Digests of the code that `pin` runs.
        attempt: Makes the trial; where it fails, nothing is kept.
    """
    name = digests.of_value(
        {
            "base": {path: file.digest for path, file in base.files.items()},
            "recipe": params.model.model_dump(mode="json", include={"dims", "max_seq_length", "prompts"}),
            "code": dict(code),
            "libraries": {one: version(one) for one in _LIBRARIES},
        }
    )
    path = workspace / paths.CHECKPOINTS / "trials" / f"{name}.json"
    try:
        return BaseTrial.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        found = attempt()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, found.model_dump_json())
    return found
