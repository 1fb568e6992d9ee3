"""The data set at one commit, from the Hub to its three splits, for whoever pins it or asks what moved."""

from typing import NamedTuple

import polars as pl

from pipeline.hub import Hub
from pipeline.params.pin import DatasetParams, PinParams
from pipeline.stages.pin import downloads
from pipeline.stages.pin.downloads import Download
from pipeline.stages.pin.tables import rows, splits
from pipeline.stages.pin.tables.rows import Loaded
from pipeline.stages.pin.tables.splits import Division


class DatasetRows(NamedTuple):
    """What was fetched, what was read of it, and the splits that it becomes."""

    download: Download
    loaded: Loaded
    division: Division


def fetch(hub: Hub, params: DatasetParams, pin: PinParams, held: pl.DataFrame) -> DatasetRows:
    """Fetch a data set, read its rows and divide them; nothing is written.

    Args:
        hub: The Hub.
        params: The data set, with its commit.
        pin: What its files may ask of this machine, and how splits are cut.
        held: The ledger of what is held out.

    Raises:
        HubError: The Hub was not reached, or has no such commit.
        InvalidData: A split, file or column is missing, or holds something else than was promised.
    """
    download = downloads.data(hub, params.repo, params.revision, pin)
    loaded = rows.load(download.folder, download.pinned.files, params, pin.limits)
    return DatasetRows(download, loaded, splits.divide(loaded, params, pin.cut, held))
