"""What a run will take up: disk by step, and the time of a training; both are about right, not measured."""

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.embedding.weight_formats import OTHER_WEIGHTS, SAFETENSORS, suffix
from pipeline.errors import BrokenChain
from pipeline.hub import ListedFile
from pipeline.params import Params
from pipeline.records import Audit, Training
from pipeline.stages.pin.model.files import OTHER_FOLDERS
from pipeline.workspace import paths

# A checkpoint has the weights and AdamW's two moments; one is kept, and the next is written beside it.
_CHECKPOINT_COPIES, _CHECKPOINTS = 3, 2
# DVC keeps a copy of what a step wrote, and `pin` one of what the client downloaded.
_COPIES = 2
# Share of a device's rate of arithmetic that a training of short texts reaches, see README's figures.
_UTILISATION = 0.3
# Scoring a triplet takes the forward pass alone, of which a backward pass costs two.
_FORWARD_SHARE = 1 / 3
_NOT_ENCODER = ("word_embeddings", "embed_tokens", "position_embeddings")


@dataclass(frozen=True)
class Sizes:
    """Bytes of what is downloaded: the data set, the base's weights, and releases to compare with."""

    dataset: int
    weights: int
    releases: int = 0


def listed(dataset: Mapping[str, ListedFile], base: Mapping[str, ListedFile], releases: int) -> Sizes:
    """Take sizes from what the Hub lists; each release is as large as the base."""
    near = {path: file.size for path, file in base.items() if path.split("/")[0] not in OTHER_FOLDERS}
    weights = [size for path, size in near.items() if path.endswith(SAFETENSORS)]
    pickled = [size for path, size in near.items() if suffix(path) in OTHER_WEIGHTS]
    size = sum(weights) or max(pickled, default=0)
    return Sizes(sum(file.size for file in dataset.values()), size, releases * size)


def disk(sizes: Sizes, params: Params) -> dict[str, int]:
    """Return about how many bytes each step takes up."""
    checkpoints = _CHECKPOINTS * _CHECKPOINT_COPIES if params.hardware.save_minutes is not None else 0
    return {
        "pin": (1 + _COPIES) * (sizes.dataset + sizes.weights + sizes.releases),
        "audit": _COPIES * sizes.dataset,
        "train": (_COPIES + checkpoints) * sizes.weights,
        "evaluate": sizes.dataset,
        "release": 2 * sizes.weights,
    }


def shown(size: float) -> str:
    """Write bytes as people do."""
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def training_seconds(workspace: Path, params: Params, audit: Audit, flops: float) -> tuple[float, list[str]]:
    """Return about how long a training takes, and in lines what that rests on.

    Args:
        workspace: May hold the record of an earlier training, and the base.
        params: Epochs, steps, batch size, and how often the dev split is scored.
        audit: How many rows there are, and how long their texts.
        flops: Of all devices that train together, per second.
    """
    train = audit.splits["train"]
    rows = min(train.kept, params.train.max_triplets or train.kept)
    steps = math.ceil(rows / params.train.batch_size) * params.train.epochs
    if params.train.max_steps > 0:
        steps = params.train.max_steps
    triplets = min(steps * params.train.batch_size, rows * max(1.0, params.train.epochs))
    if params.train.eval_steps > 0:  # once before the first step, and behind the last one
        scored = (1 + math.ceil(steps / params.train.eval_steps)) * audit.splits["dev"].kept
        triplets += scored * _FORWARD_SHARE
    try:
        earlier = Training.load(workspace / paths.RECORDS["train"]).speed
    except BrokenChain:
        limit = params.model.max_seq_length
        tokens = sum(min(one.mean, limit) for one in train.tokens.values())
        work, rate = 6 * encoder_parameters(workspace / paths.BASE) * tokens * triplets, flops * _UTILISATION
        return work / rate, [
            "a guess, maybe three times off: no training was measured here yet",
            f"{work / 1e12:,.0f} TFLOP at {rate / 1e12:.2g} TFLOP/s, {_UTILISATION:.0%} of the device's peak",
        ]
    together = f" in {earlier.processes} processes" if earlier.processes > 1 else ""
    said = f"as the last one on {earlier.device}{together}: {earlier.triplets_per_second:,.1f} triplets/s"
    return triplets / earlier.triplets_per_second, [said]


def encoder_parameters(folder: Path) -> int:
    """Count the numbers of a base's weights that every token is multiplied with, from the files' headers."""
    count = 0
    for path in folder.rglob(f"*{SAFETENSORS}"):
        with path.open("rb") as file:
            header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        count += sum(
            math.prod(one["shape"])
            for name, one in header.items()
            if name != "__metadata__" and not any(part in name for part in _NOT_ENCODER)
        )
    return count
