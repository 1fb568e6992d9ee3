"""How a device multiplies: set for the whole process by the first who loads a model, and named in records."""

import os

import torch

# Read when torch first touches a GPU: without it, blocks of ever other shapes leave holes in its memory.
os.environ.setdefault("PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True")


def settle(device: torch.device) -> str:
    """Set what torch would otherwise choose by itself, and name it.

    Float32 products are float32 products: TF32 has 10 bits of mantissa, and a score must not depend on
    whether somebody's environment allows it. cuDNN's attention is left out on a GPU: it makes a plan for each
    new shape (0.15 to 2 s on an H200) and takes 1.4 ms of a layer of 16,000 short rows where the
    memory-efficient one takes 0.8.

    Returns:
        The setting, as it stands in records and in the names of stored vectors.
    """
    torch.set_float32_matmul_precision("highest")
    if device.type != "cuda":
        return "float32 as IEEE has it"
    torch.backends.cuda.enable_cudnn_sdp(False)
    torch.backends.cudnn.allow_tf32 = False
    return "float32 as IEEE has it, no attention by cuDNN"
