"""What a data set's file would unpack to, looked at before anything is made of it."""

import gzip
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from pipeline.errors import InvalidData
from pipeline.isolated.child import Limits
from pipeline.params.pin import LimitParams

_PORTION = 1 << 20
_ESCAPED = re.compile(rb"\\.", re.DOTALL)
# An opening bracket goes one deeper, a closing one back; nothing else counts.
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[{]}"))


def process(limits: LimitParams) -> Limits:
    """Return what a process may take that reads strangers' files."""
    return Limits(limits.seconds, limits.memory_bytes, limits.unpacked_bytes)


def refuse_large(sizes: Mapping[str, int], owner: str, limits: LimitParams) -> None:
    """Refuse files that are too large to be fetched, by what the Hub says of each.

    Raises:
        InvalidData: One is.
    """
    for path, size in sorted(sizes.items()):
        if size > limits.file_bytes:
            raise _beyond(f"{path} of {owner}", size, "bytes", limits.file_bytes, "file_bytes")


def refuse(paths: Iterable[Path], limits: LimitParams) -> None:
    """Refuse files that hold more than they may, by what their footers say, or by looking through.

    Raises:
        InvalidData: One does, or is no file of its kind.
    """
    for path in paths:
        kinds = {one.lower() for one in path.suffixes}
        if ".parquet" in kinds:
            _refuse_parquet(path, limits)
        elif kinds & {".json", ".jsonl", ".ndjson"}:
            _refuse_json(path, limits)
        elif ".gz" in kinds:
            for _ in _portions(path, limits):
                pass


def _refuse_parquet(path: Path, limits: LimitParams) -> None:
    with pq.ParquetFile(path) as file:
        footer, depth = file.metadata, max((_depth(one.type) for one in file.schema_arrow), default=0)
        unpacked = sum(footer.row_group(one).total_byte_size for one in range(footer.num_row_groups))
    name = path.name
    if footer.num_rows > limits.rows:
        raise _beyond(name, footer.num_rows, "rows", limits.rows, "rows")
    cells = footer.num_rows * footer.num_columns
    if cells > limits.cells:
        raise _beyond(name, cells, "cells", limits.cells, "cells")
    if unpacked > limits.unpacked_bytes:
        raise _beyond(name, unpacked, "bytes, unpacked,", limits.unpacked_bytes, "unpacked_bytes")
    if depth > limits.depth:
        raise _beyond(name, depth, "types inside each other", limits.depth, "depth")


def _depth(kind: Any) -> int:
    """Return how deep a type is nested, without calling itself: a schema can be deeper than the stack."""
    deepest, waiting = 0, [(kind, 1)]
    while waiting:
        one, depth = waiting.pop()
        deepest = max(deepest, depth)
        waiting += [(one.field(place).type, depth + 1) for place in range(one.num_fields)]
    return deepest


def _refuse_json(path: Path, limits: LimitParams) -> None:
    """Count brackets outside of strings: too many inside each other end a parser with its stack."""
    depth, inside, rest = 0, False, b""
    for portion in _portions(path, limits):
        text = rest + portion
        escapes = len(text) - len(text.rstrip(b"\\"))
        rest = text[-1:] if escapes % 2 else b""
        text = _ESCAPED.sub(b"", text[: len(text) - len(rest)])
        # Strings and what is between them take turns.
        parts = text.split(b'"')
        between = b"".join(parts[int(inside) :: 2])
        inside ^= len(parts) % 2 == 0
        steps = np.frombuffer(between.translate(_STEPS, _NO_BRACKETS), dtype=np.int8)
        if len(steps):
            depths = depth + np.cumsum(steps, dtype=np.int64)
            if depths.max() > limits.depth:
                raise _beyond(path.name, depths.max(), "values inside each other", limits.depth, "depth")
            depth = int(depths[-1])


def _portions(path: Path, limits: LimitParams) -> Iterator[bytes]:
    read = 0
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        while portion := file.read(_PORTION):
            read += len(portion)
            if read > limits.unpacked_bytes:
                raise _beyond(path.name, read, "bytes, unpacked,", limits.unpacked_bytes, "unpacked_bytes")
            yield portion


def _beyond(name: str, found: int, what: str, most: int, key: str) -> InvalidData:
    return InvalidData(
        f"{name} has {found:,} {what} or more; wanted no more than {most:,} (pin.limits.{key}). Look at it "
        "on the Hub; pin another commit, or raise the limit if that is what you want to train on"
    )
