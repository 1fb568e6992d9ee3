"""The sample's data set, written once."""

from pathlib import Path

import polars as pl
import pytest

from sample.telecom import write_dataset


@pytest.fixture(scope="package")
def sample(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pl.DataFrame]:
    folder: Path = tmp_path_factory.mktemp("sample")
    write_dataset(folder)
    return {
        name: pl.read_parquet(folder / "data" / f"{name}.parquet") for name in ("train", "validation", "test")
    }


@pytest.fixture(scope="package")
def long_texts(sample: dict[str, pl.DataFrame]) -> list[str]:
    """Distinct texts of eight words or more."""
    texts = sample["train"]["positive"].unique(maintain_order=True).to_list()
    return [text for text in texts if len(text.split()) >= 8][:600]
