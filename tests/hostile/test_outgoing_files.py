"""What a hostile base or data set could have put among the files of a release: none of it goes out."""

import gzip
import io
import json
import pickle
import tarfile
import zipfile
from pathlib import Path

import pytest

from pipeline.errors import ReleaseRefused
from pipeline.publishing import unsafe_files


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("archive/data.pkl", b"x")
    return buffer.getvalue()


def tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz"):
        pass
    return buffer.getvalue()


def asks(content: object) -> bytes:
    return json.dumps(content).encode()


SVG = b'<svg xmlns="http://www.w3.org/2000/svg">%s</svg>'
# By class: what is put there under which name.
HOSTILE: dict[str, list[tuple[str, bytes]]] = {
    "pickle by its name": [
        (f"weights{kind}", b"x") for kind in (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".joblib")
    ],
    "arrays and graphs that can hold objects": [
        (f"model{kind}", b"x")
        for kind in (".npy", ".npz", ".h5", ".keras", ".msgpack", ".onnx", ".gguf", ".pb")
    ],
    "pickle by another name": [
        *(
            (name, pickle.dumps([1], 4))
            for name in ("model-2.safetensors", "vocab.txt", "spiece.model", "README.md")
        ),
        ("sentencepiece.bpe.model", archive()),
        ("merges.txt", b"\x93NUMPY\x01\x00"),
    ],
    "code": [
        *(
            (name, b"print(1)")
            for name in ("modeling.py", "setup.sh", "x.so", "x.pyc", "a.ipynb", "x.js", "x.html")
        ),
        ("custom_code.PY", b"print(1)"),
        ("run.txt", b"#!/bin/sh\nrm -rf ~\n"),
        ("tokenizer.model", b"\x7fELF\x02\x01\x01"),
        ("vocab.vocab", b"MZ\x90\x00"),
    ],
    "archive": [("extra.zip", archive()), ("extra.tar.gz", tar()), ("vocab.txt", gzip.compress(b"x"))],
    "weights that are none": [
        ("model-2.safetensors", b"\xff\xff\xff\xff\xff\xff\xff\x7f{}"),
        ("model-2.safetensors", b"\x02\0\0\0\0\0\0\0[]"),
        ("model-2.safetensors", b""),
    ],
    "configuration that runs code": [
        ("config.json", asks({"auto_map": {"AutoModel": "modeling.Mine"}})),
        ("config.json", asks({"inner": [{"trust_remote_code": True}]})),
        ("config.json", asks({"_target_": "os.system"})),
        ("config.json", asks({"x": {"py/object": "os.system"}})),
        ("2_Dense/config.json", asks({"activation_function": "os.system"})),
        ("modules.json", asks([{"type": "modeling.Mine"}])),
        ("router_config.json", asks({"types": {"query": "modeling.Mine"}})),
        ("config.json", b"[" * 100_000 + b"]" * 100_000),
        ("config.json", b"{"),
    ],
    "picture that a page runs": [
        ("pictures/a.svg", SVG % b"<script>alert(1)</script>"),
        ("pictures/a.svg", SVG % b'<rect onload="alert(1)"/>'),
        ("pictures/a.svg", SVG % b'<image href="http://evil.test/x"/>'),
        ("pictures/a.svg", SVG % b"<foreignObject/>"),
        ("pictures/a.png", b"<html>"),
        ("a.svg", SVG % b""),
    ],
    "name that leads elsewhere": [
        (name, b"{}")
        for name in (
            "../config.json",
            "/config.json",
            "a\\..\\config.json",
            ".git/config.json",
            "a/b/config.json",
        )
    ]
    + [("con\x1b]52;fig.json", b"{}"), (".gitattributes", b"* filter=x"), ("a//config.json", b"{}")],
}


@pytest.fixture
def plain(tmp_path: Path) -> dict[str, Path]:
    """What a release of an ordinary model holds."""
    contents = {
        "model.safetensors": b"\x02\0\0\0\0\0\0\0{}",
        "config.json": asks({"model_type": "bert", "vocab": {"__class__": 7, "auto_map": 8}}),
        "2_Dense/config.json": asks({"activation_function": "torch.nn.modules.activation.Tanh"}),
        "modules.json": asks([{"type": "sentence_transformers.models.Transformer", "path": ""}]),
        "vocab.txt": "[PAD]\nğ\n".encode(),
        "sentencepiece.bpe.model": b"\n\x0e\n\x05<unk>",
        "chat_template.jinja": b"{{ messages }}",
        "README.md": b"# Model",
        "pictures/accuracy.svg": SVG % b'<use href="#a"/>',
        "imgs/accuracy.png": b"\x89PNG\r\n\x1a\n",
        "trained_rows.parquet": b"PAR1",
        "provenance.json": b"{}",
        "model.sig": b"{}",
        ".eval_results/sts.yaml": b"- a: 1",
    }
    for name, content in contents.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    return {name: tmp_path / name for name in contents}


def test_everything_of_an_ordinary_model_goes_out(plain: dict[str, Path]) -> None:
    unsafe_files.refuse_unsafe(plain)


CASES = [(f"{kind} {place}", *one) for kind, many in HOSTILE.items() for place, one in enumerate(many)]


@pytest.mark.parametrize(("name", "content"), [one[1:] for one in CASES], ids=[one[0] for one in CASES])
def test_nothing_hostile_goes_out(plain: dict[str, Path], tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / "added"
    path.write_bytes(content)
    with pytest.raises(ReleaseRefused) as caught:
        unsafe_files.refuse_unsafe(plain | {name: path})
    assert "\x1b" not in str(caught.value)
