"""What transformers says of a checkpoint, and what of it matters to a vector."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel, PreTrainedModel

from pipeline.embedding.loading_report import LoadingReport, reported, shown, stray_prefix


def damage(folder: Path, change: dict[str, str | None], extra: dict[str, torch.Tensor] | None = None) -> None:
    """Rename or drop weights of a saved model, and add others."""
    path = folder / "model.safetensors"
    kept = {change.get(name, name): tensor for name, tensor in load_file(path).items()}
    kept.pop(None, None)
    save_file(
        {str(name): tensor for name, tensor in (kept | (extra or {})).items()},
        path,
        metadata={"format": "pt"},
    )


@pytest.fixture
def folder(encoder: Path, tmp_path: Path) -> Path:
    AutoModel.from_pretrained(encoder).save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def test_report_of_a_whole_checkpoint_is_empty(folder: Path) -> None:
    with reported() as report:
        AutoModel.from_pretrained(folder)
    assert (report.missing, report.unused) == (set(), set())


def test_report_names_what_would_be_drawn_and_what_has_no_place(folder: Path) -> None:
    name = "encoder.layer.1.output.dense.weight"
    damage(folder, {name: f"other.{name}", "pooler.dense.weight": None}, {"cls.bias": torch.zeros(3)})
    with reported() as report:
        model, info = AutoModel.from_pretrained(folder, output_loading_info=True)
    assert isinstance(model, PreTrainedModel)
    assert set(info["missing_keys"]) == report.missing  # who asks for it himself gets it as ever
    assert report.missing == {name, "pooler.dense.weight"}
    assert report.needed() == [name]
    assert report.left_out() == [f"other.{name}"]
    assert stray_prefix(report.needed(), report.left_out()) == "other."


def test_transformers_is_as_it_was_afterwards(folder: Path) -> None:
    before = PreTrainedModel.__dict__["from_pretrained"]
    with pytest.raises(RuntimeError), reported():
        raise RuntimeError
    assert PreTrainedModel.__dict__["from_pretrained"] is before


@pytest.mark.parametrize("name", ["pooler.dense.bias", "model.pooler.dense.weight"])
def test_pooler_is_needed_by_no_vector(name: str) -> None:
    assert LoadingReport(missing={name}).needed() == []


@pytest.mark.parametrize(
    "name", ["lm_head.bias", "embeddings.position_ids", "rotary.inv_freq", "classifier.weight"]
)
def test_heads_and_constants_are_left_out_by_right(name: str) -> None:
    assert LoadingReport(unused={name}).left_out() == []


def test_prefix_is_found_in_no_other_name() -> None:
    assert stray_prefix(["layer.weight"], ["otherlayer.weight", "layer.bias"]) is None


def test_many_names_are_shown_by_their_first() -> None:
    assert shown(["a", "b"]) == "a, b"
    assert shown([*"abcdefg"]) == "a, b, c, d, e and 2 more"
