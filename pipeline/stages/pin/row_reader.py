"""The process that reads a data set's files: it has no token, asks nobody, and works in a folder of its own.

`python -P row_reader.py PARENT` takes a request in JSON from its input and leaves `answer.json` in the
current folder. A data set that breaks `datasets` breaks it here.
"""

import errno
import json
import sys
from pathlib import Path
from typing import Any

from pipeline.isolated.confinement import ANSWER, enter


def read(request: dict[str, Any]) -> dict[str, Any]:
    """Read files by one of `datasets`' own readers, and leave their rows as Arrow files.

    Not as Parquet: `datasets` would open every path that a column of pictures names, and embed what is there.

    Args:
        request: `reader`, `files` (paths by split), `options`, `features` or None, and `limits`.

    Returns:
        `rows`: Arrow files by split, or `empty`: the splits that have no rows.
    """
    import datasets
    from datasets.data_files import DataFilesDict, DataFilesList

    from pipeline.params.pin import LimitParams
    from pipeline.stages.pin import file_limits

    paths = [Path(path) for several in request["files"].values() for path in several]
    file_limits.refuse(paths, LimitParams.model_validate(request["limits"]))
    datasets.utils.logging.set_verbosity(datasets.utils.logging.CRITICAL)
    datasets.disable_progress_bars()
    # Plain lists of paths would be resolved as patterns.
    files = DataFilesDict(
        {split: DataFilesList(paths, [()] * len(paths)) for split, paths in request["files"].items()}
    )
    options = {key: value for key, value in request["options"].items() if key != "features"}
    builder = datasets.load_dataset_builder(
        request["reader"],
        data_files=files,
        cache_dir=str(Path("cache").resolve()),
        features=_features(request["options"].get("features")),
        **options,
    )
    stated = _features(request["features"])
    if stated is not None:
        builder.info.features = stated
    builder.download_and_prepare()
    empty = [name for name, split in builder.info.splits.items() if not split.num_examples]
    if empty:
        return {"empty": empty}
    found = builder.as_dataset()
    return {
        "rows": {str(split): [one["filename"] for one in part.cache_files] for split, part in found.items()}
    }


def _features(stated: Any) -> Any:
    """Build columns and types from a README's list, or from the mapping of an older data set."""
    from datasets import Features

    if stated is None:
        return None
    return Features._from_yaml_list(stated) if isinstance(stated, list) else Features.from_dict(stated)


def full(error: BaseException | None) -> bool:
    """Return whether an error, or one that led to it, is that of a disk without room."""
    seen = []
    while error is not None and error not in seen:
        if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            return True
        seen.append(error)
        error = error.__cause__ or error.__context__
    return False


def main() -> int:
    """Answer one request; what stops `datasets` is an answer too."""
    enter(int(sys.argv[1]))
    try:
        answer = read(json.load(sys.stdin))
    except MemoryError:
        answer = {"failed": "it takes more memory than it may (pin.limits.memory_bytes)"}
    except Exception as error:
        cause = error.__cause__ or error
        said = str(cause).strip().splitlines() or [""]
        answer = {"failed": f"{type(cause).__name__}: {said[0][:2000]}", "full": full(error)}
    Path(ANSWER).write_text(json.dumps(answer), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
