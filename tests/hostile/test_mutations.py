"""A hundred changes each of params.yaml, a README, a base's JSON files: a message or a right result."""

import json
import random
import shutil
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.embedding import loading
from pipeline.errors import InvalidParams, PipelineError
from pipeline.params import Params, load
from pipeline.preflight import guess_base
from pipeline.stages.audit import token_lengths
from pipeline.stages.pin.tables.split_files import chosen
from pipeline.stages.pin.tables.subsets import declared, names
from tests.support import workspaces
from tests.support.workspaces import PROJECT

hundred = settings(
    max_examples=100,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
# Small numbers only: what a huge one asks for is memory, which is another matter.
VALUES: list[Any] = [None, True, -1, 0, 3, 7.5, "x", "", "é\u0000", [], ["x", 3], {}, {"x": None}]
WORDS = [
    "null",
    "-1",
    "[",
    "{a: b}",
    "*a",
    "&a [*a]",
    "!!python/object:os.system x",
    "1e999",
    "'",
    "\t",
    "---",
    "é",
]
README = """---
license: apache-2.0
language: [tr]
configs:
- config_name: first
  default: true
  data_files:
  - split: train
    path: data/train-*.parquet
  - split: test
    path: [data/test.parquet]
- config_name: second
  data_dir: more
dataset_info:
- config_name: first
  features:
  - name: query
    dtype: string
  splits:
  - name: train
    num_examples: 3
---
# A data set
"""
LISTED = {
    "README.md",
    "data/train-0.parquet",
    "data/train-1.parquet",
    "data/test.parquet",
    "more/train.parquet",
}


def mutated(text: str, draw: random.Random) -> str:
    """Change a text in one place or in three: a line goes, comes twice, is cut or gets another value."""
    lines = text.split("\n")
    for _ in range(draw.choice([1, 1, 3])):
        place = draw.randrange(len(lines))
        line = lines[place]
        match draw.randrange(6):
            case 0:
                lines[place : place + 1] = []
            case 1:
                lines.insert(place, line)
            case 2:
                lines[place] = f"{line.partition(':')[0]}: {draw.choice(WORDS)}"
            case 3:
                lines[place] = line[: draw.randrange(len(line) + 1)]
            case 4:
                lines[place] = " " * draw.randrange(5) + line.lstrip()
            case _:
                other = draw.randrange(len(lines))
                lines[place], lines[other] = lines[other], lines[place]
        lines = lines or [""]
    return "\n".join(lines)


def changed(content: Any, draw: random.Random) -> Any:
    """Change one value of a JSON document, or its key, somewhere near the top."""
    holder: Any = None
    key: Any = None
    value = content
    while isinstance(value, dict | list) and value and (holder is None or draw.random() < 0.7):
        holder = value
        key = (
            draw.choice(list(value)[:12]) if isinstance(value, dict) else draw.randrange(min(12, len(value)))
        )
        value = holder[key]
    if holder is None or draw.random() < 0.05:
        return draw.choice(VALUES)
    if draw.random() < 0.3:
        del holder[key]
    else:
        holder[key] = draw.choice(VALUES)
    return content


@hundred
@given(draw=st.randoms(use_true_random=False))
def test_params_mutated_are_read_or_refused(tmp_path: Path, draw: random.Random) -> None:
    text = mutated((PROJECT / "params.yaml").read_text(encoding="utf-8"), draw)
    (tmp_path / "params.yaml").write_text(text, encoding="utf-8")
    try:
        found = load(tmp_path)
    except PipelineError:
        pass
    else:
        assert Params.model_validate(found.model_dump()) == found


@hundred
@given(draw=st.randoms(use_true_random=False))
def test_readme_mutated_names_files_of_its_commit_or_is_refused(tmp_path: Path, draw: random.Random) -> None:
    (tmp_path / "README.md").write_text(mutated(README, draw), encoding="utf-8")
    try:
        found = chosen(declared(tmp_path, LISTED, "data set a/b"), LISTED, "data set a/b")
        several = names(tmp_path, LISTED, "data set a/b")
    except PipelineError:
        pass
    else:
        assert {path for paths in found.files.values() for path in paths} <= LISTED
        assert all(isinstance(name, str) for name in several)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base") / "tiny"
    workspaces.tiny_model(folder)
    return folder


@hundred
@given(draw=st.randoms(use_true_random=False))
def test_base_mutated_is_loaded_or_refused(base: Path, tmp_path: Path, draw: random.Random) -> None:
    folder = tmp_path / "base"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(base, folder)
    path = draw.choice(sorted(folder.rglob("*.json")))
    text = path.read_text(encoding="utf-8")
    if draw.random() < 0.1:
        text = text[: draw.randrange(len(text))]
    else:
        text = json.dumps(changed(json.loads(text), draw))
    path.write_text(text, encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for read in (
            lambda: guess_base.read(folder, {"model.safetensors": None}, "model a/b").width,
            lambda: token_lengths.tokenizer(folder).count(["fatura var"])[0],
            lambda: loading.load(folder).get_embedding_dimension(),
        ):
            try:
                found = read()
            except PipelineError:
                pass
            else:
                assert int(found or 0) >= 0


def test_params_that_hold_themselves_are_refused(tmp_path: Path) -> None:
    text = (PROJECT / "params.yaml").read_text(encoding="utf-8").replace("probes: {}", "probes: &a {b: *a}")
    (tmp_path / "params.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidParams, match=r"has an `\*alias` inside of what it stands for"):
        load(tmp_path)
