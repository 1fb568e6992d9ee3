"""Step `pin`: bring the data set and the models here, each at one commit, checked file by file."""

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import polars as pl
from datasets import Dataset, DatasetDict, load_dataset
from datasets.exceptions import DatasetsError
from datasets.utils import logging as datasets_logging

from pipeline import stages
from pipeline.errors import InvalidData, first_line
from pipeline.folding import folded
from pipeline.hub import Hub, Info, Kind, Listed
from pipeline.params import Params
from pipeline.params.pin import CutParams, DatasetParams
from pipeline.pickles import convert
from pipeline.records import Pin, PinnedFile, PinnedRepo, PinnedSplit

COLUMNS = ("query", "positive", "negative")
SPLITS = ("train", "dev", "test")
# Weights for other runtimes and pictures: nothing that training reads.
_OTHER_FOLDERS = {"onnx", "openvino", "flax", "imgs", "images", "assets"}
_MODEL_SUFFIXES = {".json", ".txt", ".model", ".spm", ".safetensors"}
_PICKLE_SUFFIXES = {".bin", ".pt", ".pth", ".ckpt", ".pkl"}


def run(workspace: Path, params: Params) -> Pin:
    """Pin the data set, the base and, where there is one, the live model.

    Raises:
        HubError: The Hub was not reached, or has no such commit.
        InvalidData: A split or column is missing, a split is empty, a cell is no string, weights are pickles.
        BrokenChain: A downloaded file is not the one that the Hub lists.
    """
    hub = Hub(params.hub)
    workers = params.pin.max_workers
    folder, dataset = _fetch(hub, "dataset", params.dataset.repo, params.dataset.revision, _is_data, workers)
    raw, origins = split(load(folder, params.dataset), params.dataset, params.pin.cut)

    base_folder, base = _fetch_model(
        hub, params.base.repo, params.base.revision, params.base.allow_pickle, workers
    )
    live = None
    live_folder = None
    if params.live.revision is not None:
        live_folder, live = _fetch_model(hub, params.live.repo, params.live.revision, (), workers)

    data = workspace / "data"
    _empty(data / "raw")
    for name, rows in raw.items():
        rows.write_parquet(data / "raw" / f"{name}.parquet")
    _copy(base_folder, base.files, _empty(data / "base"))
    converted = convert(data / "base")
    _empty(data / "live")
    if live is not None and live_folder is not None:
        _copy(live_folder, live.files, data / "live")
    else:
        # DVC warns of an empty folder at every command.
        (data / "live" / "none").write_text("params.yaml names no live revision\n", encoding="utf-8")
    return stages.seal(
        workspace,
        "pin",
        Pin(
            endpoint=hub.endpoint,
            dataset=dataset,
            base=base,
            live=live,
            converted_pickles=converted,
            splits=origins,
        ),
    )


def _fetch(
    hub: Hub, kind: Kind, repo: str, revision: str, wanted: Callable[[str], bool], max_workers: int
) -> tuple[Path, PinnedRepo]:
    info = hub.info(repo, kind, revision)
    if info.commit != revision:
        raise InvalidData(
            f"{kind} {repo} resolves {revision} to {info.commit}; wanted the commit itself. "
            "Write that one into params.yaml if you mean it"
        )
    folder, listed = hub.download(repo, kind, revision, wanted, max_workers=max_workers)
    return folder, _pinned(info, listed)


def _fetch_model(
    hub: Hub, repo: str, revision: str, allow_pickle: tuple[str, ...], max_workers: int
) -> tuple[Path, PinnedRepo]:
    wanted = wanted_files(hub.files(repo, "model", revision), repo, allow_pickle)
    return _fetch(hub, "model", repo, revision, wanted.__contains__, max_workers)


def wanted_files(listed: Mapping[str, Listed], repo: str, allow_pickle: tuple[str, ...]) -> set[str]:
    """Choose what training needs of a model repository: safetensors, configuration and tokenizer.

    A pickle is chosen only where `allow_pickle` names it and no safetensors stands beside it.

    Raises:
        InvalidData: The weights are pickles that params.yaml does not allow.
    """
    near = {path for path in listed if PurePosixPath(path).parts[0] not in _OTHER_FOLDERS}
    chosen = {path for path in near if PurePosixPath(path).suffix in _MODEL_SUFFIXES or path == "README.md"}
    safe_folders = {PurePosixPath(path).parent for path in chosen if path.endswith(".safetensors")}
    for path in allow_pickle:
        if path in near and PurePosixPath(path).parent not in safe_folders:
            chosen.add(path)
            safe_folders.add(PurePosixPath(path).parent)
    if PurePosixPath() not in safe_folders:
        pickles = sorted(path for path in near if PurePosixPath(path).suffix in _PICKLE_SUFFIXES)
        raise InvalidData(
            f"model {repo} has no safetensors weights, only {', '.join(pickles) or 'no weights at all'}; "
            "wanted model.safetensors. A pickle can run code when it is loaded: if you trust this commit, "
            "name the file in base.allow_pickle"
        )
    return chosen


