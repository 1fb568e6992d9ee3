"""BGE-M3's geometry on a GPU: utilisation of one training step, and the time of the reference recipe.

    python -m bench.gpu                    # XLM-RoBERTa large with random weights, batch 2048, bfloat16
    python -m bench.gpu --layers 2 --hidden 64 --batch-size 32 --rows 128 ...   # anywhere, as a smoke test

Weights are random (nothing is downloaded): speed does not depend on them. Texts are random tokens, 15 to 80
of them. Model FLOPs count 6 per parameter outside the embedding table and token; with padding and second
forward passes counted as work it is hardware utilisation. The reference recipe (215,676 triplets in one
epoch, a base score and eight evaluations of 11,982) is extrapolated from measured steps and evaluations.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from tokenizers.processors import BertProcessing
from transformers import PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaModel

from pipeline.embedding.hardware import device_name
from pipeline.engine.fit import fit
from pipeline.engine.recipe import Hardware, Recipe, TrainingRun
from pipeline.engine.report import encoder_parameters

REFERENCE_TRIPLETS = 215_676
REFERENCE_DEV_ROWS = 11_982
REFERENCE_EVALUATIONS = 1 + 8
SPECIAL = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3}


def build(folder: Path, layers: int, hidden: int, vocabulary: int, device: str) -> SentenceTransformer:
    """A random XLM-RoBERTa with cls pooling, as BGE-M3 has it, and a tokenizer of numbered words."""
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
    modules = [Transformer(str(folder), max_seq_length=512), Pooling(hidden, "cls"), Normalize()]
    return SentenceTransformer(modules=modules, device=device)


def texts(rows: int, vocabulary: int, seed: int) -> dict[str, list[str]]:
    """Triplets of random words, 15 to 80 tokens each."""
    draw = np.random.default_rng(seed)

    def column() -> list[str]:
        lengths = draw.integers(15, 81, rows) - 2
        return [
            " ".join(f"w{i}" for i in draw.integers(len(SPECIAL), vocabulary, length)) for length in lengths
        ]

    return {name: column() for name in ("query", "positive", "negative")}


def reference_seconds(run: TrainingRun, dev_rows: int) -> float:
    """Time of the reference recipe, from this run's speed per triplet and per evaluated row."""
    evaluations = len([row for row in run.curve if row.validation_loss is not None])
    per_dev_row = run.evaluation_seconds / (evaluations * dev_rows)
    evaluated = REFERENCE_EVALUATIONS * REFERENCE_DEV_ROWS * per_dev_row
    return REFERENCE_TRIPLETS / run.speed.triplets_per_second + evaluated


def main() -> int:
    """Train a few steps with each engine and print their figures."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--layers", type=int, default=24)
    p.add_argument("--hidden", type=int, default=1024)
    p.add_argument("--vocabulary", type=int, default=250_002)
    p.add_argument("--dims", type=int, nargs="+", default=[1024, 768, 512, 256])
    p.add_argument("--batch-size", type=int, default=2048)
    p.add_argument("--mini-batch-size", type=int, default=32, help="stock's")
    p.add_argument("--rows", type=int, default=8 * 2048)
    p.add_argument("--dev-rows", type=int, default=2048)
    p.add_argument("--memory-bytes", type=int)
    p.add_argument("--threads", type=int)
    p.add_argument("--compile", action="store_true")
    p.add_argument("--engines", nargs="+", default=["katman", "stock"], choices=["katman", "stock"])
    p.add_argument(
        "--want-utilisation", type=float, default=0.5, help="of the dense bfloat16 rate, in model FLOPs"
    )
    a = p.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    recipe = Recipe(
        dims=tuple(a.dims),
        batch_size=a.batch_size,
        mini_batch_size=a.mini_batch_size,
        eval_batch_size=min(256, a.dev_rows),
        eval_steps=max(1, a.rows // a.batch_size // 2),
    )
    train, dev = texts(a.rows, a.vocabulary, seed=0), texts(a.dev_rows, a.vocabulary, seed=1)
    runs: dict[str, TrainingRun] = {}
    for engine in a.engines:
        with tempfile.TemporaryDirectory(prefix="katman-bench-") as folder:
            torch.manual_seed(0)
            model = build(Path(folder), a.layers, a.hidden, a.vocabulary, device)
            hardware = Hardware(a.threads, a.memory_bytes, a.compile)
            if device == "cuda":
                torch.cuda.reset_peak_memory_stats()
            runs[engine] = fit(model, train, dev, replace(recipe, engine=engine), hardware, Path(folder))
            print(json.dumps({engine: describe(runs[engine], a.dev_rows, encoder_parameters(model))}))
            del model
    figures: dict[str, Any] = {}
    if "katman" in runs:
        share = runs["katman"].speed.model_flops_utilisation or 0.0
        wanted = a.want_utilisation
        figures["model_flops_utilisation"] = {
            "value": round(share, 3),
            "wanted": wanted,
            "ok": share >= wanted,
        }
    if len(runs) == 2:
        ratio = reference_seconds(runs["stock"], a.dev_rows) / reference_seconds(runs["katman"], a.dev_rows)
        figures["reference_recipe_vs_stock"] = {"value": round(ratio, 2), "wanted": 1.0, "ok": ratio >= 1}
    print(json.dumps({"figures": figures, "machine": device_name(torch.device(device))}))
    return 0 if all(figure["ok"] for figure in figures.values()) else 1


def describe(run: TrainingRun, dev_rows: int, parameters: int) -> dict[str, Any]:
    """The figures of one engine."""
    return {
        "triplets_per_second": run.speed.triplets_per_second,
        "tokens_per_second": run.speed.tokens_per_second,
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
        "reference_recipe_seconds": reference_seconds(run, dev_rows),
    }


if __name__ == "__main__":
    sys.exit(main())
