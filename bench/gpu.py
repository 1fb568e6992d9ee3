"""The reference recipe in BGE-M3's geometry on a GPU: the whole of it, against stock as written and tuned.

    python -m bench.gpu                    # XLM-RoBERTa large, random weights, the reference's whole recipe
    python -m bench.gpu --layers 2 --hidden 64 --batch-size 32 --rows 128 ...   # anywhere, as a smoke test

Weights are random (nothing is downloaded): speed does not depend on them. Texts are random tokens, of the
lengths of the reference's texts: 25 tokens in the mean, special ones among them. The engine trains the whole
epoch with its ten evaluations of the dev split; stock takes a few steps and one evaluation, and its whole
recipe is reckoned from them. Warm-up (compiling, probes, the first step) is told apart.

Model FLOPs count 6 per parameter outside the embedding table and token; with padding and second forward
passes counted as work it is hardware utilisation.
"""

import argparse
import gc
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from tokenizers.processors import BertProcessing
from transformers import PreTrainedTokenizerFast, TrainerCallback, XLMRobertaConfig, XLMRobertaModel

from bench.stock_trainer import StockOptions, stock_trainer, triplets
from pipeline.device.hardware import device_name, encoder_parameters, peak_flops
from pipeline.engine.fit import fit
from pipeline.engine.recipe import Hardware, Recipe, TrainingRun

SPECIAL = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3}
# Of the texts in the reference's card, in XLM-R's pieces: 25 tokens in the mean, 8 of deviation, 8 to 40.
MEAN_TOKENS, DEVIATION, LEAST, MOST = 25, 8, 8, 64
# Evaluations of the whole recipe: the base, every 12 of 106 steps, and the end.
EVALUATIONS = 10


def write(folder: Path, layers: int, hidden: int, vocabulary: int) -> None:
    """Write a random XLM-RoBERTa, and its tokenizer of numbered words, into a folder."""
    words = SPECIAL | {f"w{i}": i for i in range(len(SPECIAL), vocabulary)}
    tokenizer = Tokenizer(WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    tokenizer.post_processor = BertProcessing(("</s>", 2), ("<s>", 0))
    PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        cls_token="<s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        model_max_length=512,
    ).save_pretrained(folder)
    config = XLMRobertaConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=max(1, hidden // 64),
        intermediate_size=4 * hidden,
        max_position_embeddings=514,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
    )
    XLMRobertaModel(config).save_pretrained(folder)


def load(folder: Path, hidden: int, device: str) -> SentenceTransformer:
    """Load what was written."""
    modules = [Transformer(str(folder), max_seq_length=512), Pooling(hidden, "cls"), Normalize()]
    return SentenceTransformer(modules=modules, device=device)


def texts(rows: int, vocabulary: int, seed: int) -> dict[str, list[str]]:
    """Triplets of random words, in the reference's lengths."""
    draw = np.random.default_rng(seed)

    def column() -> list[str]:
        lengths = np.clip(draw.normal(MEAN_TOKENS, DEVIATION, rows), LEAST, MOST).astype(int) - 2
        words = iter(draw.integers(len(SPECIAL), vocabulary, int(lengths.sum())).tolist())
        return [" ".join(f"w{next(words)}" for _ in range(length)) for length in lengths]

    return {name: column() for name in ("query", "positive", "negative")}


class Steps(TrainerCallback):
    """Takes the time of each step, with all that the device has still to do."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Start the clock."""
        self.ends.append(_now())

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Take the time."""
        self.ends.append(_now())

    def seconds(self) -> float:
        """Return the median of all steps but the first."""
        later = np.diff(self.ends)[1:]
        return float(np.median(later if len(later) else np.diff(self.ends)))


def _now() -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def engine_figures(a: argparse.Namespace, device: str, folder: Path) -> dict[str, Any]:
    """Train the whole recipe on the engine."""
    model = load(folder, a.hidden, device)
    recipe = Recipe(
        dims=tuple(a.dims),
        batch_size=a.batch_size,
        eval_batch_size=min(256, a.dev_rows),
        eval_steps=a.eval_steps,
        max_steps=a.engine_steps,
    )
    hardware = Hardware(a.threads, a.memory_bytes, {"auto": None, "on": True, "off": False}[a.compile], 10)
    train, dev = texts(a.rows, a.vocabulary, seed=0), texts(a.dev_rows, a.vocabulary, seed=1)
    run = fit(model, train, dev, recipe, hardware, folder / "out")
    return engine_row(run, encoder_parameters(model))


def engine_row(run: TrainingRun, parameters: int) -> dict[str, Any]:
    """The figures of the engine's run."""
    training = run.speed.seconds - run.evaluation_seconds
    steady = (training - run.warmup_seconds) / max(1, run.steps - 1)
    return {
        "steps": run.steps,
        "triplets": run.triplets,
        "tokens": run.tokens,
        "training_seconds": round(training, 2),
        "warmup_seconds": round(run.warmup_seconds, 2),
        "seconds_per_step": round(steady, 4),
        "evaluation_seconds": round(run.evaluation_seconds, 2),
        "evaluations": sum(row.validation_loss is not None for row in run.curve),
        "compiled": run.compiled,
        "model_flops_utilisation": run.speed.model_flops_utilisation,
        "hardware_flops_utilisation": run.speed.hardware_flops_utilisation,
        "peak_flops": run.peak_flops,
        "peak_flops_source": run.peak_flops_source,
        "encoder_parameters": parameters,
        "padding_share": run.speed.padding_share,
        "second_forward_share": run.speed.second_forward_share,
        "memory_budget_bytes": run.memory_budget_bytes,
        "out_of_memory_errors": run.out_of_memory_errors,
        "peak_memory_bytes": run.speed.peak_memory_bytes,
        "bf16_used": run.bf16_used,
    }


