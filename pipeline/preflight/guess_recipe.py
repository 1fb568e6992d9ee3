"""Length, batch and margins that fit a data set, a base and the device at hand."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from pipeline.judging import power
from pipeline.judging.power import TestSet
from pipeline.params.gate import GateParams
from pipeline.preflight.guesses import Guesses
from pipeline.stages.audit import token_lengths

_SAMPLE = 2_000
_QUANTILE = 0.995
_STEP = 8  # tokens: lengths of blocks
_UNKNOWN_LIMIT = 512
_LEAST_STEPS = 20
_BATCHES = {"cuda": 1024, "cpu": 64}
_MOST_CLUSTERS = 1000
_HARD_SHARE = 10


def max_length(base: Path, texts: Mapping[str, Sequence[str]], limit: int | None) -> tuple[int, str]:
    """Return a maximum length that cuts few texts, and what it rests on.

    Args:
        base: Holds the tokenizer.
        texts: Of each prompt, the texts that it stands in front of.
        limit: Of the base; None where nothing says so.

    Raises:
        InvalidData: The base has no tokenizer that can be read.
    """
    counter = token_lengths.tokenizer(base)
    counts = [
        counter.count([prompt + text for text in some[:: max(1, len(some) // _SAMPLE)]])
        for prompt, some in texts.items()
        if some
    ]
    lengths = np.concatenate(counts) if counts else np.zeros(1)
    most = limit or _UNKNOWN_LIMIT
    wanted = math.ceil(float(np.quantile(lengths, _QUANTILE)) / _STEP) * _STEP
    chosen = min(max(wanted, _STEP), most)
    cut = float((lengths > chosen).mean())
    return (
        chosen,
        f"cuts {cut:.1%} of the texts; the longest has {int(lengths.max()):,} tokens, "
        f"the base reads {most:,}",
    )


def batch(train: pl.DataFrame, rows: int, device: str) -> tuple[int, str]:
    """Return a batch size, and what it rests on.

    Args:
        train: The first texts of the train split.
        rows: Of the whole split.
        device: cuda or cpu.
    """
    most = _BATCHES.get(device, _BATCHES["cpu"])
    size = most
    while size > 2 and rows / size < _LEAST_STEPS:
        size //= 2
    steps = size
    while size > 8 and _left_out(train, size) > train.height / 10:
        size //= 2
    if size < steps:
        return size, "texts repeat so often that larger batches would leave more than a tenth of the rows out"
    if size < most:
        return size, f"{rows:,} rows make {math.ceil(rows / size)} steps of it"
    return size, f"for a {device}"


def _left_out(train: pl.DataFrame, size: int) -> int:
    batches = math.ceil(train.height / size)
    return max(
        int(
            (train[name].drop_nulls().value_counts(name="times")["times"].cast(pl.Int64) - batches)
            .clip(0)
            .sum()
        )
        for name in train.columns
    )


def limits(guesses: Guesses, queries: pl.Series, rows: int, gate: GateParams) -> None:
    """Guess margins and the least number of clusters, which the audit will count.

    Args:
        guesses: Gets them.
        queries: Of the test split, or of what it is cut from: the first ones.
        rows: Of the test split.
        gate: The template's section, for the level of a look.
    """
    folded = queries.drop_nulls().str.to_lowercase().str.strip_chars()
    distinct = folded.n_unique() / max(1, len(folded))
    names = np.arange(rows) % max(1, round(rows * distinct))
    clusters = len(np.unique(names))
    found = TestSet(
        rows=names.astype(np.int64),
        queries=np.arange(clusters, dtype=np.int64),
        hard=names[::_HARD_SHARE].astype(np.int64),
        clusters=clusters,
    )
    differs = round(1 / power.USUAL_DISCORDANCE)
    why = (
        f"an equal candidate that differs in one of {differs} of {rows:,} test rows keeps them; "
        "`katman plan` says it of those that the audit leaves"
    )
    margins = power.suggested(found, gate)
    guesses.guess("gate.live_margins", margins.model_dump(), why)
    guesses.guess("gate.anchor_margins", power.wider(margins).model_dump(), "half as much again")
    least = max(2, min(_MOST_CLUSTERS, clusters // 2))
    guesses.guess("gate.min_clusters", least, f"of about {clusters:,} queries")
