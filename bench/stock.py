"""The peer: the same recipe written straight on sentence-transformers, as its documentation shows.

It trains MatryoshkaLoss over CachedMultipleNegativesRankingLoss on (query, positive, negative)
triplets, scores the base model, scores the dev split every `--eval-steps` steps at every dimension
with one TripletEvaluator per dimension, scores the test split at the end, and saves the model with
its card. Only stock parts: this is what a user runs today instead of the project. `--hashed-sampler`,
`--mini-batch-tokens`, `--fused`, `--compile` and `--flash-attention` are its own options, which its
documentation does not set; `bench` tunes those that a CPU has.

    python -m bench.stock --base MODEL_DIR --train train.parquet --dev dev.parquet --test test.parquet \
        --dims 384 256 128 64 --batch-size 256 --mini-batch-size 32 --eval-steps 4 --bf16 --out OUT

Everything between the base score and the test score counts as training loop: tokenizing and forming
batches too. The last line is one JSON object: seconds per phase, triplets per second, peak memory,
accuracy per dimension.
"""

import argparse
import json
import resource
import time
from pathlib import Path

import polars as pl
import torch
from datasets import load_dataset
from sentence_transformers import SentenceTransformer

from bench import outcomes
from bench.stock_trainer import StockOptions, model_options, stock_trainer, triplets


def arguments(description: str) -> argparse.ArgumentParser:
    """The flags that `bench.stock` and `bench.engine` share."""
    p = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("base", "train", "dev", "test", "out"):
        p.add_argument(f"--{name}", required=True)
    p.add_argument("--dims", type=int, nargs="+", required=True)
    p.add_argument("--batch-size", type=int, default=256)
    p.add_argument("--mini-batch-size", type=int, default=32, help="rows per forward pass of the stock loss")
    p.add_argument("--eval-batch-size", type=int, default=32)
    p.add_argument("--eval-steps", type=int, default=0, help="0: no evaluation inside training")
    p.add_argument("--epochs", type=float, default=1)
    p.add_argument("--rows", type=int, default=0, help="use only the first N training rows")
    p.add_argument("--seed", type=int, default=42)
    p.add_argument("--bf16", action="store_true")
    p.add_argument(
        "--outcomes", help="keep cos(q, p) and cos(q, n) of each test triplet in this parquet file"
    )
    p.add_argument("--outcomes-of", help="take the outcomes of this file instead of the test split")
    return p


def main() -> None:
    """Run the recipe once and print its figures."""
    p = arguments(__doc__ or "")
    p.add_argument("--mini-batch-tokens", type=int, help="the loss's mini_batch_num_tokens")
    p.add_argument("--hashed-sampler", action="store_true", help="BatchSamplers.NO_DUPLICATES_HASHED")
    p.add_argument("--fused", action="store_true", help="the fused optimizer by name")
    p.add_argument("--compile", action="store_true", help="the trainer's torch_compile")
    p.add_argument("--flash-attention", action="store_true", help="FlashAttention-2, with unpadded inputs")
    a = p.parse_args()

    start = time.perf_counter()
    model = SentenceTransformer(a.base, model_kwargs=model_options(a.flash_attention))
    columns = ["query", "positive", "negative"]
    data = load_dataset("parquet", data_files={"train": a.train, "dev": a.dev, "test": a.test})
    data = {k: v.select_columns(columns) for k, v in data.items()}
    if a.rows:
        data["train"] = data["train"].select(range(a.rows))
    loaded = time.perf_counter()

    dev = triplets(data["dev"], "dev", a.dims, a.eval_batch_size)
    base = dev(model)
    base_done = time.perf_counter()
    dev.seconds = 0.0

    options = StockOptions(
        dims=tuple(a.dims),
        batch_size=a.batch_size,
        mini_batch_size=a.mini_batch_size,
        mini_batch_tokens=a.mini_batch_tokens,
        hashed_sampler=a.hashed_sampler,
        fused=a.fused,
        compile=a.compile,
        bf16=a.bf16,
        epochs=a.epochs,
        eval_steps=a.eval_steps,
        seed=a.seed,
    )
    trainer = stock_trainer(model, data["train"], data["dev"], dev, options, a.out)
    trainer.train()
    trained = time.perf_counter()
    test = triplets(data["test"], "test", a.dims, a.eval_batch_size)(model)
    tested = time.perf_counter()
    model.save_pretrained(str(Path(a.out) / "final"))
    done = time.perf_counter()

    # The trainer's eval_runtime holds the loss over the dev split and the evaluator's time together.
    in_training_eval = sum(log.get("eval_runtime", 0.0) for log in trainer.state.log_history)
    train_only = trained - base_done - in_training_eval
    figures = {
        "seconds": {
            "load": loaded - start,
            "base_eval": base_done - loaded,
            "train_loop": trained - base_done,
            "of_which_triplet_eval": dev.seconds,
            "of_which_eval_loss": in_training_eval - dev.seconds,
            "test_eval": tested - trained,
            "save": done - tested,
            "total": done - start,
        },
        "train_triplets_per_second": len(data["train"]) * a.epochs / train_only,
        "peak_memory_bytes": torch.cuda.max_memory_allocated()
        if torch.cuda.is_available()
        else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "base": {k: v for k, v in base.items() if k.endswith("accuracy")},
        "test": {k: v for k, v in test.items() if k.endswith("accuracy")},
        "torch_threads": torch.get_num_threads(),
    }
    if a.outcomes:
        rows = pl.read_parquet(a.outcomes_of or a.test)
        embeddings = [model.encode(rows[column].to_list(), convert_to_tensor=True) for column in columns]
        outcomes.write(a.outcomes, embeddings, a.dims)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