def stock_figures(a: argparse.Namespace, device: str, folder: Path, tuned: bool) -> dict[str, Any]:
    """Train a few steps on stock, and score the dev split once as its documentation does."""
    model = load(folder, a.hidden, device)
    steps = a.tuned_steps if tuned else a.stock_steps
    rows = a.batch_size * steps
    train = Dataset.from_dict(texts(rows, a.vocabulary, seed=0))
    few = min(a.dev_rows, a.batch_size if tuned else 512)
    dev = Dataset.from_dict(texts(few, a.vocabulary, seed=1))
    options = StockOptions(
        dims=tuple(a.dims),
        batch_size=a.batch_size,
        mini_batch_size=a.batch_size if tuned else a.mini_batch_size,
        mini_batch_tokens=a.tuned_tokens if tuned else None,
        hashed_sampler=tuned,
        fused=tuned,
        compile=tuned and a.tuned_compile,
        bf16=torch.cuda.is_available(),
        max_steps=steps,
    )
    clock = Steps()
    evaluator = triplets(dev, "dev", a.dims[:1] if tuned else a.dims, 512 if tuned else 32)
    trainer = stock_trainer(model, train, dev, evaluator, options, str(folder / "out"))
    trainer.add_callback(clock)
    trainer.train()
    evaluator(model)
    evaluation = evaluator.seconds * a.dev_rows / len(dev)
    steps_of_all = -(-a.rows // a.batch_size)
    return {
        "steps": steps,
        "seconds_per_step": round(clock.seconds(), 4),
        "training_seconds": round(clock.seconds() * steps_of_all, 2),
        "evaluation_seconds": round(evaluation * EVALUATIONS, 2),
        "peak_memory_bytes": torch.cuda.max_memory_allocated() if device == "cuda" else None,
    }


def main() -> int:
    """Run the sides that were asked for, and print their figures."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--layers", type=int, default=24)
    p.add_argument("--hidden", type=int, default=1024)
    p.add_argument("--vocabulary", type=int, default=250_002)
    p.add_argument("--dims", type=int, nargs="+", default=[1024, 768, 512, 256])
    p.add_argument("--batch-size", type=int, default=2048)
    p.add_argument("--mini-batch-size", type=int, default=32, help="stock's, as its documentation writes it")
    p.add_argument("--tuned-tokens", type=int, default=32768, help="tokens per forward pass of tuned stock")
    p.add_argument("--tuned-compile", action="store_true", help="torch_compile for tuned stock")
    p.add_argument("--rows", type=int, default=215_676)
    p.add_argument("--dev-rows", type=int, default=11_982)
    p.add_argument("--eval-steps", type=int, default=12)
    p.add_argument("--engine-steps", type=int, default=-1, help="of the engine; default: the whole epoch")
    p.add_argument("--tuned-steps", type=int, default=6)
    p.add_argument("--stock-steps", type=int, default=2)
    p.add_argument("--memory-bytes", type=int)
    p.add_argument("--threads", type=int)
    p.add_argument("--compile", choices=["auto", "on", "off"], default="auto", help="of the engine's layers")
    p.add_argument("--sides", nargs="+", default=["engine", "tuned", "stock"])
    p.add_argument(
        "--want-training", type=float, default=120.0, help="seconds of the whole recipe's training"
    )
    p.add_argument("--want-evaluation", type=float, default=20.0, help="seconds of its ten evaluations")
    p.add_argument("--want-ratio", type=float, default=2.0, help="to tuned stock's training")
    a = p.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    rows: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(prefix="katman-bench-") as name:
        folder = Path(name)
        torch.manual_seed(0)
        write(folder, a.layers, a.hidden, a.vocabulary)
        for side in a.sides:
            if device == "cuda":
                gc.collect()
                torch.cuda.empty_cache()
                torch.cuda.reset_peak_memory_stats()
            if side == "engine":
                rows[side] = engine_figures(a, device, folder)
            else:
                rows[side] = stock_figures(a, device, folder, tuned=side == "tuned")
            print(json.dumps({side: rows[side]}), flush=True)
    rate = peak_flops(torch.device(device), device == "cuda")
    machine = f"{device_name(torch.device(device))}, {rate[1]}"
    print(json.dumps({"figures": figures(rows, a), "machine": machine}))
    return 0 if all(figure["ok"] for figure in figures(rows, a).values()) else 1


def figures(rows: dict[str, dict[str, Any]], a: argparse.Namespace) -> dict[str, Any]:
    """What is wanted, and whether it was reached."""
    found: dict[str, Any] = {}

    def at_most(name: str, value: float, wanted: float) -> None:
        found[name] = {"value": round(value, 2), "wanted": wanted, "ok": value <= wanted}

    engine = rows.get("engine")
    if engine is not None:
        at_most("training_seconds", engine["training_seconds"], a.want_training)
        at_most("evaluation_seconds", engine["evaluation_seconds"], a.want_evaluation)
    for side in ("tuned", "stock"):
        if engine is not None and side in rows:
            ratio = rows[side]["seconds_per_step"] / engine["seconds_per_step"]
            wanted = a.want_ratio if side == "tuned" else 1.0
            found[f"step_vs_{side}"] = {"value": round(ratio, 2), "wanted": wanted, "ok": ratio >= wanted}
    return found


if __name__ == "__main__":
    sys.exit(main())
