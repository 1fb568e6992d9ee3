"""What may not go out."""

import io
import json
import pickle
import zipfile
from pathlib import Path

import pytest

from pipeline.embedding.weight_formats import CAN_RUN_CODE
from pipeline.errors import ReleaseRefused
from pipeline.publishing import unsafe_files


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    contents: dict[str, bytes] = {
        "model.safetensors": b"\x08\0\0\0\0\0\0\0{}      ",
        "config.json": b'{"model_type": "bert"}',
        "modules.json": json.dumps(
            [{"idx": 0, "type": "sentence_transformers.models.Transformer", "path": ""}]
        ).encode(),
        "1_Pooling/config.json": b"{}",
        "README.md": b"# Model",
        "trained_rows.parquet": b"PAR1",
        "imgs/accuracy.png": b"\x89PNG\r\n\x1a\n",
    }
    for name, content in contents.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    return {name: tmp_path / name for name in contents}


def refused(files: dict[str, Path], name: str, content: bytes) -> str:
    path = files["config.json"].with_name("added")
    path.write_bytes(content)
    with pytest.raises(ReleaseRefused) as caught:
        unsafe_files.refuse_unsafe(files | {name: path})
    return str(caught.value)


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("archive/data.pkl", b"x")
    return buffer.getvalue()


def test_safety_lets_a_plain_model_go(files: dict[str, Path]) -> None:
    unsafe_files.refuse_unsafe(files)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "a/b.PT", *map("x{}".format, sorted(CAN_RUN_CODE))])
def test_safety_refuses_a_pickle_by_its_name(files: dict[str, Path], name: str) -> None:
    assert f"{name} can run code" in refused(files, name, b"")


@pytest.mark.parametrize("content", [pickle.dumps([1], protocol) for protocol in (2, 3, 4, 5)] + [archive()])
def test_safety_refuses_a_pickle_whatever_it_is_called(files: dict[str, Path], content: bytes) -> None:
    assert (
        "weights.safetensors begins as a program, an archive or a pickle does, and can run code"
        in refused(files, "weights.safetensors", content)
    )


@pytest.mark.parametrize("name", ["modeling.py", "a/setup.sh", "x.so"])
def test_safety_refuses_code(files: dict[str, Path], name: str) -> None:
    assert f"{name} is of no kind that goes out; wanted safetensors" in refused(files, name, b"")


@pytest.mark.parametrize(
    "content",
    [
        {"auto_map": {"AutoModel": "modeling.Mine"}},
        {"inner": [{"trust_remote_code": True}]},
        {"trust_remote_code": False},
    ],
)
def test_safety_refuses_a_configuration_that_asks_for_code(
    files: dict[str, Path], content: dict[str, object]
) -> None:
    message = refused(files, "tokenizer_config.json", json.dumps(content).encode())
    assert message.startswith("tokenizer_config.json has ")
    assert "Use a base that transformers knows by itself" in message


def test_safety_refuses_modules_of_somebody_else(files: dict[str, Path]) -> None:
    content = json.dumps([{"type": "modeling.Mine"}]).encode()
    assert "modules.json names modeling.Mine; wanted modules of" in refused(files, "modules.json", content)


def test_safety_refuses_a_configuration_that_is_none(files: dict[str, Path]) -> None:
    assert "config.json is no JSON" in refused(files, "config.json", b"{")


def test_safety_wants_weights(files: dict[str, Path]) -> None:
    del files["model.safetensors"]
    with pytest.raises(ReleaseRefused, match=r"there is no .safetensors file among 1_Pooling/config.json, "):
        unsafe_files.refuse_unsafe(files)
