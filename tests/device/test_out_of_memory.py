"""Errors that less work at a time may cure, and errors that are the device's own."""

import pytest
import torch

from pipeline.device.out_of_memory import is_device_fault, is_out_of_memory


@pytest.mark.parametrize(
    ("error", "memory", "device"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), True, True),
        (RuntimeError("CUDA error: out of memory"), True, True),
        (
            RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
            True,
            True,
        ),
        (
            RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
            True,
            True,
        ),
        (MemoryError("Unable to allocate 7 GiB for an array"), True, True),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), False, True),
        (RuntimeError("CUDA error: uncorrectable ECC error encountered"), False, True),
        (RuntimeError("Expected all tensors to be on the same device"), False, False),
        (ValueError("out of memory"), False, False),
    ],
)
def test_errors_are_known_by_what_they_say(error: Exception, memory: bool, device: bool) -> None:
    assert is_out_of_memory(error) == memory
    assert is_device_fault(error) == device
