"""Evaluating on two ranks: the figures of one process, to the bit."""

import shutil
from pathlib import Path

from pipeline.params import load
from pipeline.records import Metrics
from pipeline.stages.evaluate import step as evaluate
from pipeline.workspace import paths
from tests.support.workspaces import set_params


def test_evaluate_on_two_ranks_gives_the_figures_of_one_process_to_the_bit(
    line: Path, finished: Path
) -> None:
    one = Metrics.load(finished / paths.RECORDS["evaluate"])
    shutil.rmtree(line / paths.VECTORS)
    set_params(line, {"hardware.launch": {"processes": 2, "machines": 1, "rendezvous": None}})
    two = evaluate.run(line, load(line))
    assert two.models == one.models
    assert two.encoded.encoded == one.encoded.encoded > 0
    for name in (paths.OUTCOMES, paths.RETRIEVED):
        assert (line / name).read_bytes() == (finished / name).read_bytes(), name
    assert len(list((line / paths.VECTORS).iterdir())) == len(list((finished / paths.VECTORS).iterdir()))
