"""Pickles become safetensors, or nothing."""

import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from pipeline.errors import InvalidData
from pipeline.stages.pin.pickles import convert
from tests.support.pickled import Evil


def test_pickles_become_the_same_tensors(tmp_path: Path) -> None:
    shared = torch.randn(3, 4)
    tensors = {
        "weight": shared,
        "tied": shared,
        "half": torch.randn(2, dtype=torch.bfloat16),
        "turned": torch.randn(4, 3).T,
        "ids": torch.arange(5),
        "gradient": torch.nn.Parameter(torch.randn(2)),
    }
    (tmp_path / "inner").mkdir()
    torch.save(tensors, tmp_path / "inner" / "pytorch_model.bin")
    assert convert(tmp_path) == ("inner/pytorch_model.bin",)
    assert [path.name for path in (tmp_path / "inner").iterdir()] == ["model.safetensors"]
    found = load_file(tmp_path / "inner" / "model.safetensors")
    assert found.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert found[name].dtype == tensor.dtype
        assert torch.equal(found[name], tensor)


def test_pickles_of_a_folder_without_any_are_none(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"x")
    assert convert(tmp_path) == ()
    assert (tmp_path / "model.safetensors").read_bytes() == b"x"


def test_pickles_that_would_run_code_do_not_and_are_refused(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    model = tmp_path / "model"
    model.mkdir()
    torch.save({"weight": torch.zeros(1), "evil": Evil(mark)}, model / "pytorch_model.bin")
    with pytest.raises(InvalidData, match=r"pytorch_model.bin holds more than tensors, so it was not loaded"):
        convert(model)
    assert not mark.exists()
    assert not (model / "model.safetensors").exists()
    # It is no harmless file: pickle itself runs it.
    with (tmp_path / "plain.pkl").open("wb") as file:
        pickle.dump(Evil(mark), file)
    with (tmp_path / "plain.pkl").open("rb") as file:
        pickle.load(file)
    assert mark.exists()


def test_pickles_in_the_old_format_that_would_run_code_are_refused(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    model = tmp_path / "model"
    model.mkdir()
    torch.save({"evil": Evil(mark)}, model / "pytorch_model.bin", _use_new_zipfile_serialization=False)
    with pytest.raises(InvalidData, match="holds more than tensors"):
        convert(model)
    with (model / "pytorch_model.bin").open("wb") as file:
        pickle.dump(Evil(mark), file)
    with pytest.raises(InvalidData, match="holds more than tensors"):
        convert(model)
    assert not mark.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"h",
        b"no pickle at all",
        b"\x80\x02",
        b"\x80\x04\x95",
        b"PK\x03\x04 and no archive",
        bytes(100),
        b".",
    ],
)
def test_pickles_that_are_broken_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(content)
    with pytest.raises(InvalidData, match=r"pytorch_model.bin .*Use a base with safetensors weights"):
        convert(tmp_path)
    assert not (tmp_path / "model.safetensors").exists()


def test_pickles_cut_off_anywhere_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "pytorch_model.bin"
    torch.save({"weight": torch.randn(8)}, path)
    whole = path.read_bytes()
    for size in range(1, len(whole) - 1, 97):
        path.write_bytes(whole[:size])
        with pytest.raises(InvalidData):
            convert(tmp_path)


@pytest.mark.parametrize("value", [[torch.zeros(1)], {"a": 1}, {"a": {"b": torch.zeros(1)}}, torch.zeros(1)])
def test_pickles_that_hold_no_mapping_of_tensors_are_refused(tmp_path: Path, value: object) -> None:
    torch.save(value, tmp_path / "pytorch_model.bin")
    with pytest.raises(InvalidData, match="holds no mapping of tensors"):
        convert(tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        *("colbert_linear.pt", "training_args.bin", "pytorch_model-00001-of-00002.bin"),
        # A base.allow_pickle that named one of these once left it in the base as it was.
        *("model.ckpt", "model.pkl", "head.joblib", "MODEL.PT"),
    ],
)
def test_pickles_that_are_no_whole_weights_are_refused(tmp_path: Path, name: str) -> None:
    torch.save({"weight": torch.zeros(1)}, tmp_path / name)
    with pytest.raises(InvalidData, match=f"{name} can run code and is no whole set of weights"):
        convert(tmp_path)
