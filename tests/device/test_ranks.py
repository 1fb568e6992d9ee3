"""Two and three ranks against one process: loss, gradients, weights, scores, and what they refuse."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.support import tiny
from tests.support.workspaces import PROJECT

SEVERAL = pytest.mark.parametrize("world", [2, 3])
Found = dict[int, dict[str, Any]]


@pytest.fixture(scope="module")
def found(encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Found:
    """What one process found, and what rank 0 of two and of three, by torchrun itself."""
    folder = tmp_path_factory.mktemp("ranks")
    dropout_encoder = tiny.save_encoder(tmp_path_factory.mktemp("dropout"), dropout=0.2)
    command = [sys.executable, "-W", "ignore", "-m", "tests.device.on_ranks"]
    done = subprocess.run(
        [*command, str(folder), str(encoder), str(dropout_encoder)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-5000:]
    return {world: torch.load(folder / str(world) / "found.pt", weights_only=False) for world in (1, 2, 3)}


@SEVERAL
@pytest.mark.parametrize("recipe", ["plain", "drawn", "short"])
def test_ranks_have_the_losses_gradients_and_weights_of_one_process(
    found: Found, world: int, recipe: str
) -> None:
    one, several = found[1][recipe], found[world][recipe]
    assert several["losses"] == pytest.approx(one["losses"], abs=1e-5)
    assert len(several["gradients"]) == (3 if recipe == "drawn" else 5)
    for theirs, ours in zip(one["gradients"], several["gradients"], strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(several["weights"], one["weights"], rtol=0, atol=1e-5)
    assert several["run"] == one["run"]  # out of memory twice in `short`, and each step counted once
    assert several["run"][-1] == (2 if recipe == "short" else 0)
    assert several["same"]  # to the bit, on every rank


@SEVERAL
def test_ranks_have_the_curve_of_one_process(found: Found, world: int) -> None:
    for theirs, ours in zip(found[1]["plain"]["curve"], found[world]["plain"]["curve"], strict=True):
        assert (ours.step, ours.epoch) == (theirs.step, theirs.epoch)
        assert ours.accuracy == theirs.accuracy
        assert ours.validation_loss == pytest.approx(theirs.validation_loss, abs=1e-5)
    # Before the first step both score the same weights: to the bit.
    assert found[world]["plain"]["curve"][0] == found[1]["plain"]["curve"][0]


@SEVERAL
def test_ranks_report_what_all_of_them_did(found: Found, world: int) -> None:
    one, several = found[1]["plain"]["speed"], found[world]["plain"]["speed"]
    assert (one.processes, several.processes) == (1, world)
    assert 0 <= several.padding_share < 0.7
    assert several.second_forward_share == 0
    assert found[world]["drawn"]["speed"].second_forward_share == pytest.approx(1)
    theirs, ours = found[1]["plain"]["arguments"], found[world]["plain"]["arguments"]
    assert {name for name in ours if ours[name] != theirs[name]} <= {"output_dir", "logging_dir"}


@SEVERAL
def test_ranks_draw_their_own_dropout_and_end_alike(found: Found, world: int) -> None:
    assert found[world]["dropout"]["same"]
    assert found[world]["dropout"]["losses"] != pytest.approx(found[1]["dropout"]["losses"], abs=1e-5)
    # One rank writes a checkpoint, and each its generator's state.
    names = found[world]["checkpoints"]
    assert [name for name in names if name.startswith("rng_state")] == [
        f"rng_state_{rank}.pth" for rank in range(world)
    ]
    assert {"losses.json", "trainer_state.json"} <= set(names)


@SEVERAL
def test_ranks_go_on_from_a_checkpoint_to_the_same_weights(found: Found, world: int) -> None:
    assert (
        len(found[world]["resumed"]["losses"]) == 1
    )  # of three steps: the last checkpoint is behind the second
    assert torch.equal(found[world]["resumed"]["weights"], found[world]["dropout"]["weights"])
    assert found[world]["resumed"]["curve"] == found[world]["dropout"]["curve"]


@SEVERAL
def test_ranks_encode_to_the_bit_as_one_process(found: Found, world: int) -> None:
    assert torch.equal(found[world]["vectors"], found[1]["vectors"])
    assert torch.equal(found[world]["few"], found[1]["few"])


@SEVERAL
def test_ranks_that_work_on_other_files_all_say_so(found: Found, world: int) -> None:
    said = found[world]["disagreement"]
    assert len(said) == world
    assert len(set(said)) == 1
    assert f"rank {world - 1} on " in said[0]
    assert "has another data/clean/train.parquet (True) than rank 0 on" in said[0]
    assert found[1]["disagreement"] == [""]


@SEVERAL
def test_ranks_refuse_together_what_several_cannot_train(found: Found, world: int) -> None:
    assert f"stock trains in one process, and there are {world}" in found[world]["stock"]
    assert f"train.batch_size: {world - 1}, for {world} processes" in found[world]["small"]
