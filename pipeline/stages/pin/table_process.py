"""Retrieval sets, pairs and pickles, read in a process of their own: `table_process.py PARENT`.

The request stands on its input; what it made of the files lies in its own folder.
"""

import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.errors import InvalidData
from pipeline.isolated import answering, child
from pipeline.params.pin import LimitParams, PairsProbe, RetrievalFiles
from pipeline.stages.pin import file_limits
from pipeline.stages.pin.model import pickles
from pipeline.stages.pin.tables import beir


def retrieval(
    folder: Path, params: RetrievalFiles, key: str, limits: LimitParams, qrels_folder: Path | None = None
) -> tuple[dict[str, pl.DataFrame], int]:
    """Read a retrieval set as `beir.retrieval` does, without token, offline and within limits.

    Raises:
        InvalidData: As `beir.retrieval`, or a file asks for more than it may.
    """
    request = {
        "do": "retrieval",
        "folder": str(folder.resolve()),
        "params": params.model_dump(include=set(RetrievalFiles.model_fields)),
        "key": key,
        "qrels_folder": None if qrels_folder is None else str(qrels_folder.resolve()),
    }
    tables, answer = _tables(request, f"{key} ({params.repo} at {params.revision[:12]})", limits)
    return tables, int(answer["unknown"])


def pairs(folder: Path, params: PairsProbe, key: str, limits: LimitParams) -> dict[str, pl.DataFrame]:
    """Read pairs as `beir.pairs` does, without token, offline and within limits.

    Raises:
        InvalidData: As `beir.pairs`, or the file asks for more than it may.
    """
    request = {"do": "pairs", "folder": str(folder.resolve()), "params": params.model_dump(), "key": key}
    return _tables(request, f"{key} ({params.repo} at {params.revision[:12]})", limits)[0]


def convert(folder: Path, limits: LimitParams) -> tuple[str, ...]:
    """Replace pickles by safetensors as `pickles.convert` does, without token, offline and within limits.

    Raises:
        InvalidData: As `pickles.convert`, or a pickle asks for more than it may.
    """
    if not pickles.found(folder):
        return ()
    with tempfile.TemporaryDirectory(prefix="katman-pickles-") as room:
        answer = _asked({"do": "convert", "folder": str(folder.resolve())}, Path(room), "the base", limits)
    return tuple(answer["converted"])


def _tables(
    request: Mapping[str, Any], owner: str, limits: LimitParams
) -> tuple[dict[str, pl.DataFrame], dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="katman-tables-") as name:
        answer = _asked(request, Path(name), owner, limits)
        return {one: pl.read_parquet(Path(name) / f"{one}.parquet") for one in answer["tables"]}, answer


def _asked(request: Mapping[str, Any], room: Path, owner: str, limits: LimitParams) -> dict[str, Any]:
    """Have a request answered; what the process says no to, it says in this project's words."""
    whole = {**request, "limits": limits.model_dump()}
    answer = child.ask(Path(__file__), room.resolve(), whole, limits=file_limits.process(limits))
    if "refused" in answer:
        raise InvalidData(str(answer["refused"]))
    if "ended" in answer or "failed" in answer:
        how = answer.get("failed") or f"the process that reads it {answer['ended']}"
        raise InvalidData(
            f"{owner} cannot be read: {how}; wanted files within pin.limits. Pin another commit, or raise "
            "the limit that it needs"
        )
    return answer


def answered(request: Mapping[str, Any]) -> dict[str, Any]:
    """Answer a request, in this process and the current folder.

    Raises:
        InvalidData: The files are not what they should be.
    """
    folder = Path(request["folder"])
    limits = LimitParams.model_validate(request["limits"])
    if request["do"] == "convert":
        return {"converted": pickles.convert(folder)}
    said = json.dumps(request["params"])
    if request["do"] == "pairs":
        probe = PairsProbe.model_validate_json(said)
        file_limits.refuse([folder / probe.file], limits)
        tables, unknown = beir.pairs(folder, probe, request["key"]), 0
    else:
        asked = RetrievalFiles.model_validate_json(said)
        qrels = Path(request["qrels_folder"] or folder)
        file_limits.refuse([folder / asked.corpus, folder / asked.queries, qrels / asked.qrels], limits)
        tables, unknown = beir.retrieval(folder, asked, request["key"], qrels)
    for name, table in tables.items():
        table.write_parquet(f"{name}.parquet")
    return {"tables": list(tables), "unknown": unknown}


def main() -> int:
    """Answer one request."""
    return answering.answer(answered)


if __name__ == "__main__":
    sys.exit(main())
