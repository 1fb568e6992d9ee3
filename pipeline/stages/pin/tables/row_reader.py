"""The process that reads a data set's files: it has no token, asks nobody, and works in a folder of its own.

`python -P row_reader.py PARENT` takes a request in JSON from its input and leaves `answer.json` in the
current folder. A data set that breaks `datasets` breaks it here.
"""

import sys
import time
from pathlib import Path
from typing import Any

from pipeline.errors import first_line
from pipeline.isolated.answering import answer, full

# Files may be many, and each is read a second time.
_SECONDS_TO_LOOK = 120.0
_SHOWN_LETTERS = 200


def read(request: dict[str, Any]) -> dict[str, Any]:
    """Read files by one of `datasets`' own readers, and leave their rows as Arrow files.

    Not as Parquet: `datasets` would open every path that a column of pictures names, and embed what is there.

    Args:
        request: `reader`, `files` (paths by split), `options`, `features` or None, and `limits`.

    Returns:
        `rows`: Arrow files by split, or `empty`: the splits that have no rows.
    """
    import datasets

    from pipeline.params.pin import LimitParams
    from pipeline.stages.pin import file_limits

    paths = [Path(path) for several in request["files"].values() for path in several]
    file_limits.refuse(paths, LimitParams.model_validate(request["limits"]))
    datasets.utils.logging.set_verbosity(datasets.utils.logging.CRITICAL)
    datasets.disable_progress_bars()
    try:
        builder = _prepared(request, request["files"], "cache")
    except MemoryError:
        raise
    except Exception as error:  # whatever `datasets` and its parsers raise
        said = None if full(error) else _first_at_fault(request)
        if said is None:
            raise
        return {"failed": said}
    empty = [name for name, split in builder.info.splits.items() if not split.num_examples]
    if empty:
        return {"empty": empty}
    found = builder.as_dataset()
    return {
        "rows": {str(split): [one["filename"] for one in part.cache_files] for split, part in found.items()}
    }


def _prepared(request: dict[str, Any], files: dict[str, list[str]], cache: str) -> Any:
    """Return the builder that has read some of the files."""
    import datasets
    from datasets.data_files import DataFilesDict, DataFilesList

    # Plain lists of paths would be resolved as patterns.
    named = DataFilesDict(
        {
            split: DataFilesList([Path(path) for path in paths], [()] * len(paths))
            for split, paths in files.items()
        }
    )
    options = {key: value for key, value in request["options"].items() if key != "features"}
    builder = datasets.load_dataset_builder(
        request["reader"],
        data_files=named,
        cache_dir=str(Path(cache).resolve()),
        features=_features(request["options"].get("features")),
        **options,
    )
    stated = _features(request["features"])
    if stated is not None:
        builder.info.features = stated
    builder.download_and_prepare()
    return builder


def _first_at_fault(request: dict[str, Any]) -> str | None:
    """Read each file alone, and say of the first that fails, or has other columns, what is wrong with it.

    `datasets` names neither the file nor, where columns differ, which.
    """
    until = time.monotonic() + _SECONDS_TO_LOOK
    first: tuple[str, dict[str, str]] | None = None
    for split, paths in request["files"].items():
        for path in paths:
            if time.monotonic() > until:
                return None
            try:
                features = _prepared(request, {split: [path]}, "alone").info.features
            except Exception as error:
                return f"{path}: {_said(error)}"
            columns = {
                name: str(getattr(kind, "dtype", kind)).removeprefix("large_")
                for name, kind in features.items()
            }
            if first is None:
                first = path, columns
            if columns != first[1]:
                return f"{path} has {_shown(columns, first[1])}, and {first[0]} {_shown(first[1], columns)}"
    return None


def _shown(columns: dict[str, str], others: dict[str, str]) -> str:
    """Return the columns, or where both files have the same ones, those of another type."""
    if set(columns) != set(others):
        said = ["the columns " + ", ".join(map(repr, columns))[:_SHOWN_LETTERS]]
    else:
        said = [f"{name!r} of {kind}" for name, kind in columns.items() if kind != others[name]]
    return ", ".join(said)[:_SHOWN_LETTERS]


def _said(error: Exception) -> str:
    """Return what a library said of one file; `datasets` wraps it, and the cause says more."""
    from datasets.table import CastError

    cause = error.__cause__ or error
    if isinstance(cause, UnicodeDecodeError):
        byte = cause.object[cause.start]
        return (
            f"byte 0x{byte:02x} is no UTF-8; wanted that, or its `encoding` in the README's `configs`, as "
            "iso-8859-9"
        )
    said = (
        " ".join(str(cause).split())[:_SHOWN_LETTERS] if isinstance(cause, CastError) else first_line(cause)
    )
    return f"{type(cause).__name__}: {said}"


def _features(stated: Any) -> Any:
    """Build columns and types from a README's list, or from the mapping of an older data set."""
    from datasets import Features

    if stated is None:
        return None
    return Features._from_yaml_list(stated) if isinstance(stated, list) else Features.from_dict(stated)


def main() -> int:
    """Answer one request; `datasets` wraps what it met, and the cause says more."""
    return answer(read, lambda error: error.__cause__ or error)


if __name__ == "__main__":
    sys.exit(main())
