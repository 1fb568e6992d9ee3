"""Everything of a params.yaml that can be guessed, from what was found."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline.hub import RepoInfo
from pipeline.params import load
from pipeline.preflight import guess_params
from pipeline.preflight.found_data import FoundData
from pipeline.preflight.guess_base import BaseFacts
from pipeline.preflight.guesses import Guesses
from tests.support.workspaces import PROJECT, tiny_model, triplets

PLAIN = load(PROJECT)
NAMES = {
    "dataset.repo": "owner/faq",
    "base.repo": "owner/base",
    "release.repo": "me/tuned",
    "dataset.branch": "main",
}
FACTS = BaseFacts(width=256, max_seq_length=128, prompts={"query": "", "document": ""}, pickles=[])


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tokenizer")
    tiny_model(folder)
    return folder


def guessed(
    tokenizer: Path, tables: dict[str, dict[str, list[Any]]], facts: BaseFacts = FACTS, **found: Any
) -> Guesses:
    frames = {split: pl.DataFrame(columns) for split, columns in tables.items()}
    values: dict[str, Any] = {
        "commit": "d" * 40,
        "private": False,
        "license": None,
        "languages": [],
        "subset": None,
        "subsets": ["default"],
        "rows": {split: frame.height for split, frame in frames.items()},
        "tables": frames,
        "read": "all",
        "listed": {},
    }
    base = RepoInfo(repo="owner/base", kind="model", commit="b" * 40, private=False, license="mit", tags=())
    return guess_params.guessed(NAMES, PLAIN, FoundData(**values | found), base, facts, tokenizer)


SPLITS = {"train": triplets(60), "validation": triplets(20, 100), "test": triplets(30, 200)}


def test_facts_are_set_and_likely_things_have_their_reason(tokenizer: Path) -> None:
    found = guessed(tokenizer, SPLITS)
    assert found.values["base.revision"] == "b" * 40
    assert found.values["dataset.revision"] == "d" * 40
    assert found.values["model.name"] == "tuned"
    assert found.values["dataset.splits"] == {"train": "train", "dev": "validation", "test": "test"}
    assert found.values["dataset.languages"] == ["tr"]
    assert found.why["dataset.languages"] == "the commonest words of its texts"
    assert found.values["model.dims"] == [256, 128, 64]
    assert len(found.values["train.loss.matryoshka_weights"]) == 3
    assert "base.revision" not in found.why
    assert "base.allow_pickle" not in found.values


def test_languages_that_the_card_states_are_taken_from_it(tokenizer: Path) -> None:
    found = guessed(tokenizer, SPLITS, languages=["de", "en"])
    assert (found.values["dataset.languages"], found.why["dataset.languages"]) == (
        ["de", "en"],
        "the data set's card",
    )


def test_pairs_have_no_negatives_and_no_floor_of_accuracy(tokenizer: Path) -> None:
    pairs = {split: {name: rows[name] for name in ("query", "positive")} for split, rows in SPLITS.items()}
    found = guessed(tokenizer, pairs)
    assert found.values["dataset.columns"]["negative"] is None
    assert found.why["gate.floors"] == "pairs have no accuracy"


def test_splits_that_are_missing_are_cut_out_of_train(tokenizer: Path) -> None:
    found = guessed(tokenizer, {"train": triplets(60)})
    assert found.values["dataset.splits"] == {"train": "train", "dev": None, "test": None}
    assert found.why["dataset.splits"] == "dev and test cut out of train"


def test_rows_of_a_private_data_set_are_no_example(tokenizer: Path) -> None:
    public, private = guessed(tokenizer, SPLITS), guessed(tokenizer, SPLITS, private=True)
    assert len(public.values["card.example"]["queries"]) == 2
    assert "card.example" not in private.values
    assert private.why["card.example"] == "write your own texts"
    assert (public.values["release.private"], private.values["release.private"]) == (False, True)


def test_pickles_are_named_where_they_are_the_only_weights(tokenizer: Path) -> None:
    pickled = BaseFacts(width=256, max_seq_length=None, prompts=FACTS.prompts, pickles=["pytorch_model.bin"])
    found = guessed(tokenizer, SPLITS, pickled)
    assert found.values["base.allow_pickle"] == ["pytorch_model.bin"]
    assert "without trust" in found.why["base.allow_pickle"]
