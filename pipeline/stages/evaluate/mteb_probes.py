"""Probes that are tasks of mteb: mteb scores them, on vectors that a model gives as for any other probe."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.embedding.vector_cache import Encoder
from pipeline.isolated import mteb_process
from pipeline.isolated.mteb_process import Mteb, Role
from pipeline.records import MtebScore, MtebTask, ProbeSet
from pipeline.stages.evaluate.retrieval import cut


@dataclass(frozen=True)
class Scores:
    """What one model scores on a task.

    Attributes:
        main: The mean that mteb makes of the parts; 0 where that is no number, as of a model to which all
            texts are alike.
        parts: One per subset and split.
        texts: What the task was measured on.
    """

    main: float
    parts: tuple[MtebScore, ...]
    texts: ProbeSet


@dataclass(frozen=True)
class TaskProbe:
    """A task with its data set.

    Attributes:
        name: Of the probe.
        task: As `pin` recorded it.
        folder: What `pin` left of the data set.
        mteb: Scores it.
    """

    name: str
    task: MtebTask
    folder: Path
    mteb: Mteb = field(repr=False)

    def score(self, encoder: Encoder, dim: int) -> Scores:
        """Have a model scored at one width.

        Raises:
            InvalidData: mteb cannot score the task, though it could when the task was pinned.
        """
        counts: dict[Role, int] = {"query": 0, "document": 0}

        def encode(texts: list[str], role: Role) -> NDArray[np.float32]:
            counts[role] += len(texts)
            found: NDArray[np.float32] = cut(
                encoder.vectors(texts, encoder.prompt(role)).of(texts), dim
            ).numpy()
            return found

        found = self.mteb.score(
            self.task.name,
            self.folder,
            encode,
            subsets=self.task.subsets,
            splits=self.task.splits,
            key=f"probes.{self.name}",
        )
        return Scores(
            _finite(found.score),
            tuple(MtebScore(**asdict(one) | {"score": _finite(one.score)}) for one in found.parts),
            ProbeSet(dim=dim, queries=counts["query"], documents=counts["document"] or None),
        )


@contextmanager
def opened(folder: Path, tasks: Mapping[str, MtebTask], threads: int) -> Iterator[dict[str, TaskProbe]]:
    """Give the tasks below a folder, by the probe's name; mteb runs as long as there are any.

    Raises:
        InvalidWorkspace: mteb is not installed.
    """
    if not tasks:
        yield {}
        return
    with mteb_process.running(threads) as mteb:
        yield {name: TaskProbe(name, task, folder / name, mteb) for name, task in tasks.items()}


def _finite(score: float) -> float:
    return score if np.isfinite(score) else 0.0
