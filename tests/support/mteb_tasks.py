"""Small data sets in the shapes that tasks of mteb read, and vectors that know what is in a text."""

import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import yaml
from numpy.typing import NDArray

from tests.support.workspaces import ENDINGS, WORDS

Columns = dict[str, list[Any]]
# By subset and split.
DataSet = Mapping[str, Mapping[str, Columns]]


def pairs(count: int = 30) -> Columns:
    """Make pairs of texts; the more words they share, the higher is the score of most."""
    columns: Columns = {"sentence1": [], "sentence2": [], "score": []}
    for place in range(count):
        word, ending = WORDS[place % 10], ENDINGS[place // 10 % 10]
        other = {
            0: f"{word} {ending} {place} evet",
            1: f"{word} {ending} {place + 1}",
            2: f"{word} mi {place + 2}",
        }
        columns["sentence1"].append(f"{word} {ending} {place}")
        columns["sentence2"].append(other.get(place % 4, f"{WORDS[(place + 5) % 10]} evet"))
        columns["score"].append(1.0 if place % 7 == 0 else [5.0, 4.0, 2.0, 0.0][place % 4])
    return columns


STS: DataSet = {"default": {"test": pairs()}}
CLASSES: DataSet = {
    "default": {
        split: {
            "text": [f"{WORDS[place % 2]} {place}" for place in range(start, start + 40)],
            "label": [place % 2 for place in range(40)],
        }
        for split, start in (("train", 0), ("test", 40))
    }
}
PAIR_CLASSES: DataSet = {
    "turkish": {
        "test": {
            "sentence1": [f"{WORDS[place % 10]} {place}" for place in range(20)],
            "sentence2": [
                f"{WORDS[place % 10]} {place}" if place % 2 else f"{ENDINGS[place % 10]} mi"
                for place in range(20)
            ],
            "labels": [place % 2 for place in range(20)],
        }
    }
}
RETRIEVAL: DataSet = {
    "passages-corpus": {
        "test": {
            "_id": [f"d{place}" for place in range(20)],
            "title": [""] * 20,
            "text": [f"{WORDS[place % 10]} {ENDINGS[place // 10]}" for place in range(20)],
        }
    },
    "passages-queries": {
        "test": {"_id": [f"q{place}" for place in range(10)], "text": [f"{one} var" for one in WORDS]}
    },
    "passages-qrels": {
        "test": {
            "query-id": [f"q{place}" for place in range(10)],
            "corpus-id": [f"d{place}" for place in range(10)],
            "score": [1] * 10,
        }
    },
}


def write(folder: Path, data: DataSet, paths: Mapping[str, str] | None = None) -> Path:
    """Write a data set as the Hub has it: a README that names the files of each subset.

    Args:
        folder: Made here.
        data: The rows.
        paths: What the README names for the test split of a subset instead of the file that is there.
    """
    configs = []
    for subset, splits in data.items():
        files = []
        for split, columns in splits.items():
            path = folder / subset / f"{split}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            pl.DataFrame(columns).write_parquet(path)
            named = (paths or {}).get(subset, path.relative_to(folder).as_posix())
            files.append({"split": split, "path": named})
        configs.append({"config_name": subset, "data_files": files})
    text = yaml.safe_dump({"license": "mit", "configs": configs})
    (folder / "README.md").write_text(f"---\n{text}---\n", encoding="utf-8")
    return folder


def words(texts: list[str], role: str = "query") -> NDArray[np.float32]:
    """Return a vector per text that says which words are in it, as hashes."""
    found = np.zeros((len(texts), 16384), np.float32)
    for row, text in zip(found, texts, strict=True):
        for word in text.split():
            row[zlib.crc32(word.encode()) % 16384] += 1
    return found
