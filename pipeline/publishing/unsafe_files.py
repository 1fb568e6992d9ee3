"""What may not go out, because it can run code where it is loaded."""

import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from pipeline.embedding.weight_formats import CAN_RUN_CODE, SAFETENSORS, suffix
from pipeline.errors import ReleaseRefused

# Programs, and what a program loads: code whatever reads it.
_CODE = {".py", ".pyc", ".pyd", ".so", ".dll", ".sh", ".ipynb"}
_REMOTE = {"auto_map", "trust_remote_code"}


def refuse_unsafe(files: Mapping[str, Path]) -> None:
    """Look at every file that is to be released, by its path there.

    Raises:
        ReleaseRefused: One is a pickle, whatever it is called, is code, or asks for code to be run; or there
            are no safetensors weights.
    """
    for name, path in files.items():
        kind = suffix(name)
        if kind in CAN_RUN_CODE or _pickled(path):
            raise ReleaseRefused(f"{name} can run code when loaded; wanted safetensors weights only")
        if kind in _CODE:
            raise ReleaseRefused(f"{name} is code; wanted a model that needs none of its own. Take it out")
        if kind == ".json":
            _refuse_remote_code(name, path)
    if not any(suffix(name) == SAFETENSORS for name in files):
        raise ReleaseRefused(
            f"there is no .safetensors file among {', '.join(sorted(files))}; wanted the weights in one"
        )


def _pickled(path: Path) -> bool:
    """Return whether a file begins as a pickle does, or is an archive with one in it, as torch writes."""
    with path.open("rb") as file:
        head = file.read(2)
    if head[:1] == b"\x80" and head[1:] in {b"\x02", b"\x03", b"\x04", b"\x05"}:
        return True
    if head != b"PK" or not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith(".pkl") for name in archive.namelist())


def _refuse_remote_code(name: str, path: Path) -> None:
    try:
        content = json.loads(path.read_bytes())
    except ValueError:
        raise ReleaseRefused(f"{name} is no JSON; wanted a configuration that can be read") from None
    found = sorted(_REMOTE & set(_keys(content)))
    if found:
        raise ReleaseRefused(
            f"{name} has {' and '.join(found)}, which makes whoever loads the model run code; wanted none. "
            "Use a base that transformers knows by itself"
        )
    if PurePosixPath(name).name == "modules.json" and isinstance(content, list):
        foreign = [
            str(module.get("type"))
            for module in content
            if isinstance(module, dict) and not str(module.get("type")).startswith("sentence_transformers.")
        ]
        if foreign:
            raise ReleaseRefused(
                f"{name} names {', '.join(foreign)}; wanted modules of sentence_transformers only, because "
                "any other is code that comes with the model"
            )


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, one in value.items():
            yield key
            yield from _keys(one)
    elif isinstance(value, list):
        for one in value:
            yield from _keys(one)
