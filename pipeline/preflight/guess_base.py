"""What a base says of itself in its small JSON files: its width, its limit of tokens and its prompts."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pipeline.embedding.weight_formats import SAFETENSORS
from pipeline.errors import InvalidData
from pipeline.stages.pin.model.limits import positions

_PROMPTS = {"query": ("query",), "document": ("document", "passage", "corpus")}
_PICKLE = re.compile(r"pytorch_model(-\d+-of-\d+)?\.bin")
_LEAST_WIDTH, _WIDTHS = 64, 4


@dataclass(frozen=True)
class BaseFacts:
    """A base, as its files describe it.

    Attributes:
        width: Of its vectors.
        max_seq_length: Tokens that it reads at most; None where nothing says so.
        prompts: What it puts before queries and documents.
        pickles: Those of its weights that are pickles and stand where no safetensors do.
    """

    width: int
    max_seq_length: int | None
    prompts: dict[str, str]
    pickles: list[str]


def small(path: str) -> bool:
    """Return whether a file of a model says something of it, and holds none of its weights."""
    return PurePosixPath(path).suffix in {".json", ".txt", ".model", ".spm", ".codes"}


def read(folder: Path, listed: Mapping[str, Any], owner: str) -> BaseFacts:
    """Read a base's JSON files.

    Args:
        folder: Holds them.
        listed: Paths of all files of its commit.
        owner: Its name, for the message.

    Raises:
        InvalidData: Nothing says how wide its vectors are.
    """
    config = _json(folder, "config.json")
    width = _width(folder, config)
    if width is None:
        raise InvalidData(
            f"{owner} has no config.json or modules.json that says how wide its vectors are; wanted a "
            "sentence-transformers model, or a transformer that one can be made of"
        )
    limits = [_json(folder, "sentence_bert_config.json").get("max_seq_length"), positions(config)]
    limits += [_json(folder, "tokenizer_config.json").get("model_max_length")]
    known = [one for one in limits if isinstance(one, int) and 0 < one < 1_000_000]
    return BaseFacts(
        width=width,
        max_seq_length=min(known, default=None),
        prompts=_prompts(_json(folder, "config_sentence_transformers.json").get("prompts")),
        pickles=_pickles(folder, listed),
    )


def widths(width: int) -> list[int]:
    """Return the width and its halves, as far down as vectors are of use.

    >>> widths(768), widths(32)
    ([768, 384, 192, 96], [32, 16])
    """
    found = [width]
    while len(found) < _WIDTHS and found[-1] % 2 == 0 and found[-1] // 2 >= min(_LEAST_WIDTH, width // 2):
        found.append(found[-1] // 2)
    return found


def _pickles(folder: Path, listed: Mapping[str, Any]) -> list[str]:
    """List the pickles at the root and in the folders of modules, where nothing safer stands beside them."""
    homes = {"", *(str(one.get("path", "")).strip("/") for one in _json_list(folder, "modules.json"))}
    found = []
    for home in sorted(homes):
        beside = [PurePosixPath(path) for path in listed if str(PurePosixPath(path).parent) == (home or ".")]
        if any(path.suffix == SAFETENSORS for path in beside):
            continue
        parts = sorted(str(path) for path in beside if _PICKLE.fullmatch(path.name))
        whole = [path for path in parts if PurePosixPath(path).name == "pytorch_model.bin"]
        found += whole or parts
    return found


def _width(folder: Path, config: Mapping[str, Any]) -> int | None:
    """Return what the last module makes: a Dense layer's, else the pooling's, else the transformer's."""
    modules = _json_list(folder, "modules.json")
    asked = [
        (str(one.get("path", "")), key)
        for one in modules
        for key in ("out_features", "word_embedding_dimension", "embedding_dimension")
    ]
    found = [_json(folder, f"{path}/config.json").get(key) for path, key in asked if path]
    found = [config.get("hidden_size"), config.get("d_model"), config.get("dim"), *found]
    known = [one for one in found if isinstance(one, int) and one > 0]
    return known[-1] if known else None


def _prompts(saved: Any) -> dict[str, str]:
    given = saved if isinstance(saved, dict) else {}
    found = {role: [given[name] for name in names if given.get(name)] for role, names in _PROMPTS.items()}
    return {role: str(several[0]) if several else "" for role, several in found.items()}


def _json(folder: Path, path: str) -> dict[str, Any]:
    try:
        content = json.loads((folder / path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _json_list(folder: Path, path: str) -> list[dict[str, Any]]:
    try:
        content = json.loads((folder / path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return []
    return [one for one in content if isinstance(one, dict)] if isinstance(content, list) else []
