"""The modules that a model is made of, and what its small JSON files say of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.errors import InvalidData

CONFIG, MODULES = "config.json", "modules.json"
# The modules of sentence-transformers that hold weights.
WITH_WEIGHTS = {"Transformer", "Dense", "LayerNorm", "LSTM", "CNN", "WeightedLayerPooling"}


@dataclass(frozen=True)
class ModulePart:
    """One module of a model: its class, where that comes from, and its folder (empty is the root)."""

    kind: str
    source: str
    folder: str


def modules(configs: Mapping[str, Any], repo: str) -> tuple[ModulePart, ...]:
    """Return the modules that `modules.json` lists; without one, a Transformer at the root.

    Args:
        configs: The small JSON files by path.
        repo: The model, for the message.

    Raises:
        InvalidData: The list is none, or a module lies outside of the repository.
    """
    if MODULES not in configs:
        return (ModulePart("Transformer", "sentence_transformers", ""),)
    listed = configs[MODULES]
    found = []
    for one in listed if isinstance(listed, list) else [None]:
        kind, folder = (one.get("type"), one.get("path")) if isinstance(one, dict) else (None, None)
        if not isinstance(kind, str) or not isinstance(folder, str):
            raise InvalidData(
                f"modules.json of model {repo} holds {str(listed)[:80]!r}; wanted a list of modules, each "
                "with a type and a path. Pin a commit with one that sentence-transformers wrote"
            )
        if folder.startswith("/") or ".." in folder.split("/"):
            raise InvalidData(
                f"modules.json of model {repo} names the folder {folder!r}; wanted one inside of the "
                "repository. Pin another model"
            )
        source, _, name = kind.rpartition(".")
        found.append(ModulePart(name, source, folder.strip("/")))
    if not found:
        raise InvalidData(f"modules.json of model {repo} lists no module; wanted some. Pin another model")
    return tuple(found)


def entry(configs: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Return one JSON file, or one object in it; an empty one where there is none."""
    content = configs.get(path)
    return content if isinstance(content, dict) else {}


def configuration(configs: Mapping[str, Any], parts: tuple[ModulePart, ...]) -> dict[str, Any]:
    """Return the configuration of a model's first module."""
    return entry(configs, f"{parts[0].folder}/{CONFIG}" if parts[0].folder else CONFIG)
