"""The project's side of the comparison: `bench.stock`'s recipe, flags and figures, on the engine.

    python -m bench.engine --base MODEL_DIR --train train.parquet --dev dev.parquet --test test.parquet \
        --dims 384 256 128 64 --batch-size 256 --eval-steps 4 --bf16 --out OUT

What stock does inside its training loop (tokenizing, forming batches) counts there here too. The base is
scored once, inside `fit`; its time stands as `base_eval`, like stock's. Accuracies and validation loss come
out of one encoding: `of_which_triplet_eval` is all of the in-training evaluation, `of_which_eval_loss` 0.
"""

import json
import sys
import time
from pathlib import Path

import polars as pl
import torch
from sentence_transformers import SentenceTransformer

from bench import outcomes
from bench.stock import arguments
from pipeline.device.hardware import fast_bfloat16, peak_memory_bytes
from pipeline.embedding.encode import encode, score_triplets
from pipeline.embedding.tokens import number_texts
from pipeline.engine.batches import largest_batch
from pipeline.engine.fit import fit
from pipeline.engine.recipe import Hardware, Recipe

COLUMNS = ("query", "positive", "negative")


def read(path: str, rows: int = 0) -> dict[str, list[str]]:
    """The text columns of a parquet file, or of its first rows."""
    table = pl.read_parquet(path, columns=list(COLUMNS))
    table = table.head(rows) if rows else table
    return {column: table[column].to_list() for column in COLUMNS}


def main() -> None:
    """Run the recipe once and print its figures."""
    p = arguments(__doc__ or "")
    p.add_argument(
        "--threads", type=int, default=torch.get_num_threads(), help="as OMP_NUM_THREADS is for stock"
    )
    p.add_argument(
        "--memory-bytes", type=int, help="budget for kept graphs; default: a share of what is free"
    )
    p.add_argument("--compile", action="store_true")
    a = p.parse_args()

    start = time.perf_counter()
    torch.set_num_threads(a.threads)
    model = SentenceTransformer(a.base, model_kwargs={"dtype": torch.float32})
    train, dev, test = read(a.train, a.rows), read(a.dev), read(a.test)
    # Stock goes on with a short first batch where the engine refuses; a bench must not stop there.
    fills = largest_batch(number_texts([train[column] for column in COLUMNS]), a.seed)
    if fills < a.batch_size:
        print(
            f"batch size {a.batch_size} cannot be filled without duplicates: {fills} taken", file=sys.stderr
        )
    recipe = Recipe(
        dims=tuple(a.dims),
        batch_size=min(a.batch_size, fills),
        eval_batch_size=a.batch_size,
        epochs=a.epochs,
        eval_steps=a.eval_steps,
        seed=a.seed,
        bf16=a.bf16,
    )
    loaded = time.perf_counter()

    run = fit(model, train, dev, recipe, Hardware(a.threads, a.memory_bytes, a.compile), Path(a.out))
    trained = time.perf_counter()
    bf16 = a.bf16 and fast_bfloat16(model.device)
    scores = score_triplets(
        model,
        test["query"],
        test["positive"],
        [test["negative"]],
        a.dims,
        query_prompt=None,
        document_prompt=None,
        bf16=bf16,
    )
    tested = time.perf_counter()
    model.save_pretrained(str(Path(a.out) / "final"))
    done = time.perf_counter()

    base = run.curve[0].accuracy or {}
    figures = {
        "seconds": {
            "load": loaded - start,
            "base_eval": run.base_evaluation_seconds,
            "train_loop": trained - loaded - run.base_evaluation_seconds,
            "of_which_triplet_eval": run.evaluation_seconds - run.base_evaluation_seconds,
            "of_which_eval_loss": 0.0,
            "test_eval": tested - trained,
            "save": done - tested,
            "total": done - start,
        },
        "train_triplets_per_second": len(train["query"])
        * a.epochs
        / (trained - loaded - run.evaluation_seconds),
        "peak_memory_bytes": peak_memory_bytes(model.device),
        "base": {f"dev-{dim}d_cosine_accuracy": share for dim, share in base.items()},
        "test": {f"test-{dim}d_cosine_accuracy": share for dim, share in scores.accuracy().items()},
        "torch_threads": run.speed.threads,
        "engine": {
            "bf16_used": run.bf16_used,
            "padding_share": run.speed.padding_share,
            "second_forward_share": run.speed.second_forward_share,
            "repeated_text_share": run.repeated_text_share,
            "memory_budget_bytes": run.memory_budget_bytes,
            "out_of_memory_errors": run.out_of_memory_errors,
            "tokens_per_second": run.speed.tokens_per_second,
            "model_flops_utilisation": run.speed.model_flops_utilisation,
            "hardware_flops_utilisation": run.speed.hardware_flops_utilisation,
        },
    }
    if a.outcomes:
        rows = read(a.outcomes_of or a.test)
        embeddings = [encode(model, rows[column], prompt=None) for column in COLUMNS]
        outcomes.write(a.outcomes, embeddings, a.dims)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
