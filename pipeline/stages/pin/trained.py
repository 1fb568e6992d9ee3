"""The rows that a model was trained on which does not say so itself: those of the data set that it names."""

import polars as pl

from pipeline.dataset import language
from pipeline.dataset.training_fingerprint import trained_rows
from pipeline.errors import InvalidData
from pipeline.hub import Hub
from pipeline.params.pin import DatasetParams, PinParams, TrainedOn
from pipeline.stages.pin import downloads
from pipeline.stages.pin.downloads import Download
from pipeline.stages.pin.tables import rows


def described(
    hub: Hub, asked: TrainedOn, params: DatasetParams, pin: PinParams
) -> tuple[Download, pl.DataFrame]:
    """Fetch the data set that a model was trained on, and describe its train split as a release does.

    Args:
        hub: The Hub.
        asked: The data set.
        params: What the train split and its column of queries are called there too.
        pin: Downloads at a time, and what the files may ask of this machine.

    Raises:
        InvalidData: The data set has no such split, or the split no such column.
    """
    found = downloads.data(hub, asked.repo, asked.revision, pin)
    owner = f"data set {asked.repo} at {asked.revision[:12]}, on which the live model was trained,"
    subset = params.subset if asked.repo == params.repo else None
    named = params.model_copy(update={"repo": asked.repo, "revision": asked.revision, "subset": subset})
    splits = rows.load(found.folder, found.pinned.files, named, pin.limits).splits
    train, query = params.splits.train, params.columns.query
    if train not in splits:
        raise InvalidData(
            f"{owner} has the splits {', '.join(sorted(splits))}; wanted {train!r}, as dataset.splits.train "
            "says. Name another data set in live.trained_on, or none"
        )
    columns = splits[train].column_names
    if query not in columns:
        raise InvalidData(
            f"{owner} has the columns {', '.join(columns)} in {train!r}; wanted {query!r}, as "
            "dataset.columns.query says. Name another data set in live.trained_on, or none"
        )
    texts = [text for text in splits[train][query] if isinstance(text, str)]
    return found, trained_rows(texts, language.foldings(params.languages))
