"""Vectors of texts: each text set encoded once per model, and kept on disk for the next run."""

import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from sentence_transformers import SentenceTransformer

from pipeline.device import hardware, ranks
from pipeline.device.numerics import settle
from pipeline.embedding import direct_tokens, encode, length_buckets, tokens
from pipeline.workspace import digests

# What unused entries may take up: room for another candidate or two, not for every one there ever was.
MAX_UNUSED_BYTES = 4 << 30

_LIBRARIES = ("torch", "transformers", "sentence-transformers", "tokenizers")
_CODE = (encode.__file__, length_buckets.__file__, tokens.__file__, direct_tokens.__file__)


@dataclass
class Cache:
    """Encoded text sets as files of one folder, each named by all that its vectors depend on.

    Attributes:
        folder: Where entries stand; made with the first of them.
        used: Names of the entries that this run read or wrote.
        texts: Texts that were encoded, and texts that were not because the cache had them.
    """

    folder: Path
    used: set[str] = field(default_factory=set)
    texts: dict[str, int] = field(default_factory=lambda: {"encoded": 0, "cached": 0})

    def get(self, name: str) -> tuple[torch.Tensor, float] | None:
        """Return the vectors and the seconds that encoding them took; None where there is no whole entry."""
        path = self._path(name)
        try:
            with safe_open(path, framework="pt") as file:
                vectors, facts = file.get_tensor("vectors"), file.metadata()
            if facts["sha256"] != _digest(vectors):
                return None
        except (OSError, SafetensorError, KeyError, TypeError):
            return None
        path.touch()  # the oldest use goes first
        self.used.add(name)
        return vectors, float(facts["seconds"])

    def put(self, name: str, vectors: torch.Tensor, seconds: float) -> None:
        """Keep vectors; a crash on the way leaves no half of an entry."""
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        save_file({"vectors": vectors}, unfinished, {"sha256": _digest(vectors), "seconds": repr(seconds)})
        unfinished.replace(path)
        self.used.add(name)

    def clean(self, max_unused_bytes: int = MAX_UNUSED_BYTES) -> None:
        """Remove entries that this run did not use, longest unused first, until the rest is within bounds."""
        unused = [path for path in self.folder.glob("*.*") if path.stem not in self.used]
        left = sum(path.stat().st_size for path in unused)
        for path in sorted(unused, key=lambda path: path.stat().st_mtime_ns):
            if left > max_unused_bytes or path.suffix == ".part":
                left -= path.stat().st_size
                path.unlink()

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.safetensors"


def _digest(vectors: torch.Tensor) -> str:
    array: NDArray[np.float32] = np.ascontiguousarray(vectors.numpy())
    return hashlib.sha256(array.data if array.size else b"").hexdigest()


@dataclass(frozen=True)
class Vectors:
    """The vectors of some texts.

    Attributes:
        place: Row of each text in the table.
        table: (texts, width) float32 on the CPU.
        per_hour: Texts per hour when they were encoded.
    """

    place: dict[str, int]
    table: torch.Tensor
    per_hour: float

    def of(self, texts: Sequence[str]) -> torch.Tensor:
        """Return the vectors of some of the texts, in their order."""
        return self.table[[self.place[text] for text in texts]]


@dataclass
class Encoder:
    """Gives one model's vectors, from the cache where it has them.

    Attributes:
        model: As it is to be used: its maximum length and its prompts `query` and `document` are taken.
        digest: sha256 of the folder that it was loaded from.
        unit_norm: Every vector so far had length 1, to within 0.001.
    """

    model: SentenceTransformer
    digest: str
    cache: Cache
    bf16: bool
    batch_tokens: int
    unit_norm: bool = True

    @contextmanager
    def precision(self, *, bf16: bool) -> Iterator[None]:
        """Encode in this precision for a while."""
        before, self.bf16 = self.bf16, bf16
        try:
            yield
        finally:
            self.bf16 = before

    @property
    def width(self) -> int:
        """Numbers per vector, as a user of the model gets them."""
        return int(self.model.get_embedding_dimension() or 0)

    def pair(self, queries: Sequence[str], documents: Sequence[str]) -> tuple[Vectors, Vectors]:
        """Encode queries and documents, each distinct text under each distinct prompt once."""
        query, document = self.prompt("query"), self.prompt("document")
        if query == document:
            both = self.vectors([*queries, *documents], query)
            return both, both
        return self.vectors(queries, query), self.vectors(documents, document)

    def prompt(self, role: str) -> str | None:
        """Return what stands in front of a `query` or `document`; None for nothing."""
        return self.model.prompts.get(role) or None

    def vectors(self, texts: Sequence[str], prompt: str | None) -> Vectors:
        """Encode texts.

        A number that is not finite becomes 0, so that measures of a broken model stay numbers; that it
        is broken, `unit_norm` says.
        """
        place = {text: number for number, text in enumerate(dict.fromkeys(texts))}
        name = self._name(list(place), prompt)
        found = self.cache.get(name)
        # Ranks encode together: where one of them lacks an entry, all take part.
        lacking = ranks.any_of(found is None, self.model.device)
        if found is None or lacking:
            begin = time.perf_counter()
            table = encode.encode(
                self.model, list(place), prompt=prompt, batch_tokens=self.batch_tokens, bf16=self.bf16
            ).cpu()
            found = table.contiguous(), time.perf_counter() - begin
            if ranks.number() == 0:
                self.cache.put(name, *found)
            self.cache.texts["encoded"] += len(place)
        else:
            self.cache.texts["cached"] += len(place)
        table, seconds = found
        off = (table.norm(dim=1) - 1).abs()
        self.unit_norm &= bool((off <= 1e-3).all())
        return Vectors(place, table.nan_to_num(0.0, 0.0, 0.0), 3600 * len(place) / max(seconds, 1e-9))

    def _name(self, texts: list[str], prompt: str | None) -> str:
        return digests.of_value(
            {
                "model": self.digest,
                "texts": digests.of_value(texts),
                "prompt": prompt,
                "max_length": self.model.max_seq_length,
                "dtype": ["float32", "bfloat16" if self.bf16 else "float32"],  # of weights and of arithmetic
                "numerics": settle(self.model.device),
                "batch_tokens": self.batch_tokens,
                "device": hardware.device_name(self.model.device),
                "versions": {name: version(name) for name in _LIBRARIES},
                "code": [digests.sha256(Path(path)) for path in _CODE],
            }
        )
