"""The libraries that users have, unmodified, in a process of their own with HF_ENDPOINT."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.localhub.conftest import OWNER, TestHub

SCRIPT = """
import json, sys
import torch
from datasets import Dataset, DatasetDict, load_dataset
from huggingface_hub import HfApi
from sentence_transformers import SentenceTransformer
from sentence_transformers.models import Pooling, Transformer
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

repo = sys.argv[1]
rows = [{"anchor": f"fatura {n}", "positive": f"ödeme {n}", "negative": None} for n in range(50)]
DatasetDict(train=Dataset.from_list(rows), test=Dataset.from_list(rows[:7])).push_to_hub(repo, private=True)
first = HfApi().dataset_info(repo).sha
Dataset.from_list(rows[:3]).push_to_hub(repo, split="test")
loaded = load_dataset(repo, revision=first)
streamed = load_dataset(repo, split="test", streaming=True)
datasets = {
    "first": {split: len(loaded[split]) for split in loaded},
    "equal": loaded["train"].to_list() == rows,
    "now": load_dataset(repo, split="test").num_rows,
    "streamed": [row["positive"] for row in streamed],
}

torch.set_num_threads(1)
torch.manual_seed(1)
repo = sys.argv[2]
words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "fatura", "tarife", "numara", "taşıma"]
tokenizer = Tokenizer(models.WordLevel({word: n for n, word in enumerate(words)}, unk_token="[UNK]"))
tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
tokenizer.post_processor = processors.TemplateProcessing(
    "[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
)
folder = "tiny"
special = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}
PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=32, **special).save_pretrained(folder)
config = BertConfig(
    vocab_size=len(words), hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
    intermediate_size=64, max_position_embeddings=32,
)
BertModel(config).save_pretrained(folder)
transformer = Transformer(folder)
model = SentenceTransformer(modules=[transformer, Pooling(32)], device="cpu")
model.push_to_hub(repo, private=True)
revision = HfApi().model_info(repo).sha
texts = ["fatura tarife", "numara taşıma"]
loaded = SentenceTransformer(repo, revision=revision, device="cpu")
print(json.dumps({"datasets": datasets, "sentence-transformers": {
    "equal": bool((loaded.encode(texts) == model.encode(texts)).all()),
    "dimension": loaded.encode(texts).shape[1],
    "files": HfApi().list_repo_files(repo),
}}))
"""


@dataclass(frozen=True)
class Clients:
    """What the script did: the repos it made and what it found."""

    dataset: str
    model: str
    found: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def clients(hub: TestHub, names: Iterator[str], tmp_path_factory: pytest.TempPathFactory) -> Clients:
    # One process for both: importing the libraries takes longer than all they do here.
    home = tmp_path_factory.mktemp("home")
    dataset, model = next(names), next(names)
    environment = {
        **os.environ,
        "HF_ENDPOINT": hub.endpoint,
        "HF_HOME": str(home),
        "HF_TOKEN": OWNER.token,
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, dataset, model],
        env=environment,
        cwd=home,
        capture_output=True,
        text=True,
        timeout=250,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return Clients(dataset, model, json.loads(done.stdout.splitlines()[-1]))


def test_clients_datasets_pushes_and_loads(hub: TestHub, clients: Clients) -> None:
    assert clients.found["datasets"] == {
        "first": {"train": 50, "test": 7},
        "equal": True,
        "now": 3,
        "streamed": ["ödeme 0", "ödeme 1", "ödeme 2"],
    }
    assert not hub.anonymous.repo_exists(clients.dataset, repo_type="dataset")


def test_clients_sentence_transformers_pushes_and_loads(hub: TestHub, clients: Clients) -> None:
    found = clients.found["sentence-transformers"]
    assert found["equal"]
    assert found["dimension"] == 32
    assert {"README.md", "model.safetensors", "modules.json", "1_Pooling/config.json"} <= set(found["files"])
    card = hub.owner.model_info(clients.model).card_data
    assert card is not None
    assert card.library_name == "sentence-transformers"
