"""Disk and time of a run are reckoned from sizes; what is not trained takes no checkpoints."""

import json
import struct
from pathlib import Path

import pytest

from pipeline.hub import ListedFile
from pipeline.params import load
from pipeline.preflight import resources
from pipeline.preflight.resources import Sizes
from pipeline.records import Audit, Training
from pipeline.workspace import paths
from tests.support.workspaces import PROJECT

PARAMS = load(PROJECT)


def test_resources_count_the_weights_that_are_fetched() -> None:
    data = {"a.parquet": ListedFile("a.parquet", 7, "git:1")}
    files = {
        "model.safetensors": 100,
        "onnx/model.safetensors": 900,
        "pytorch_model.bin": 101,
        "README.md": 1,
    }
    base = {path: ListedFile(path, size, "git:1") for path, size in files.items()}
    base["2_Dense/model.safetensors"] = ListedFile("2_Dense/model.safetensors", 5, "git:1")
    assert resources.listed(data, base, 2) == Sizes(dataset=7, weights=105, releases=210)
    del base["2_Dense/model.safetensors"]
    del base["model.safetensors"]
    assert resources.listed(data, base, 0) == Sizes(dataset=7, weights=101)


def test_resources_need_room_for_checkpoints_only_where_there_are_any() -> None:
    sizes = Sizes(dataset=10, weights=100)
    never = PARAMS.model_copy(update={"hardware": PARAMS.hardware.model_copy(update={"save_minutes": None})})
    often = PARAMS.model_copy(update={"hardware": PARAMS.hardware.model_copy(update={"save_minutes": 5.0})})
    assert resources.disk(sizes, never)["train"] == 200
    assert resources.disk(sizes, often)["train"] == 800
    assert resources.disk(sizes, never)["pin"] == 330


def test_resources_count_the_encoder_without_its_table_of_words(tmp_path: Path) -> None:
    header = {
        "__metadata__": {"format": "pt"},
        "embeddings.word_embeddings.weight": {"shape": [1000, 8]},
        "encoder.weight": {"shape": [8, 4]},
        "encoder.bias": {"shape": [8]},
    }
    content = json.dumps(header).encode()
    (tmp_path / "model.safetensors").write_bytes(struct.pack("<Q", len(content)) + content)
    assert resources.encoder_parameters(tmp_path) == 40


@pytest.mark.parametrize(("size", "said"), [(0, "0 B"), (999, "999 B"), (1500, "2 kB"), (2.5e9, "2.5 GB")])
def test_resources_are_written_as_people_do(size: float, said: str) -> None:
    assert resources.shown(size) == said


def test_resources_count_the_dev_split_into_the_time_of_a_training(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    params, audit = load(finished), Audit.load(finished / paths.RECORDS["audit"])
    speed = Training.load(finished / paths.RECORDS["train"]).speed
    train, dev = (audit.splits[name].kept for name in ("train", "dev"))
    whole = params.train.model_copy(update={"epochs": 1, "max_steps": -1, "batch_size": train})

    def seconds(eval_steps: int) -> float:
        section = whole.model_copy(update={"eval_steps": eval_steps})
        found, _ = resources.training_seconds(
            finished, params.model_copy(update={"train": section}), audit, 1
        )
        return found * speed.triplets_per_second

    assert seconds(0) == pytest.approx(train)
    assert seconds(1) == pytest.approx(train + 2 * dev / 3)  # one step: before and behind it
