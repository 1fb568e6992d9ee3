"""What a data set is like is known from its beginning: a large file is not downloaded for it."""

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from pipeline.errors import InvalidData, InvalidParams
from pipeline.hub import Hub
from pipeline.params.machine import HubParams
from pipeline.preflight import first_rows, found_data
from tests.conftest import Stage
from tests.support import workspaces
from tests.support.splits import LIMITS
from tests.support.workspaces import triplets

ROWS = 3_000


@pytest.fixture
def hub(writer: Stage, monkeypatch: pytest.MonkeyPatch) -> Hub:
    monkeypatch.setattr(first_rows, "_ENOUGH_BYTES", 20_000)
    monkeypatch.setattr(first_rows, "MOST_ROWS", 500)
    values = {key.partition(".")[2]: one for key, one in workspaces.SMALL.items() if key.startswith("hub.")}
    own: dict[str, object] = {"endpoint": None, "download_timeout_seconds": 20, "plain_http": ()}
    return Hub(HubParams.model_validate(own | values))


def found(hub: Hub, stage: Stage, folder: Path, name: str, subset: str | None = None) -> found_data.FoundData:
    workspaces.put(stage.endpoint, f"tester/{name}", "dataset", folder)
    return found_data.find(hub, f"tester/{name}", "main", subset, lambda subsets: None, LIMITS)


def parquet(path: Path, rows: pl.DataFrame) -> None:
    pq.write_table(rows.to_arrow(), path, row_group_size=250)


def lines(path: Path, rows: pl.DataFrame) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows.iter_rows(named=True)), encoding="utf-8")


def array(path: Path, rows: pl.DataFrame) -> None:
    path.write_text(json.dumps(rows.to_dicts()), encoding="utf-8")


def csv(path: Path, rows: pl.DataFrame) -> None:
    rows.with_columns(pl.col("positive") + '\n"und", so').write_csv(path)


@pytest.mark.parametrize(
    ("suffix", "write", "exact"),
    [("parquet", parquet, True), ("jsonl", lines, False), ("csv", csv, False), ("json", array, True)],
)
def test_first_rows_of_a_large_file_are_enough(
    hub: Hub,
    writer: Stage,
    tmp_path: Path,
    suffix: str,
    write: Callable[[Path, pl.DataFrame], None],
    exact: bool,
) -> None:
    rows = pl.DataFrame(triplets(ROWS))
    write(tmp_path / f"train.{suffix}", rows)
    write(tmp_path / f"test.{suffix}", rows.head(40))
    read = found(hub, writer, tmp_path, f"large-{suffix}")
    table = read.tables["train"]
    assert table.height <= 500
    assert table["query"].to_list() == rows["query"].head(table.height).to_list()
    assert read.rows["test"] == 40
    assert abs(read.rows["train"] - ROWS) <= (0 if exact else ROWS // 10)
    assert ("train (20 kB of " in read.read) == (suffix in {"jsonl", "csv"}), read.read


def test_first_rows_name_a_file_that_is_no_parquet(hub: Hub, writer: Stage, tmp_path: Path) -> None:
    (tmp_path / "train.parquet").write_bytes(b"PAR1" + bytes(30_000))
    with pytest.raises(InvalidData, match=r"^train\.parquet is no parquet file"):
        found(hub, writer, tmp_path, "broken")


def test_found_data_takes_the_subset_by_default_or_asks(hub: Hub, writer: Stage, tmp_path: Path) -> None:
    for name in ("a", "b"):
        lines(tmp_path / f"{name}.jsonl", pl.DataFrame(triplets(5)))
    entries = [f"- config_name: {name}\n  data_files: {name}.jsonl\n" for name in ("a", "b")]
    readme = tmp_path / "README.md"
    readme.write_text(f"---\nconfigs:\n{''.join(entries)}---\n", encoding="utf-8")
    with pytest.raises(
        InvalidParams, match=r"has the subsets a, b; wanted one of them\. Say it with --subset"
    ):
        found(hub, writer, tmp_path, "two-subsets")
    assert (
        found_data.find(hub, "tester/two-subsets", "main", None, lambda subsets: subsets[1], LIMITS).subset
        == "b"
    )
    readme.write_text(f"---\nconfigs:\n{entries[0]}  default: true\n{entries[1]}---\n", encoding="utf-8")
    assert found(hub, writer, tmp_path, "two-subsets").subset == "a"
