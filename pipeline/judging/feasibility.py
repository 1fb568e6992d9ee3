"""Which limits of the gate no candidate can keep on a data set, known before anything is trained."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.judging.comparisons import least_hard_rows
from pipeline.judging.power import LEAST_DISCORDANCE, TestSet, rounded_up, visible
from pipeline.judging.thresholds import at_least, at_most
from pipeline.params.gate import GateParams, Margins
from pipeline.params.train import TrainParams
from pipeline.records import Audit, Check, Metric, Rival
from pipeline.wording import words

_MOST_OVER_LONG = 0.9


@dataclass(frozen=True)
class Limit:
    """One limit, what the data set is held against it, and what to do where it is not kept.

    Attributes:
        name: As the verdict calls it, where the verdict has it.
        check: The value found, the rule and the value wanted.
        remedy: What to do.
        stops: Whether no candidate can pass where the check does not hold; else it is only worth knowing.
    """

    name: str
    check: Check
    remedy: str
    stops: bool = True

    def __str__(self) -> str:
        """Return what was found and what is wanted, in words, and the remedy where it is needed."""
        found, wanted = words.found_value(self.name, self.check), words.wanted_value(self.name, self.check)
        said = f"{words.of(self.name)}: {found}, wanted {wanted}"
        return said if self.check.passed else f"{said}: {self.remedy}"


def limits(
    audit: Audit, found: TestSet, rivals: Sequence[Rival], params: GateParams, train: TrainParams
) -> list[Limit]:
    """Hold every limit that can be held against a data set before anything is trained.

    Args:
        audit: The record of what the audit counted.
        found: The rows that can be compared.
        rivals: The models that the candidate will be compared with, beside the base.
        params: The section `gate` of params.yaml.
        train: The section `train`.
    """
    split = audit.splits[params.split]
    near = audit.near_train[params.split]
    held = [
        Limit(
            "clusters",
            at_least(float(found.clusters), float(params.min_clusters)),
            f"the {params.split} split has {split.kept:,} clean rows, {near:,} of them near a trained text. "
            f"Hold out more rows, or lower gate.min_clusters to {max(2, found.clusters):,} or less",
        ),
        Limit(
            "leak_share",
            at_most(near / split.kept, params.max_leak_share),
            f"{near:,} of {split.kept:,} rows of {params.split} are the same as a text that is trained on, "
            "or near one. With audit.policies.near_duplicate and same_text at drop the trained rows leave",
        ),
        Limit(
            "rejected_share",
            at_most(audit.rejected_share, params.max_rejected_share),
            f"the audit rejected them for {_reasons(audit)}; data/rejected.parquet has each with its reason. "
            "Correct the data set, or raise gate.max_rejected_share if that is what it is",
        ),
        *_contradicted(audit, params),
        *_over_long(audit),
        *_left_out(audit, train),
    ]
    of: Mapping[Rival, Margins] = {"live": params.live_margins, "anchor": params.anchor_margins}
    for rival in rivals:
        held += _margins(found, rival, of[rival], params, pairs=params.split not in audit.shortcut)
    return held


def left_out(audit: Audit, batch_size: int) -> int:
    """Return about how many rows of train no batch without equal texts has room for.

    A text stands in a batch once at most, and an epoch has rows over batch size batches.
    """
    batches = math.ceil(audit.splits["train"].kept / batch_size)
    return max(
        (
            sum(texts * max(0, times - batches) for times, texts in column.items())
            for column in audit.repeated.values()
        ),
        default=0,
    )


def different(audit: Audit) -> int:
    """Return about how many rows the largest batch of train without equal texts has, at most.

    It is the number of different texts in the column that has fewest.
    """
    kept = audit.splits["train"].kept
    return min(
        (
            kept - sum(texts * (times - 1) for times, texts in column.items())
            for column in audit.repeated.values()
        ),
        default=kept,
    )


def _margins(
    found: TestSet, rival: Rival, margins: Margins, params: GateParams, *, pairs: bool
) -> list[Limit]:
    bounds = visible(found, params, margins, LEAST_DISCORDANCE)
    wanted: dict[Metric, float] = {"ndcg": margins.ndcg, "accuracy": margins.accuracy, "hard": margins.hard}
    held = []
    for metric, bound in bounds.items():
        if metric == "hard" and bound.rows < least_hard_rows(margins.hard, params):
            continue  # reported, not judged
        if metric == "accuracy" and pairs:
            continue  # there is nothing to tell positives from
        rows = f"about {bound.rows_needed:,} rows" if bound.rows_needed else "a margin above 0"
        held.append(
            Limit(
                f"{rival}_{metric}_visible",
                at_most(bound.visible, wanted[metric]),
                f"{bound.rows:,} rows would refuse a candidate that is equal and differs in one row of "
                f"{round(1 / LEAST_DISCORDANCE)}. Hold out {rows}, or set gate.{rival}_margins.{metric} to "
                f"{rounded_up(bound.visible)} or more",
            )
        )
    return held


def _contradicted(audit: Audit, params: GateParams) -> list[Limit]:
    """Hold train's labels against those of the split that decides."""
    found = audit.shortcut.get(params.split)
    if found is None:
        return []
    return [
        Limit(
            "misled",
            at_most(found.misled, found.misled_by_chance),
            f"what train calls positive, {params.split} calls negative. Look whether positives and negatives "
            "changed places in one of the two",
            stops=False,
        )
    ]


def _over_long(audit: Audit) -> list[Limit]:
    held = []
    for column, lengths in audit.splits["train"].tokens.items():
        share = lengths.over_long / max(1, audit.splits["train"].kept)
        held.append(
            Limit(
                f"over_long_{column}",
                at_most(share, _MOST_OVER_LONG),
                f"the model would read only the beginning of nearly every {column}: the longest has "
                f"{lengths.max:,} tokens, on average {lengths.mean:,.0f}. Raise model.max_seq_length, or cut "
                "the texts into passages",
            )
        )
    return held


def _left_out(audit: Audit, train: TrainParams) -> list[Limit]:
    if train.batch_sampler != "no_duplicates" or train.max_triplets is not None:
        return []
    largest = different(audit)
    if largest < train.batch_size:
        return [
            Limit(
                "batch_size",
                at_most(float(train.batch_size), float(largest)),
                "without equal texts a batch has no room for more rows of train, and training refuses that. "
                f"Set train.batch_size to {largest:,} or less, or give the data set more different texts",
                stops=False,
            )
        ]
    count = left_out(audit, train.batch_size)
    smaller = train.batch_size
    while smaller > 2 and left_out(audit, smaller) > count // 10:
        smaller //= 2
    return [
        Limit(
            "rows_left_out",
            at_most(float(count), 0.0),
            f"so many rows of train share a text that no batch of {train.batch_size:,} without equal texts "
            f"has room for them: they are never trained on. With train.batch_size {smaller:,} they would be "
            f"{left_out(audit, smaller):,}; or give the data set more different texts",
            stops=False,
        )
    ]


def _reasons(audit: Audit) -> str:
    counted: dict[str, int] = {}
    for split in audit.splits.values():
        for reason, rows in split.dropped.items():
            counted[reason] = counted.get(reason, 0) + rows
    several = sorted(counted.items(), key=lambda one: -one[1])
    return ", ".join(f"{reason} ({rows:,})" for reason, rows in several[:4]) or "nothing"
