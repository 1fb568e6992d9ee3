"""What may go out: the kinds of files that a release is made of, each looked into, and nothing else.

A list of what is dangerous is never whole. So a file goes out where its name and its first bytes are those
of a kind that sentence-transformers, the tokenizer's class or the card writes, and no library runs it.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from pipeline.embedding.weight_formats import CAN_RUN_CODE, SAFETENSORS, VOCABULARIES, suffix
from pipeline.errors import ReleaseRefused

# Keys by which a library finds code: transformers' own, and those of the common object loaders.
_REMOTE = {
    *{"auto_map", "trust_remote_code", "custom_pipelines", "_target_"},
    *{"py/object", "py/reduce", "py/type", "py/function", "__reduce__", "__class__", "$type"},
}
# Keys under which sentence-transformers has the dotted name of something that it imports.
_IMPORTED = {"activation_function", "activation_fn", "sbert_ce_default_activation_function"}
# How programs, archives and pickles begin: nothing that goes out does, whatever it is called.
_MAGIC = (
    *(b"\x7fELF", b"MZ", b"#!", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe"),
    *(
        b"PK\x03\x04",
        b"PK\x05\x06",
        b"\x1f\x8b",
        b"BZh",
        b"\xfd7zXZ",
        b"Rar!",
        b"\x28\xb5\x2f\xfd",
        b"7z\xbc\xaf",
    ),
    *(b"\x93NUMPY", b"\x89HDF"),
)
_PICKLES = tuple(bytes([0x80, protocol]) for protocol in range(2, 6))
_HEAD_BYTES = 8
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
# What an SVG of ours never has: it shows on a page, and a page can run these.
_ACTIVE = re.compile(
    rb"<script|<foreignObject|<iframe|<!ENTITY|\son\w+\s*=|javascript:|href\s*=\s*[\"'](?!#)", re.IGNORECASE
)


def refuse_unsafe(files: Mapping[str, Path]) -> None:
    """Look at every file that is to be released, by its path there.

    Raises:
        ReleaseRefused: One is of no kind that goes out, is not what its name says, or asks for code to be
            run; or there are no safetensors weights.
    """
    for name, path in files.items():
        _refuse_name(name)
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
        if head.startswith((*_MAGIC, *_PICKLES)):
            raise ReleaseRefused(
                f"{name} begins as a program, an archive or a pickle does, and can run code when loaded; "
                "wanted safetensors weights, configuration and vocabulary only. Take it out"
            )
        _kind(name)(name, path)
    if not any(suffix(name) == SAFETENSORS for name in files):
        raise ReleaseRefused(
            f"there is no .safetensors file among {', '.join(sorted(files))}; wanted the weights in one"
        )


def _refuse_name(name: str) -> None:
    *folders, last = PurePosixPath(name).parts
    plain = all(_NAME.fullmatch(part) for part in (*folders, last)) or folders == [".eval_results"]
    if len(folders) > 1 or not plain or str(PurePosixPath(name)) != name:
        raise ReleaseRefused(
            f"{name!r} is no name of a file that goes out; wanted letters, digits, `.`, `_` and `-`, in one "
            "folder at most. Take it out"
        )


def _kind(name: str) -> Callable[[str, Path], None]:
    """Return what looks into a file of this name.

    Raises:
        ReleaseRefused: Files of this name do not go out.
    """
    path, kind = PurePosixPath(name), suffix(name)
    folder = str(path.parent)
    exact = {
        "README.md": _text,
        "model.sig": _nothing,
        "trained_rows.parquet": _parquet,
        "chat_template.jinja": _text,
    }
    if name in exact:
        return exact[name]
    if kind == SAFETENSORS:
        return _safetensors
    if kind == ".json":
        return _json
    if kind in VOCABULARIES:
        return _text if kind == ".txt" else _nothing
    if folder in {"pictures", "imgs"} and kind in {".svg", ".png"}:
        return _svg if kind == ".svg" else _png
    if folder == ".eval_results" and kind == ".yaml":
        return _text
    what = "can run code when loaded" if kind in CAN_RUN_CODE else "is of no kind that goes out"
    raise ReleaseRefused(
        f"{name} {what}; wanted safetensors weights, the configuration and vocabulary that "
        "sentence-transformers and the tokenizer write, and the card's own files. Take it out"
    )


def _nothing(name: str, path: Path) -> None:
    """Look no further: it is read as a vocabulary or a signature, and by nothing that runs it."""


def _text(name: str, path: Path) -> None:
    try:
        found = path.read_bytes().decode("utf-8")
    except ValueError:
        raise ReleaseRefused(f"{name} is no text in UTF-8; wanted one. Take it out") from None
    if "\0" in found:
        raise ReleaseRefused(f"{name} holds the letter NUL; wanted a text. Take it out")


def _safetensors(name: str, path: Path) -> None:
    """Read the header as the format has it: its length in 8 bytes, then a JSON object."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        room = path.stat().st_size - 8
        found = _object(file.read(length)) if length <= min(room, 100_000_000) else None
    if found is None:
        raise ReleaseRefused(
            f"{name} has no header of safetensors; wanted weights in that format. Take it out"
        )


