"""Finite weights, in safetensors and in nothing else."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from pipeline.embedding.weight_formats import OTHER_WEIGHTS
from pipeline.stages.evaluate.weight_checks import safetensors_only, weights_finite


def save(folder: Path, value: float) -> None:
    save_file({"weight": torch.tensor([1.0, value])}, folder / "model.safetensors")


@pytest.mark.parametrize("value", [0.0, float("nan"), float("inf")])
def test_evaluate_tells_finite_weights(tmp_path: Path, value: float) -> None:
    save(tmp_path, value)
    assert weights_finite(tmp_path) is (value == 0.0)


def test_evaluate_takes_broken_and_missing_weights_for_not_finite(tmp_path: Path) -> None:
    assert not weights_finite(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"x")
    assert not weights_finite(tmp_path)


def test_evaluate_wants_weights_in_safetensors(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    assert not safetensors_only(tmp_path)
    save(tmp_path, 0.0)
    assert safetensors_only(tmp_path)


@pytest.mark.parametrize("suffix", sorted(OTHER_WEIGHTS))
def test_evaluate_wants_no_other_weights_beside_them(tmp_path: Path, suffix: str) -> None:
    save(tmp_path, 0.0)
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / f"other{suffix.upper()}").write_bytes(b"x")
    assert not safetensors_only(tmp_path)
