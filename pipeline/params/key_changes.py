"""The keys that versions of katman added to params.yaml and took out of it, for `upgrade`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.errors import InvalidParams
from pipeline.params.rewrite import add, has, refers, remove


@dataclass(frozen=True)
class Added:
    """A key that a version added.

    Attributes:
        key: Dotted, like `hub.retries`.
        since: The version.
        as_before: The value with which katman does what the versions before did.
        comment: What the key means, in a line.
    """

    key: str
    since: str
    as_before: Any
    comment: str


@dataclass(frozen=True)
class Removed:
    """A key that a version took out, with whatever value it had.

    Attributes:
        key: Dotted; a section goes with all of its keys.
        since: The version.
    """

    key: str
    since: str


# Whoever adds a key to params.yaml or takes one out enters it here, at the end.
CHANGES: tuple[Added | Removed, ...] = (
    Added(
        "dataset.subset",
        "0.2.0",
        None,
        "one of several configs; null: the only one, or the default",
    ),
    Added("live.trained_on", "0.2.0", None, "{repo, revision}: its data set, where the model does not say"),
    Added(
        "release.backup",
        "0.2.0",
        None,
        "{git, branch, dvc}: where the log and the releases go; null: nowhere",
    ),
    Added("gate.max_rows_left", "0.2.0", 1.0, "of the last release's test rows that may be gone; 1: all"),
    Added("approve.signers", "0.2.0", [], "whose signatures approve, [{name, key}]; none: any name does"),
    Added("gate.retention_of", "0.2.0", None, "a share of what base or live keeps; null: of its own"),
    Added(
        "dataset.languages",
        "0.2.0",
        ["tr"],
        "when two texts are one; another may be added later, none taken out",
    ),
    Added(
        "gate.infeasible",
        "0.2.0",
        "report",
        "what no candidate can keep: refuse or report",
    ),
    Removed("train.save_steps", "0.2.0"),
    Added(
        "hardware.save_minutes",
        "0.2.0",
        10,
        "between two checkpoints of a training; null: none",
    ),
    Added(
        "hardware.launch",
        "0.2.0",
        None,
        "{processes, machines, rendezvous}: that train together; null: one process",
    ),
    Added("hub.patience_hours", "0.2.0", 0, "a run asks a Hub that is away again for so long; 0: not"),
    Added(
        "pin.limits",
        "0.2.0",
        {
            "file_bytes": 50_000_000_000,
            "rows": 100_000_000,
            "cells": 2_000_000_000,
            "unpacked_bytes": 200_000_000_000,
            "depth": 100,
            "seconds": 14400,
            "tokenizer_seconds": 120,
            "memory_bytes": None,
        },
        "what strangers' files may ask of this machine",
    ),
    Added("hub.plain_http", "0.2.0", [], "hosts beyond this machine that may be asked by http://"),
    Added("approve.policy", "0.2.0", "human-if", "who lets a candidate out: auto, human or human-if"),
    Added("approve.narrow", "0.2.0", 0.0, "a check that passed by less asks a person; 0: none does"),
    Added("approve.wait_days", "0.2.0", None, "what nobody decided for so long is rejected; null: never"),
    Added(
        "approve.other_than_committer",
        "0.2.0",
        False,
        "whoever committed code or params.yaml since the last release cannot approve",
    ),
    Added(
        "refresh.policy", "0.2.0", "follow", "whether the data set moves to its branch's head: pin or follow"
    ),
    Added("refresh.min_rows", "0.2.0", 0, "under follow: new rows that it takes"),
    Added("tracking", "0.2.0", None, "{kind: mlflow or trackio, project, uri}: told of each candidate"),
    Added("refresh.min_days", "0.2.0", 0.0, "under follow: days since the last candidate was judged"),
)


def complete(text: str, changes: Sequence[Added | Removed] = CHANGES) -> str:
    """Return the text of an older params.yaml with the keys of now, each new one with its value "as before".

    Comments and all other lines stay.

    Raises:
        InvalidParams: A key's section is no section, or the file uses `*alias`.
    """
    completed = text
    for change in changes:
        match change:
            case Added() if not has(completed, change.key):
                comment = f"since {change.since}: {change.comment}"
                completed = add(completed, change.key, change.as_before, comment)
            case Removed():
                completed = remove(completed, change.key)
    if completed != text and refers(text):
        raise InvalidParams(
            "params.yaml uses `*alias`, and a key put beside one could land elsewhere; wanted each value "
            "written out. Write them out, then run `katman upgrade` again"
        )
    return completed
