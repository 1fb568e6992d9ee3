"""What models are measured on besides the splits: the user's own retrieval set, and probes."""

from dataclasses import dataclass
from pathlib import PurePosixPath

import polars as pl

from pipeline.errors import HubNotFound, InvalidData
from pipeline.hub import Hub
from pipeline.params.pin import PairsProbe, PinParams, RetrievalFiles
from pipeline.records import PinnedRepo
from pipeline.stages.pin import downloads, table_process


@dataclass(frozen=True)
class MeasuredSet:
    """One set, fetched and read.

    Attributes:
        pinned: Its repository.
        tables: As `beir` reads them.
        qrels: The repository of its qrels, where that is another one.
        unknown_qrels: How many qrels name an id that is not there.
    """

    pinned: PinnedRepo
    tables: dict[str, pl.DataFrame]
    qrels: PinnedRepo | None = None
    unknown_qrels: int = 0


def fetch(hub: Hub, key: str, asked: RetrievalFiles | PairsProbe, pin: PinParams) -> MeasuredSet:
    """Fetch and read a set.

    Args:
        hub: The Hub.
        key: The part of params.yaml that names the set, for messages.
        asked: What that says.
        pin: Downloads at a time, and what the files may ask of this machine.

    Raises:
        InvalidData: A file is not there, or not what `beir` reads.
    """
    repo, revision = asked.repo, asked.revision
    if isinstance(asked, PairsProbe):
        found = downloads.tables(hub, key, repo, revision, (asked.file,), pin)
        return MeasuredSet(found.pinned, table_process.pairs(found.folder, asked, key, pin.limits))
    other = asked.qrels_from
    files: tuple[str, ...] = (asked.corpus, asked.queries)
    if other is None:
        files = (*files, asked.qrels)
        if asked.qrels not in hub.files(repo, "dataset", revision):
            raise InvalidData(
                f"data set {repo} at {revision[:12]} has no {asked.qrels}, which {key}.qrels names; wanted "
                f"the file that says which documents answer a query. {_where_else(hub, key, asked)}"
            )
    found = downloads.tables(hub, key, repo, revision, files, pin)
    if other is None:
        tables, unknown = table_process.retrieval(found.folder, asked, key, pin.limits)
        return MeasuredSet(found.pinned, tables, unknown_qrels=unknown)
    qrels = downloads.tables(hub, f"{key}.qrels_from", other.repo, other.revision, (asked.qrels,), pin)
    tables, unknown = table_process.retrieval(found.folder, asked, key, pin.limits, qrels.folder)
    return MeasuredSet(found.pinned, tables, qrels.pinned, unknown)


def _where_else(hub: Hub, key: str, asked: RetrievalFiles) -> str:
    """Return what to do about missing qrels: what to write, where BEIR's own sets would have them."""
    repo = f"{asked.repo}-qrels"
    try:
        commit = hub.info(repo, "dataset").commit
    except HubNotFound:
        other = f"{{repo: {repo}, revision: …}}"
        return f"Correct that, or name the repository that has it in {key}.qrels_from, as {other}"
    there = hub.files(repo, "dataset", commit)
    last = PurePosixPath(asked.qrels).name
    names = [path for path in dict.fromkeys((asked.qrels, last)) if path in there] or sorted(there)
    return (
        f"The Hub has {repo}: set {key}.qrels_from: {{repo: {repo}, revision: {commit}}}, "
        f"and {key}.qrels: {' or '.join(names)}"
    )
