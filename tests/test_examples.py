"""The examples in docstrings are run as they stand."""

import doctest
import importlib
from pathlib import Path
from typing import Any

import pytest
from sentence_transformers import SentenceTransformer

from tests.support import workspaces


@pytest.mark.parametrize(
    "name",
    [
        "dataset.normalize",
        "dataset.language",
        *(f"dataset.languages.{name}" for name in ("letters", "tr", "en", "de", "fr", "es")),
        "dataset.numbers_and_negation",
        "dataset.near_duplicates",
        "judging.bootstrap",
    ],
)
def test_examples_give_what_they_show(name: str) -> None:
    run(f"pipeline.{name}")


@pytest.mark.parametrize("name", ["embedding.encode", "engine.fit"])
def test_examples_with_a_model_give_what_they_show(name: str, tmp_path: Path) -> None:
    workspaces.tiny_model(tmp_path / "tiny", width=16)
    model = SentenceTransformer(str(tmp_path / "tiny"), device="cpu")
    run(f"pipeline.{name}", model=model, folder=tmp_path / "checkpoints")


def run(name: str, **given: Any) -> None:
    found = doctest.testmod(importlib.import_module(name), extraglobs=given, optionflags=doctest.ELLIPSIS)
    assert found.attempted, f"{name} has no example"
    assert not found.failed