def load(folder: Path, params: DatasetParams) -> DatasetDict:
    """Load a data set from local files only, with the splits that it declares itself.

    Raises:
        InvalidData: `datasets` cannot read the files.
    """
    datasets_logging.set_verbosity(datasets_logging.CRITICAL)  # what it logs of a bad file is said below
    with tempfile.TemporaryDirectory() as cache:
        try:
            found = load_dataset(str(folder), cache_dir=cache, keep_in_memory=True)
        except (DatasetsError, ValueError, FileNotFoundError, OSError) as error:
            cause = error.__cause__ or error
            if "corresponds to no data" in str(cause):
                raise InvalidData(
                    f"data set {params.repo} at {params.revision[:12]} has a split that has no rows "
                    f"({first_line(cause)}); wanted at least one in each. Pin a commit that has some"
                ) from None
            raise InvalidData(
                f"data set {params.repo} at {params.revision[:12]} cannot be read: "
                f"{type(cause).__name__}: {first_line(cause)}; wanted files that "
                "hold the same columns, of strings, in every split. Look at them on the Hub, "
                "and pin a commit that loads"
            ) from None
    if not isinstance(found, DatasetDict):
        raise InvalidData(f"data set {params.repo} gave {type(found).__name__}; wanted named splits")
    return found


def split(
    found: DatasetDict, params: DatasetParams, cut: CutParams
) -> tuple[dict[str, pl.DataFrame], dict[str, PinnedSplit]]:
    """Map the data set's splits to train, dev and test, and cut those that it does not have out of train.

    Each frame has `row` (the row's number in the data set's split), the three texts, and `group`: rows with
    the same folded query share one. A cut takes whole groups, by a salted hash: no query stands in two
    splits, and the same rows give the same splits on any machine.

    Raises:
        InvalidData: A split or column is missing, a split is empty, or a cell is no string.
    """
    names = params.splits.model_dump()
    frames: dict[str, pl.DataFrame] = {}
    for ours, theirs in names.items():
        if theirs is None:
            continue
        if theirs not in found:
            raise InvalidData(
                f"data set {params.repo} has the splits {', '.join(sorted(found))}; wanted {theirs!r} for "
                f"{ours}. Correct dataset.splits.{ours}, or set it to null to cut it out of train"
            )
        frames[ours] = _rows(found[theirs], ours, theirs, params)
    train = frames["train"]
    share = pl.col("group").map_elements(lambda group: _place(group, cut.salt), return_dtype=pl.Float64)
    edge = 0.0
    for ours, wanted in (("dev", cut.dev_share), ("test", cut.test_share)):
        if names[ours] is None:
            place = train.select(share.alias("place"))["place"]
            frames[ours] = frames["train"].filter((place >= edge) & (place < edge + wanted))
            edge += wanted
    if edge:
        place = train.select(share.alias("place"))["place"]
        frames["train"] = train.filter(place >= edge)
    for ours, rows in frames.items():
        if rows.is_empty():
            raise InvalidData(
                f"the split {ours} of data set {params.repo} has no rows; wanted at least one. "
                "Pin a commit that has some, or enlarge the shares in pin.cut"
            )
    origins = {
        name: PinnedSplit(
            source=names[name] or names["train"], cut=names[name] is None, rows=frames[name].height
        )
        for name in SPLITS
    }
    return {name: frames[name] for name in SPLITS}, origins


def _rows(source: Dataset, ours: str, theirs: str, params: DatasetParams) -> pl.DataFrame:
    columns: dict[str, str] = params.columns.model_dump()
    missing = [column for column in columns.values() if column not in source.column_names]
    if missing:
        raise InvalidData(
            f"split {theirs!r} of data set {params.repo} has the columns {', '.join(source.column_names)}; "
            f"wanted {', '.join(map(repr, missing))} too. Correct dataset.columns"
        )
    table: Any = pl.from_arrow(source.data.table.select(list(columns.values())))
    rows: pl.DataFrame = table.rename({theirs: ours for ours, theirs in columns.items()})
    for column in COLUMNS:
        if rows.schema[column] != pl.String and not rows.is_empty():
            cells = enumerate(source[columns[column]])
            first, cell = next(one for one in cells if not isinstance(one[1], str))
            raise InvalidData(
                f"column {columns[column]!r} of split {theirs!r} holds {str(cell)[:60]!r}, "
                f"a {type(cell).__name__}, in row {first}; wanted strings. "
                "Correct dataset.columns, or the data set"
            )
        nulls = rows[column].null_count()
        if nulls:
            first = int(rows[column].is_null().arg_max() or 0)
            raise InvalidData(
                f"column {columns[column]!r} of split {theirs!r} is null in {nulls} rows, "
                f"first in row {first}; wanted a string in each. Correct the data set and pin its new commit"
            )
    keys = rows.select(folded(pl.col("query")).alias("key"))["key"]
    groups = [hashlib.sha256(key.encode()).hexdigest()[:16] for key in keys]
    return rows.select(COLUMNS).with_row_index("row").with_columns(group=pl.Series(groups, dtype=pl.String))


def _place(group: str, salt: str) -> float:
    """Give a group its place in [0, 1), the same for ever."""
    return int.from_bytes(hashlib.sha256(f"{salt}:{group}".encode()).digest()[:6]) / 2**48


def _is_data(path: str) -> bool:
    # A script in a data set repository is never fetched, so it can never run.
    return not path.endswith(".py") and PurePosixPath(path).name != ".gitattributes"


def _pinned(info: Info, listed: dict[str, Listed]) -> PinnedRepo:
    files = {path: PinnedFile(size=file.size, digest=file.digest) for path, file in sorted(listed.items())}
    return PinnedRepo(
        repo=info.repo, revision=info.commit, private=info.private, license=info.license, files=files
    )


def _empty(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _copy(source: Path, files: Mapping[str, PinnedFile], target: Path) -> None:
    for path in files:
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / path, target / path)
