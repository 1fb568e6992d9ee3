"""What ranks say to each other: the processes of one training, each of which holds the same weights.

Without a launcher there is one, and every function here answers for it alone. Everything goes through
torch.distributed, over gloo between CPUs and NCCL between cards; Accelerate opens it, as its trainer would.
"""

import os
import socket
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from pipeline.errors import InvalidWorkspace

# What torchrun sets for the processes that it starts.
_RANK, _RANKS_HERE = "RANK", "LOCAL_WORLD_SIZE"


class MemoryElsewhere(torch.OutOfMemoryError):
    """Another rank ran out of memory in this step, so that all of them take it again."""


def launched() -> bool:
    """Return whether this process is a rank that a launcher started."""
    return _RANK in os.environ and dist.is_available()


def here() -> int:
    """Return how many ranks share this machine."""
    return int(os.environ.get(_RANKS_HERE, "1")) if launched() else 1


def first_here() -> bool:
    """Return whether this rank tidies this machine's files."""
    return not launched() or os.environ.get("LOCAL_RANK", "0") == "0"


def count() -> int:
    """Return how many ranks there are."""
    return dist.get_world_size() if _connected() else 1


def number() -> int:
    """Return which of them this is; 0 writes what is written."""
    return dist.get_rank() if _connected() else 0


def connect() -> None:
    """Find the other ranks, once; a process that nobody launched has none."""
    if launched() and not _connected():
        from accelerate import PartialState

        PartialState(cpu=not torch.cuda.is_available())


def part() -> None:
    """Leave the other ranks."""
    if _connected():
        dist.destroy_process_group()


def agree(facts: Mapping[str, str]) -> None:
    """Make sure that all ranks work on the same, before any of them starts.

    Args:
        facts: What must be the same everywhere: a name that a user knows, and its digest.

    Raises:
        InvalidWorkspace: It is not; the same message on every rank.
    """
    everyones = objects((socket.gethostname(), dict(facts)))
    host, wanted = everyones[0]
    for rank, (theirs, found) in enumerate(everyones):
        for name in sorted({*wanted, *found}):
            if wanted.get(name) != found.get(name):
                ours, others = (str(side.get(name, "nothing"))[:12] for side in (wanted, found))
                raise InvalidWorkspace(
                    f"rank {rank} on {theirs} has another {name} ({others}) than rank 0 on {host} ({ours}); "
                    "wanted the same on every machine. Bring the machines to one commit (`git pull`), and "
                    "its files with it (`dvc checkout`)"
                )


def objects(value: Any) -> list[Any]:
    """Return every rank's value, by rank."""
    if not _connected():
        return [value]
    found: list[Any] = [None] * count()
    dist.all_gather_object(found, value)
    return found


def any_of(flag: bool, device: torch.device) -> bool:
    """Return whether any rank says yes."""
    if not _connected():
        return flag
    said = torch.tensor([int(flag)], device=device)
    dist.all_reduce(said, dist.ReduceOp.MAX)
    return bool(said.item())


def gather(table: Tensor, counts: Sequence[int]) -> Tensor:
    """Lay the tables of all ranks end to end, on every rank.

    Args:
        table: (counts[number()], width), this rank's.
        counts: Rows of each rank's.
    """
    if not _connected():
        return table
    padded = table.new_zeros(max(counts), table.shape[1])
    padded[: len(table)] = table
    tables = [torch.empty_like(padded) for _ in counts]
    dist.all_gather(tables, padded)
    return torch.cat([each[:rows] for each, rows in zip(tables, counts, strict=True)])


def add_gradients(parameters: Iterable[torch.nn.Parameter]) -> None:
    """Give every rank the sum of all ranks' gradients.

    A parameter that has none on any rank keeps none: the optimizer would decay it otherwise.
    """
    if not _connected():
        return
    trained = [each for each in parameters if each.requires_grad]
    has = torch.tensor([each.grad is not None for each in trained], dtype=torch.uint8)
    has = has.to(trained[0].device)
    dist.all_reduce(has, dist.ReduceOp.MAX)
    waits = []
    for each, somewhere in zip(trained, has.tolist(), strict=True):
        if somewhere:
            if each.grad is None:
                each.grad = torch.zeros_like(each)
            waits.append(dist.all_reduce(each.grad, async_op=True))
    for wait in waits:
        wait.wait()


def total(values: Sequence[float]) -> list[float]:
    """Return the sums of all ranks' values."""
    return [sum(column) for column in zip(*objects(list(values)), strict=True)]


def seed(number_of_seed: int) -> None:
    """Have each rank draw its own dropout; the first one's stays what it was."""
    if number():
        torch.manual_seed(number_of_seed + number())


def _connected() -> bool:
    return dist.is_available() and dist.is_initialized()
