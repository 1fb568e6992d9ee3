"""A whole workspace in seconds: a tiny random model and a few dozen triplets on a real localhub."""

import atexit
import contextlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl
from huggingface_hub import HfApi
from ruamel.yaml import YAML

PROJECT = Path(__file__).resolve().parents[2]
TOKEN = "hf_tests_may_write"
READ_TOKEN = "hf_tests_may_read"
WORDS = ["fatura", "tarife", "hat", "internet", "kampanya", "numara", "cihaz", "paket", "iptal", "taahhüt"]
COLUMNS = ("query", "positive", "negative")
ENDINGS = ["var", "yok", "açık", "kapalı", "ücretli", "ücretsiz", "aktif", "pasif", "uzun", "kısa"]


def triplets(count: int, start: int = 0) -> dict[str, list[str]]:
    """Make triplets of which every query, positive and negative is another one."""
    columns: dict[str, list[str]] = {"query": [], "positive": [], "negative": []}
    for place in range(start, start + count):
        word, ending = WORDS[place % 10], ENDINGS[(place // 10) % 10]
        columns["query"].append(f"{word} {ending} mi {place}")
        columns["positive"].append(f"evet {word} {ending} {place}")
        columns["negative"].append(f"{WORDS[(place + 3) % 10]} {ENDINGS[(place // 10 + 5) % 10]} {place}")
    return columns


def mixed(seed: int = 7) -> dict[str, dict[str, list[str]]]:
    """Make splits that a random model neither solves nor fails, and four bad rows in train."""
    draw = random.Random(seed)
    splits: dict[str, dict[str, list[str]]] = {}
    numbers = iter(draw.sample(range(400), 130))
    for name, count in (("train", 60), ("validation", 30), ("test", 40)):
        rows: list[tuple[str, str, str]] = []
        for _ in range(count):
            (word, other), ending = draw.sample(WORDS, 2), draw.choice(ENDINGS)
            query = f"{word} {ending} {next(numbers)}"
            rows.append((query, f"{word} {draw.randrange(400)}", f"{other} {ending} {draw.randrange(400)}"))
        splits[name] = {key: [row[place] for row in rows] for place, key in enumerate(COLUMNS)}
    train = splits["train"]
    bad = [
        tuple(train[key][0] for key in COLUMNS),
        (splits["test"]["query"][0].upper(), "evet hat", "yok hat"),
        ("paket mi", " ", "paket yok"),
        ("cihaz mi", "cihaz", "Cihaz"),
    ]
    for row in bad:
        for key, text in zip(COLUMNS, row, strict=True):
            train[key].append(text)
    return splits


def tiny_model(folder: Path, width: int = 32, seed: int = 0) -> None:
    """Save a random BERT of one layer with a tokenizer of whole words."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from tokenizers.processors import BertProcessing
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "evet", "mi", *WORDS, *ENDINGS, *map(str, range(400))]
    vocabulary = {word: place for place, word in enumerate(words)}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=width,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=width * 2,
        max_position_embeddings=64,
    )
    plain = folder.with_name(folder.name + "-plain")
    BertModel(config).save_pretrained(plain)
    PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=64,
    ).save_pretrained(plain)
    transformer = Transformer(str(plain), max_seq_length=32)
    model = SentenceTransformer(modules=[transformer, Pooling(width), Normalize()], device="cpu")
    model.save_pretrained(str(folder), create_model_card=False)
    shutil.rmtree(plain)


def put(endpoint: str, repo: str, kind: str, folder: Path) -> str:
    """Put a folder on the Hub as its next commit, and give that commit."""
    api = HfApi(endpoint=endpoint, token=TOKEN)
    api.create_repo(repo, repo_type=kind, exist_ok=True)
    return str(api.upload_folder(repo_id=repo, folder_path=folder, repo_type=kind).oid)


def write_splits(folder: Path, splits: Mapping[str, Mapping[str, Sequence[Any]]]) -> None:
    """Write a data set folder as `datasets` likes it: data/SPLIT.parquet."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    for name, columns in splits.items():
        pl.DataFrame(columns).write_parquet(folder / "data" / f"{name}-00000-of-00001.parquet")
    (folder / "README.md").write_text(
        "---\nlicense: apache-2.0\nlanguage: tr\n---\n# Tiny\n", encoding="utf-8"
    )


def environment(endpoint: str, home: Path, token: str | None = TOKEN) -> dict[str, str]:
    """Give a child's environment: this Hub, its own caches, one thread, no telemetry."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "PREFECT_"))}
    return (
        kept
        | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HF_ENDPOINT": endpoint,
            "HF_HOME": str(home),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "DVC_NO_ANALYTICS": "1",
            "DO_NOT_TRACK": "1",
            "OMP_NUM_THREADS": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        | ({"HF_TOKEN": token} if token else {})
    )


def with_katman(env: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Install `katman` into a folder as `make .venv` does, and give an environment that finds it there."""
    folder.mkdir()
    command = folder / "katman"
    launcher = (PROJECT / "launcher.py").read_text(encoding="utf-8")
    command.write_text(f'#!/bin/sh\n"exec" "{sys.executable}" "$0" "$@"\n{launcher}', encoding="utf-8")
    command.chmod(0o755)
    return {**env, "PATH": f"{folder}{os.pathsep}{env['PATH']}"}


@lru_cache
def _start(dvc: bool) -> Path:
    """Make, once for all tests of this process, the workspace that `make` copies."""
    folder = Path(tempfile.mkdtemp(prefix="katman-start-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=PROJECT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (PROJECT / name).is_file() and not name.startswith(("tests/", "records/", "receipts/", ".dvc/")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(PROJECT / name, folder / name)
    (folder / "dvc.lock").unlink(missing_ok=True)
    set_params(folder, SMALL)
    repository(folder, dvc=dvc)
    git(folder, "add", ".")
    return folder


@lru_cache
def _trials() -> Path:
    """Make the folder in which all workspaces of this process keep the trials of their bases."""
    folder = Path(tempfile.mkdtemp(prefix="katman-trials-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def make(folder: Path, changes: Mapping[str, Any], *, dvc: bool = True) -> Path:
    """Make a workspace: the project's tracked files, a git repository of its own, a small params.yaml."""
    shutil.copytree(_start(dvc), folder, symlinks=True, dirs_exist_ok=True)
    (folder / ".checkpoints").mkdir()
    (folder / ".checkpoints" / "trials").symlink_to(_trials())
    set_params(folder, changes)
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "Start")
    return folder


@lru_cache
def _empty(dvc: bool) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="katman-empty-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    git(folder, "-c", "init.defaultBranch=main", "init", "--quiet")
    for key, value in (("name", "Test"), ("email", "test@example.org")):
        git(folder, "config", f"user.{key}", value)
    if dvc:
        dvc_init = [sys.executable, "-m", "dvc", "init", "--quiet"]
        subprocess.run(dvc_init, cwd=folder, check=True, env={**os.environ, "DVC_NO_ANALYTICS": "1"})
    return folder


def repository(folder: Path, *, dvc: bool = True) -> None:
    """Make a folder a git repository, and DVC's, as `git init` and `dvc init` do it."""
    shutil.copytree(_empty(dvc), folder, symlinks=True, dirs_exist_ok=True)


def commit(folder: Path, *, run_cache: bool = False) -> None:
    """Tell DVC that what stands in a workspace is what its stages made, and commit to git.

    Args:
        run_cache: Whether DVC can bring a stage's outputs back where what it reads comes back, as after
            `dvc repro`; that is a third of the time, and few tests ask for it.
    """
    from dvc.repo import Repo

    with contextlib.chdir(folder), Repo() as repo, repo.lock:
        stages = list(repo.index.stages)
        for stage in stages:
            stage.save(run_cache=run_cache)
            stage.commit(relink=False)
        stages[0].dvcfile.dump_stages(stages, update_pipeline=False)
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "Run")


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder, and give what it printed."""
    run = subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return run.stdout


def run_dvc(folder: Path, *arguments: str) -> str:
    """Run DVC in a folder, and give what it printed."""
    command = [sys.executable, "-m", "dvc", *arguments]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def forget(endpoint: str, repo: str) -> None:
    """Delete a model repository."""
    HfApi(endpoint=endpoint, token=TOKEN).delete_repo(repo, missing_ok=True)


def set_params(folder: Path, changes: Mapping[str, Any]) -> None:
    """Set dotted keys in a workspace's params.yaml."""
    yaml = YAML()
    path = folder / "params.yaml"
    content = yaml.load(path.read_text(encoding="utf-8"))
    for dotted, value in changes.items():
        *parents, key = dotted.split(".")
        section = content
        for parent in parents:
            section = section.setdefault(parent, {})
        section[key] = value
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(content, file)


def pipeline(
    folder: Path, env: Mapping[str, str], *arguments: str, python: str = sys.executable
) -> subprocess.CompletedProcess[str]:
    """Run `python -m pipeline …` in a workspace, as a user would."""
    command = [python, "-m", "pipeline", *arguments]
    return subprocess.run(command, cwd=folder, env=dict(env), capture_output=True, text=True, check=False)


SMALL: dict[str, Any] = {
    "dataset.repo": "tester/triplets",
    "base.repo": "tester/tiny",
    "base.allow_pickle": [],
    "live.repo": "tester/tuned",
    "release.repo": "tester/tuned",
    "model.name": "Tiny",
    "model.dims": [32, 16],
    "model.max_seq_length": 16,
    "train.loss.matryoshka_weights": [1, 1],
    "train.batch_size": 16,
    "train.eval_batch_size": 16,
    "train.mini_batch_size": 8,
    "train.learning_rate": 0.001,
    "train.eval_steps": 2,
    "hardware.save_minutes": 0,
    "train.bf16": False,
    "evaluate.search_vectors": 100,
    # A few dozen rows can be judged only by a gate that asks for little.
    "gate.floors": {32: 0.0, 16: 0.0},
    "gate.max_looks": 100,
    "gate.resamples": 200,
    "gate.min_clusters": 2,
    "gate.min_hard_rows": 100000,
    "gate.live_margins": {"ndcg": 1.0, "hard": 1.0, "accuracy": 1.0},
    "gate.anchor_margins": {"ndcg": 1.0, "hard": 1.0, "accuracy": 1.0},
    "gate.base_min_gain": -1.0,
    "gate.retention": 0.0,
    "gate.max_forgetting": 1.0,
    "gate.max_slice_drop": 1.0,
    "gate.max_leak_share": 1.0,
    "gate.max_rejected_share": 0.5,
    "gate.reembed_min_gain": -1.0,
    "hardware.threads": 1,
    "hardware.min_free_disk_bytes": 0,
    "hub.xet": False,
    "hub.timeout_seconds": 20,
    "hub.retries": 2,
    "hub.backoff_seconds": 0.05,
    "hub.patience_hours": 0,
}

# A data set on which accuracies are neither 0 nor 1, with prompts.
MIXED: dict[str, Any] = {
    "dataset.repo": "tester/mixed",
    "live.repo": "tester/mixed-tuned",
    "release.repo": "tester/mixed-tuned",
    "model.name": "Küçük",
    "model.prompts": {"query": "mi ", "document": "evet "},
    "model.dims": [32, 16, 4],
    "train.loss.matryoshka_weights": [1, 1, 1],
    "gate.floors": {32: 0.0, 16: 0.0, 4: 0.0},
    "train.epochs": 2,
}


def holding_token(*folders: Path) -> list[Path]:
    """List the files that hold the token; what git packed is unpacked."""
    token = TOKEN.encode()
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if token in _content(path)]


def _content(path: Path) -> bytes:
    content = path.read_bytes()
    if ".git" in path.parts and "objects" in path.parts:
        with contextlib.suppress(zlib.error):
            return zlib.decompress(content)
    return content