def _object(content: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _parquet(name: str, path: Path) -> None:
    with path.open("rb") as file:
        begun = file.read(4)
    if begun != b"PAR1":
        raise ReleaseRefused(f"{name} is no Parquet; wanted the rows that the card wrote. Run `dvc repro`")


def _png(name: str, path: Path) -> None:
    if not path.read_bytes().startswith(b"\x89PNG\r\n"):
        raise ReleaseRefused(f"{name} is no PNG; wanted a picture. Take it out")


def _svg(name: str, path: Path) -> None:
    content = path.read_bytes()
    if b"<svg" not in content or _ACTIVE.search(content):
        raise ReleaseRefused(
            f"{name} is no plain SVG, or has something in it that a page would run. Take it out"
        )


def _json(name: str, path: Path) -> None:
    try:
        content = json.loads(path.read_bytes())
        found = sorted({key for key, value in _entries(content) if key in _REMOTE and not _is_token(value)})
        imported = sorted(
            f"{key}: {value}"
            for key, value in _entries(content)
            if key in _IMPORTED and value is not None and not str(value).startswith("torch.nn.")
        )
    except (ValueError, RecursionError):
        raise ReleaseRefused(f"{name} is no JSON; wanted a configuration that can be read") from None
    if found:
        raise ReleaseRefused(
            f"{name} has {' and '.join(found)}, which makes whoever loads the model run code; wanted none. "
            "Use a base that transformers knows by itself"
        )
    if imported:
        raise ReleaseRefused(
            f"{name} names {', '.join(imported)}, which is imported where the model is loaded; wanted one of "
            "torch.nn. Take it out"
        )
    foreign = sorted(set(_classes(PurePosixPath(name).name, content)))
    if foreign:
        raise ReleaseRefused(
            f"{name} names {', '.join(foreign)}; wanted modules of sentence_transformers only, because "
            "any other is code that comes with the model"
        )


def _is_token(value: Any) -> bool:
    """Return whether a key can be a token of a vocabulary: its number stands behind it."""
    return isinstance(value, int) and not isinstance(value, bool)


def _classes(name: str, content: Any) -> Iterator[str]:
    """Give the classes of modules that are not the library's own, of the two files that name any."""
    named: list[object] = []
    if name == "modules.json" and isinstance(content, list):
        named = [module.get("type") for module in content if isinstance(module, dict)]
    if name == "router_config.json" and isinstance(content, dict) and isinstance(content.get("types"), dict):
        named = list(content["types"].values())
    yield from (str(one) for one in named if not str(one).startswith("sentence_transformers."))


def _entries(value: Any) -> Iterator[tuple[str, Any]]:
    """Give every key of a JSON document with its value, however deep."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield key, one
            yield from _entries(one)
    elif isinstance(value, list):
        for one in value:
            yield from _entries(one)
