"""The process that reads a data set's files: it has no token, asks nobody, and works in a folder of its own.

`python -P row_reader.py PARENT` takes a request in JSON from its input and leaves `answer.json` in the
current folder. A data set that breaks `datasets` breaks it here.
"""

import sys
from pathlib import Path
from typing import Any

from pipeline.isolated.answering import answer


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


def main() -> int:
    """Answer one request; `datasets` wraps what it met, and the cause says more."""
    return answer(read, lambda error: error.__cause__ or error)


if __name__ == "__main__":
    sys.exit(main())
