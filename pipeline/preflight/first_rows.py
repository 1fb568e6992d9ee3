"""The beginning of each split of a data set, for who must know what it is like before it is downloaded."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import InvalidData, first_line
from pipeline.hub import Hub, ListedFile, RemoteFile
from pipeline.stages.pin.tables.split_files import SplitFiles

MOST_ROWS = 20_000
_ENOUGH_BYTES = 16_000_000
# A footer is asked of so many parquet files; the rows of more are reckoned by their sizes.
_MOST_FOOTERS = 20
_LINES = {".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".txt"}


@dataclass(frozen=True)
class Beginning:
    """The first files of a split, as far as they are enough.

    Attributes:
        files: Paths below the folder that they were put into.
        read: Bytes of the data set's own files that they stand for.
        size: Bytes of all of the split's files.
        counted: Rows of all of the split's files where their footers say so, else None.
    """

    files: tuple[str, ...]
    read: int
    size: int
    counted: int | None

    def rows(self, found: int, stated: int | None) -> int:
        """Return how many rows a split has, by what was stated, else counted, else by its size.

        Args:
            found: Rows of the beginning.
            stated: By the data set's README; None where it does not say.
        """
        if stated is not None or self.counted is not None:
            return stated if stated is not None else self.counted or 0
        return found if self.read >= self.size else round(found * self.size / max(1, self.read))


def fetch(
    hub: Hub, repo: str, commit: str, listed: Mapping[str, ListedFile], chosen: SplitFiles, room: Path
) -> dict[str, Beginning]:
    """Bring the first rows of each split into a folder, by split.

    Small files come whole, compared with the Hub's digests; of a large one that is read line by line, the
    lines at its beginning, and of a parquet file the first groups of rows.

    Raises:
        HubError: The Hub was not reached.
        InvalidData: A parquet file is none.
    """
    beginnings: dict[str, Beginning] = {}
    for split, paths in chosen.files.items():
        files: list[str] = []
        read = 0
        for path in paths:
            file = listed[path]
            if read >= _ENOUGH_BYTES:
                break
            (room / path).parent.mkdir(parents=True, exist_ok=True)
            read += _bring(hub, repo, commit, file, chosen, room / path)
            files.append(path)
        counted = _counted(hub, repo, commit, [listed[path] for path in paths], chosen.reader)
        size = sum(listed[path].size for path in paths)
        beginnings[split] = Beginning(tuple(files), read, size, counted)
    return beginnings


def _bring(hub: Hub, repo: str, commit: str, file: ListedFile, chosen: SplitFiles, target: Path) -> int:
    """Put a file, or its beginning, at a path; return of how many of its bytes."""
    if file.size > _ENOUGH_BYTES and chosen.reader == "parquet":
        return _first_groups(hub.opened(repo, "dataset", commit, file), file.path, target)
    if file.size > _ENOUGH_BYTES and _by_lines(file.path, chosen):
        head = hub.opened(repo, "dataset", commit, file).read(_ENOUGH_BYTES)
        if chosen.reader != "json" or not _is_one_value(head):
            target.write_bytes(_whole_lines(head, quoted=chosen.reader == "csv"))
            return len(head)
    folder, _ = hub.download(repo, "dataset", commit, {file.path}.__contains__)
    target.unlink(missing_ok=True)
    target.symlink_to((folder / file.path).resolve())
    return file.size


def _by_lines(path: str, chosen: SplitFiles) -> bool:
    return PurePosixPath(path).suffix in _LINES and not {"field", "encoding"} & set(chosen.options)


def _is_one_value(head: bytes) -> bool:
    """Return whether a JSON file is one list or object; else each line is a row."""
    first, _, rest = head.lstrip(b"\xef\xbb\xbf \t\r\n").partition(b"\n")
    try:
        json.loads(first)
    except ValueError:
        return True
    return not rest.strip()


def _whole_lines(head: bytes, *, quoted: bool) -> bytes:
    """Return a beginning up to the last line that is whole; a quoted cell of a csv file may have several."""
    end = head.rfind(b"\n")
    while quoted and end > 0 and head.count(b'"', 0, end) % 2:
        end = head.rfind(b"\n", 0, end)
    return head[: end + 1] if end > 0 else head


def _first_groups(file: RemoteFile, path: str, target: Path) -> int:
    """Write the first rows of a parquet file, and return of how many bytes of it they are."""
    parquet = _parquet(file, path)
    tables: list[pa.Table] = []
    rows = 0
    for group in range(parquet.num_row_groups):
        tables.append(parquet.read_row_group(group))
        rows += int(tables[-1].num_rows)
        if rows >= MOST_ROWS:
            break
    pq.write_table(pa.concat_tables(tables).slice(0, MOST_ROWS), target)
    return round(file.size * min(1.0, rows / max(1, int(parquet.metadata.num_rows))))


def _counted(hub: Hub, repo: str, commit: str, files: list[ListedFile], reader: str) -> int | None:
    if reader != "parquet" or len(files) > _MOST_FOOTERS:
        return None
    return sum(
        int(_parquet(hub.opened(repo, "dataset", commit, one), one.path).metadata.num_rows) for one in files
    )


def _parquet(file: RemoteFile, path: str) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(pa.PythonFile(file, mode="r"))
    except pa.ArrowException as error:
        raise InvalidData(f"{path} is no parquet file: {first_line(error)}. Pin another commit") from None
