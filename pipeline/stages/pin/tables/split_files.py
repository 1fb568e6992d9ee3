"""Which of its commit's files make each split of a data set, and with which reader and options."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from datasets.data_files import SPLIT_KEYWORDS, DataFilesDict, DataFilesList
from datasets.load import infer_module_for_data_files
from datasets.packaged_modules import (
    _ALL_ALLOWED_EXTENSIONS,
    _MODULE_TO_EXTENSIONS,
    _MODULE_TO_METADATA_FILE_NAMES,
)

from pipeline.errors import InvalidData, first_line
from pipeline.stages.pin.tables.file_patterns import inferred, inside, matching
from pipeline.stages.pin.tables.reader_options import OPTIONS, allowed
from pipeline.stages.pin.tables.subsets import Subset

# What `datasets` takes a split's name from.
_WORDS = {str(split): tuple(words) for split, words in SPLIT_KEYWORDS.items()}
_ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".7z", ".rar")


@dataclass(frozen=True)
class SplitFiles:
    """What to read: the files of each split, in order, by one of `datasets`' own readers."""

    reader: str
    files: Mapping[str, tuple[str, ...]]
    options: Mapping[str, Any]


def chosen(subset: Subset, listed: Collection[str], owner: str) -> SplitFiles:
    """Choose the files of each split as `datasets` does, out of the files that the commit lists.

    Args:
        subset: What the data set declares.
        listed: Paths of the repository.
        owner: The data set's name and commit, for messages.

    Raises:
        InvalidData: A pattern leaves the repository or matches nothing, the files are none that can be read
            safely, or an option is code.
    """
    files = _files(subset, listed, owner)
    archives = sorted(path for paths in files.values() for path in paths if path.endswith(_ARCHIVES))
    if archives:
        raise InvalidData(
            f"{owner} has its rows in the archive {archives[0]}, whose members can name files elsewhere; "
            "wanted the files themselves, gzipped at most. Pin a commit with the archive unpacked"
        )
    found = DataFilesDict({split: _names(*paths) for split, paths in files.items()})
    try:
        reader, defaults = infer_module_for_data_files(found)
    except (ValueError, FileNotFoundError) as error:
        raise InvalidData(
            f"{owner} cannot be read: {first_line(error)}; wanted files of one kind in every split "
            f"({', '.join(OPTIONS)}). Pin a commit that has that"
        ) from None
    if reader not in OPTIONS:
        raise InvalidData(
            f"{owner} cannot be read: its files are for `datasets`' reader {reader}; wanted "
            f"{', '.join(OPTIONS)}. Pin a commit that has that: a data set can be converted to Parquet"
        )
    if not subset.in_readme:
        kind = {
            "extensions": _MODULE_TO_EXTENSIONS[reader],
            "file_names": _MODULE_TO_METADATA_FILE_NAMES[reader],
        }
        files = {
            split: [path for path in paths if _names(path).filter(**kind)] for split, paths in files.items()
        }
    options = allowed(reader, subset.options or {}, owner)
    return SplitFiles(
        reader,
        {split: tuple(paths) for split, paths in files.items()},
        defaults | _missing_cells(reader, options) | options,
    )


