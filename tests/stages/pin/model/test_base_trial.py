"""A base that cannot do once what training and release will ask of it is refused, with the fault named."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from pipeline.errors import InvalidData, InvalidParams
from pipeline.params import load
from pipeline.params.model import ModelParams
from pipeline.records import BaseTrial
from pipeline.stages.pin.model import trial_process
from pipeline.stages.pin.model.base_trial import try_base
from pipeline.stages.pin.model.trial_process import tried
from tests.conftest import Make
from tests.support import workspaces
from tests.support.workspaces import PROJECT, set_params

Change = Callable[[Path], None]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base") / "tiny"
    workspaces.tiny_model(folder)
    return folder


@pytest.fixture
def base(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "base"))


@pytest.fixture
def params() -> ModelParams:
    plain = load(PROJECT).model
    prompts = plain.prompts.model_copy(update={"query": "", "document": ""})
    return plain.model_copy(update={"dims": (32, 16), "max_seq_length": 16, "prompts": prompts})


def attempt(base: Path, params: ModelParams) -> BaseTrial:
    return try_base(base, params, base.with_name("saved"))


def rewrite(path: Path, change: Callable[[Any], Any]) -> None:
    path.write_text(json.dumps(change(json.loads(path.read_text(encoding="utf-8")))), encoding="utf-8")


def weights(folder: Path, change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]) -> None:
    path = folder / "model.safetensors"
    save_file(change(load_file(path)), path, metadata={"format": "pt"})


def test_trial_of_a_sound_base_changes_nothing(base: Path, params: ModelParams) -> None:
    found = attempt(base, params)
    assert found == BaseTrial(tokens=16, prompts={"query": "", "document": ""})


def without_one_weight(folder: Path) -> None:
    weights(folder, lambda all_: {name: one for name, one in all_.items() if "key.bias" not in name})


def without_a_layer(folder: Path) -> None:
    rewrite(folder / "config.json", lambda one: one | {"num_hidden_layers": 2})


def under_another_name(folder: Path) -> None:
    weights(folder, lambda all_: {f"wrapped.{name}": one for name, one in all_.items()})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            without_one_weight,
            r"lack 1 weights .*\(encoder.layer.0.attention.self.key.bias\), which would be drawn",
        ),
        (without_a_layer, r"lack 16 weights .*encoder.layer.1.*and 11 more\).*look whether the upload"),
        (under_another_name, r"under names that begin with 'wrapped.'; save it again without that"),
    ],
)
def test_trial_never_draws_weights_at_random(
    base: Path, params: ModelParams, change: Change, said: str
) -> None:
    change(base)
    with pytest.raises(InvalidData, match=said):
        attempt(base, params)


def test_trial_lets_a_missing_pooler_through_and_names_it(base: Path, params: ModelParams) -> None:
    weights(base, lambda all_: {name: one for name, one in all_.items() if not name.startswith("pooler.")})
    assert attempt(base, params).missing_weights == ("pooler.dense.bias", "pooler.dense.weight")


def test_trial_drops_names_of_code_where_the_native_class_took_every_weight(
    base: Path, params: ModelParams
) -> None:
    remote = {"auto_map": {"AutoModel": "other/code--modeling.Model"}}
    for name in ("config.json", "tokenizer_config.json"):
        rewrite(base / name, lambda one: one | remote)
    assert attempt(base, params).auto_map_dropped
    saved = base.with_name("saved")
    assert not [path for path in saved.rglob("*.json") if "auto_map" in path.read_text(encoding="utf-8")]


def test_trial_refuses_weights_that_only_the_code_of_the_base_has_a_place_for(
    base: Path, params: ModelParams
) -> None:
    rewrite(base / "config.json", lambda one: one | {"auto_map": {"AutoModel": "modeling.Model"}})
    weights(base, lambda all_: all_ | {"encoder.layer.0.mlp.gated.weight": torch.zeros(2, 2)})
    with pytest.raises(
        InvalidData, match=r"1 of its weights \(encoder.layer.0.mlp.gated.weight\) have no place"
    ):
        attempt(base, params)


def test_trial_refuses_an_architecture_that_only_its_own_code_knows(base: Path, params: ModelParams) -> None:
    rewrite(
        base / "config.json",
        lambda one: one | {"model_type": "newbert", "auto_map": {"AutoConfig": "configuration.Config"}},
    )
    with pytest.raises(InvalidData, match=r"its architecture \(newbert\) is known only to code that comes"):
        attempt(base, params)


def smaller_table(folder: Path) -> None:
    rewrite(folder / "config.json", lambda one: one | {"vocab_size": 400})
    name = "embeddings.word_embeddings.weight"
    weights(folder, lambda all_: all_ | {name: all_[name][:400].contiguous()})


def broken_numbers(folder: Path) -> None:
    name = "encoder.layer.0.output.dense.weight"
    weights(folder, lambda all_: all_ | {name: torch.full_like(all_[name], float("nan"))})


def no_pooling(folder: Path) -> None:
    rewrite(folder / "modules.json", lambda one: one[:1])


def no_token_to_pad_with(folder: Path) -> None:
    keys = ("pad_token", "eos_token", "sep_token", "unk_token", "cls_token")
    rewrite(folder / "tokenizer_config.json", lambda one: {key: one[key] for key in one if key not in keys})
    rewrite(folder / "config.json", lambda one: one | {"pad_token_id": None})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (smaller_table, r"table of embeddings has 400 rows and its tokenizer \d+ tokens beyond them"),
        (broken_numbers, r"has the length nan; wanted finite numbers"),
        (no_pooling, r"makes no vector of a text"),
        (no_token_to_pad_with, r"tokenizer has no padding token"),
    ],
)
def test_trial_encodes_a_text_before_anything_is_trained(
    base: Path, params: ModelParams, change: Change, said: str
) -> None:
    change(base)
    with pytest.raises(InvalidData, match=said):
        attempt(base, params)


def test_trial_refuses_a_prompt_that_leaves_no_room_for_a_text(base: Path, params: ModelParams) -> None:
    long = params.prompts.model_copy(update={"query": "evet " * 20})
    with pytest.raises(InvalidParams, match=r"model.prompts.query has 22 tokens, .*max_seq_length is 16"):
        attempt(base, params.model_copy(update={"prompts": long}))


def test_trial_gives_a_base_what_is_judged_and_says_so(base: Path, params: ModelParams) -> None:
    rewrite(base / "modules.json", lambda one: one[:2])
    rewrite(
        base / "config_sentence_transformers.json",
        lambda one: (
            one
            | {
                "similarity_fn_name": "dot",
                "prompts": {"query": "mi ", "passage": "evet "},
                "default_prompt_name": "query",
                "truncate_dim": 8,
            }
        ),
    )
    rewrite(base / "tokenizer_config.json", lambda one: {key: one[key] for key in one if key != "pad_token"})
    found = attempt(base, params)
    assert found == BaseTrial(
        tokens=16,
        prompts={"query": "mi ", "document": "evet "},
        normalize_added=True,
        similarity="dot",
        default_prompt="mi ",
        truncate_dim=8,
        pad_token="[PAD]",
    )
    saved = base.with_name("saved")
    config = json.loads((saved / "config_sentence_transformers.json").read_text(encoding="utf-8"))
    assert (config["similarity_fn_name"], config["default_prompt_name"]) == ("cosine", None)
    assert "truncate_dim" not in config
    assert "Normalize" in (saved / "modules.json").read_text(encoding="utf-8")


def test_trial_runs_without_token_and_names_base_and_commit(
    base: Path, tmp_path: Path, make_workspace: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    workspace = make_workspace(dvc=False)
    (tmp_path / "room").mkdir()
    assert tried(base, tmp_path / "room", load(workspace)).tokens == 16
    without_one_weight(base)
    set_params(workspace, {"base.revision": "a" * 40})
    (tmp_path / "other").mkdir()
    with pytest.raises(InvalidData, match=r"^base tester/tiny at aaaaaaaaaaaa: its files lack 1 weights"):
        tried(base, tmp_path / "other", load(workspace))
    (base / "model.safetensors").unlink()
    (tmp_path / "third").mkdir()
    with pytest.raises(
        InvalidData, match=r"^base tester/tiny at aaaaaaaaaaaa: .*no file named model.safetensors"
    ):
        tried(base, tmp_path / "third", load(workspace))
    (base / "tokenizer.json").write_text("{}")
    (tmp_path / "fourth").mkdir()
    with pytest.raises(InvalidData, match=r"^base tester/tiny at aaaaaaaaaaaa: |cannot be used: "):
        tried(base, tmp_path / "fourth", load(workspace))


def test_trial_whose_process_is_killed_says_so(
    base: Path, tmp_path: Path, make_workspace: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = tmp_path / "killed.py"
    killed.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    monkeypatch.setattr(trial_process, "__file__", str(killed))
    (tmp_path / "room").mkdir()
    with pytest.raises(InvalidData, match=r"the process that tried it ended with -9.*memory may not have"):
        tried(base, tmp_path / "room", load(make_workspace(dvc=False)))
