"""Whether a model that came back is the one that was measured."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import torch
from safetensors.torch import load_file, save_file

from pipeline.errors import BrokenChain, InvalidData
from pipeline.params import load
from pipeline.publishing import round_trip
from tests.support.records import receipt


@pytest.fixture
def line(ready: Path) -> Path:
    return ready


def check(folder: Path) -> dict[str, float]:
    return round_trip.against_evaluation(folder, load(folder))(folder / "model")


def nudge(folder: Path, size: float) -> None:
    path = folder / "model" / "model.safetensors"
    tensors = load_file(path)
    torch.manual_seed(1)
    save_file(
        {key: one + size * torch.randn_like(one) for key, one in tensors.items()}, path, {"format": "pt"}
    )


def test_reencoding_of_the_same_model_is_within_the_tolerance_by_far(line: Path) -> None:
    found = check(line)
    assert len(found) == 10
    assert all(-1.000001 <= one <= 1.000001 for one in found.values())
    assert round_trip.fingerprint(line / "model") == found
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(round_trip, "TOLERANCE", 1e-5)
        check(line)


def test_reencoding_after_a_real_evaluation_is_within_the_tolerance_by_far(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Prompts, several widths, batches of another shape than those of `evaluate`.
    monkeypatch.setattr(round_trip, "TOLERANCE", 1e-5)
    assert len(check(finished)) == 10


def test_reencoding_takes_the_first_rows_at_every_width(line: Path) -> None:
    table = pl.read_parquet(line / "outcomes.parquet")
    far = pl.when(pl.col("row") >= round_trip.COMPARED_ROWS).then(9.0).otherwise(pl.col("cos_positive"))
    table.with_columns(far.cast(pl.Float32).alias("cos_positive")).write_parquet(line / "outcomes.parquet")
    check(line)
    for dim in (32, 16):
        off = (
            pl.when((pl.col("dim") == dim) & (pl.col("row") == 3))
            .then(pl.col("cos_negative") + 0.01)
            .otherwise(pl.col("cos_negative"))
        )
        table.with_columns(off.cast(pl.Float32).alias("cos_negative")).write_parquet(
            line / "outcomes.parquet"
        )
        with pytest.raises(
            BrokenChain, match=rf"encodes otherwise: row 3 at {dim} is .*cos_negative of test"
        ):
            check(line)


def other_weights(folder: Path) -> None:
    nudge(folder, 0.05)


def other_prompt(folder: Path) -> None:
    path = folder / "model" / "config_sentence_transformers.json"
    content = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(content | {"prompts": {"query": "fatura ", "document": ""}}), "utf-8")


def no_number(folder: Path) -> None:
    path = folder / "model" / "model.safetensors"
    tensors = load_file(path)
    save_file({key: one * float("nan") for key, one in tensors.items()}, path, {"format": "pt"})


@pytest.mark.parametrize("change", [other_weights, other_prompt, no_number])
def test_reencoding_notices_another_model(line: Path, change: Callable[[Path], None]) -> None:
    change(line)
    with pytest.raises(BrokenChain, match="the model that came back encodes otherwise"):
        check(line)


def test_reencoding_names_a_model_that_cannot_be_loaded(line: Path) -> None:
    (line / "model" / "model.safetensors").write_bytes(b"x")
    with pytest.raises(InvalidData, match="holds no model that sentence-transformers can load"):
        check(line)


def test_reencoding_of_a_release_compares_with_its_receipt(line: Path, tmp_path: Path) -> None:
    probe = round_trip.fingerprint(line / "model")
    old = receipt("v1")
    assert round_trip.against_receipt(old)(line / "model") == probe
    kept = old.model_copy(update={"probe": probe})
    assert round_trip.against_receipt(kept)(line / "model") == probe
    shutil.copytree(line / "model", tmp_path / "copy" / "model")
    nudge(tmp_path / "copy", 0.05)
    with pytest.raises(BrokenChain, match="the probe in the receipt of v1"):
        round_trip.against_receipt(kept)(tmp_path / "copy" / "model")