def _missing_cells(reader: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return which cells of a csv file are none where the README does not say: only empty ones.

    pandas also takes `NA`, `null` and `None` for none, which are words like any others.
    """
    if reader != "csv" or {"keep_default_na", "na_filter", "na_values"} & set(options):
        return {}
    return {"keep_default_na": False, "na_values": [""]}


def _files(subset: Subset, listed: Collection[str], owner: str) -> dict[str, list[str]]:
    """Return the paths of each split, in the order in which its rows stand."""
    folder = _inside(subset.folder or ".", "", "data_dir", owner)
    patterns = subset.patterns
    if patterns is None:
        start = "" if folder == "." else f"{folder}/"
        below = [path.removeprefix(start) for path in listed if path.startswith(start)]
        try:
            patterns = inferred(below)
            _refuse_merged(patterns, below, owner)
        except (FileNotFoundError, ValueError):
            raise InvalidData(
                f"{owner} cannot be read: {f'its folder {folder}' if start else 'it'} has no files that can "
                "be told apart as splits; wanted names like train.parquet, or a README that says which file "
                "is which. Pin a commit that has that"
            ) from None
    files: dict[str, list[str]] = {}
    for split, several in patterns.items():
        files[split] = []
        for pattern in several:
            own = _inside(pattern, "" if folder == "." else folder, f"the split {split!r}", owner)
            files[split] += _data(own, listed, pattern, split, owner)
        if not files[split]:
            if subset.patterns is None:
                found = sorted({path for pattern in several for path in matching(pattern, listed)})
                raise InvalidData(
                    f"{owner} has for the split {split!r}, by the names of its files, "
                    f"{', '.join(found)[:200]}; wanted Parquet, JSON, CSV, text or Arrow. Pin a commit that "
                    "has the rows so"
                )
            asked = ", ".join(map(repr, several))[:200] or "nothing"
            raise InvalidData(
                f"{owner} has no file that {asked} matches, which its README names for the split {split!r}; "
                "wanted files that the commit lists. Pin a commit that has them"
            )
    return files


def _refuse_merged(patterns: Mapping[str, list[str]], listed: Collection[str], owner: str) -> None:
    """Refuse a split of files with two names for it, or with the name of another.

    `datasets` takes eval.jsonl and test.jsonl for one split, and TEST.jsonl for more of train.
    """
    for split, several in patterns.items():
        words = _WORDS.get(split)
        if words is None:  # train_sft-00000-of-00002.parquet: a name of its own
            continue
        files = sorted({path for pattern in several for path in matching(pattern, listed)})
        called = {path: {word for word in words if _word(word).search(path)} for path in files}
        others = [word for other, known in _WORDS.items() if other != split for word in known]
        unknown = [path for path in files if not called[path] and _is_data(path)]
        odd = [path for path in unknown if any(_word(word).search(path) for word in others)]
        if odd:
            raise InvalidData(
                f"{owner} would have {', '.join(odd)} in the split {split!r}, because `datasets` knows the "
                "names of splits in small letters alone; wanted such names. Rename the files, or say in the "
                "README which files make which split, under `configs`: `data_files: [{split: …, path: …}]`"
            )
        named = [found for found in called.values() if found]
        if named and not set.intersection(*named):
            raise InvalidData(
                f"{owner} has in the split {split!r}, by the names of its files, {', '.join(files)}; wanted "
                "files that all have one name for it. Say in the README which files make which split, under "
                "`configs`: `data_files: [{split: …, path: …}]`"
            )


def _is_data(path: str) -> bool:
    return any(f".{part}" in _ALL_ALLOWED_EXTENSIONS for part in path.rpartition("/")[2].split(".")[1:])


def _word(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Za-z]){word}(?![A-Za-z])", re.IGNORECASE)


def _inside(path: str, folder: str, purpose: str, owner: str) -> str:
    plain = inside(path, folder)
    if plain is None:
        raise InvalidData(
            f"{owner} reads {path[:200]!r} for {purpose}, as its README says: that leaves the repository; "
            "wanted a path among the files that the pinned commit lists. Pin a commit that reads only those"
        )
    return plain


def _data(own: str, listed: Collection[str], pattern: str, split: str, owner: str) -> list[str]:
    """List the data files that one pattern matches; one without wildcards must match."""
    try:
        found = matching(own, listed)
    except ValueError as error:
        raise InvalidData(
            f"{owner} names {pattern[:200]!r} for the split {split!r}, which is no pattern: "
            f"{first_line(error)}. Pin a commit whose README names files"
        ) from None
    data = list(filter(_is_data, found))
    if not data and not set("*?[") & set(own):
        raise InvalidData(
            f"{owner} names {pattern[:200]!r} for the split {split!r}, which is no data file of its commit; "
            "wanted a path among the files that the pinned commit lists. Pin a commit that has it"
        )
    return data


def _names(*paths: str) -> DataFilesList:
    """Show paths to what looks at names alone; `::` in one would count as a chain of addresses."""
    return DataFilesList([path.replace("::", "__") for path in paths], [()] * len(paths))
