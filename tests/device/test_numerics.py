"""How a device multiplies is set, not inherited, and a GPU's allocator is told before CUDA starts."""

import subprocess
import sys

import torch

from pipeline.device.numerics import settle
from tests.support.workspaces import PROJECT


def test_settle_turns_off_what_an_environment_turned_on() -> None:
    torch.set_float32_matmul_precision("medium")
    assert settle(torch.device("cpu")) == "float32 as IEEE has it"
    assert torch.get_float32_matmul_precision() == "highest"


def test_allocator_is_told_when_a_model_can_be_loaded() -> None:
    code = "import os, pipeline.embedding.loading; print(os.environ['PYTORCH_CUDA_ALLOC_CONF'])"
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, env={}, capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == "expandable_segments:True"
