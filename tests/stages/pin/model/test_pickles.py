"""Pickles become safetensors, or nothing."""

import json
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from pipeline.errors import InvalidData
from pipeline.stages.pin.model.pickles import convert
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
        *("colbert_linear.pt", "training_args.bin", "pytorch_model-1.bin"),
        # A base.allow_pickle that named one of these once left it in the base as it was.
        *("model.ckpt", "model.pkl", "head.joblib", "MODEL.PT"),
    ],
)
def test_pickles_that_are_no_whole_weights_are_refused(tmp_path: Path, name: str) -> None:
    torch.save({"weight": torch.zeros(1)}, tmp_path / name)
    with pytest.raises(InvalidData, match=f"{name} can run code and is no whole set of weights"):
        convert(tmp_path)


PARTS = ("pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin")


def in_parts(folder: Path, names: tuple[str, ...] = PARTS) -> dict[str, torch.Tensor]:
    """Save two weights in a pickle each, with the index that transformers writes."""
    tensors = {"a": torch.randn(2), "b": torch.randn(3)}
    for name, key in zip(PARTS, tensors, strict=True):
        torch.save({key: tensors[key]}, folder / name)
    index = {"metadata": {"total_size": 20}, "weight_map": dict(zip(tensors, names, strict=True))}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    return tensors


def test_pickles_in_parts_become_safetensors_in_parts(tmp_path: Path) -> None:
    tensors = in_parts(tmp_path)
    assert convert(tmp_path) == PARTS
    index = json.loads((tmp_path / "model.safetensors.index.json").read_text())
    assert {path.name for path in tmp_path.iterdir()} == {
        "model.safetensors.index.json",
        *index["weight_map"].values(),
    }
    for key, part in index["weight_map"].items():
        assert torch.equal(load_file(tmp_path / part)[key], tensors[key])


def test_pickles_in_parts_are_refused_without_their_index_or_one_of_them(tmp_path: Path) -> None:
    in_parts(tmp_path)
    (tmp_path / PARTS[1]).unlink()
    with pytest.raises(InvalidData, match=rf"they differ in {PARTS[1]}; wanted every part"):
        convert(tmp_path)
    in_parts(tmp_path)
    (tmp_path / "pytorch_model.bin.index.json").unlink()
    with pytest.raises(InvalidData, match=r"weights in 2 pickles and no pytorch_model.bin.index.json"):
        convert(tmp_path)
    in_parts(tmp_path, (PARTS[0], "../../escaped.bin"))
    with pytest.raises(InvalidData, match="not the same files"):
        convert(tmp_path)
