"""A retrieval set and scored pairs, in the files that the Hub's data sets come in."""

import json
from pathlib import Path
from typing import Any

import polars as pl

Table = dict[str, list[Any]]
CORPUS: Table = {
    "_id": ["d1", "d2", "d3"],
    "title": ["Fatura", "", None],
    "text": ["ödenir", "hat", 'tarife "x"'],
}
QUERIES: Table = {"_id": ["q1", "q2"], "text": ["fatura nasıl ödenir", "hat"]}
QRELS: Table = {"query-id": ["q1", "q1", "q2"], "corpus-id": ["d1", "d3", "d2"], "score": [2, 0, 1]}
PAIRS: Table = {"a": ["x", "y", "z"], "b": ["x", "t", "u"], "score": [5.0, 0.5, 1.0]}


def write(path: Path, table: Table) -> None:
    """Write one table as parquet, as lines of JSON or as tab-separated text, as the suffix says."""
    frame = pl.DataFrame(table)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        frame.write_parquet(path)
    elif path.suffix == ".jsonl":
        lines = [json.dumps(row, ensure_ascii=False) for row in frame.iter_rows(named=True)]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    else:
        cells = [
            frame.columns,
            *(["" if cell is None else str(cell) for cell in row] for row in frame.iter_rows()),
        ]
        path.write_text("".join("\t".join(row) + "\n" for row in cells), encoding="utf-8")
