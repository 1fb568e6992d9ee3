"""Which errors mean that memory did not suffice, whoever raised them, and which that the device broke."""

import torch

# What torch and its libraries say instead of raising an `OutOfMemoryError`.
_SAID = (
    "out of memory",  # `CUDA error: out of memory`, `CUDA out of memory`, HIP's and XPU's alike
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "DefaultCPUAllocator: can't allocate memory",
    "DefaultCPUAllocator: not enough memory",
    "Unable to allocate",  # numpy
)
_BROKEN = ("CUDA error", "CUDA driver error", "CUBLAS_STATUS", "CUDNN_STATUS", "NCCL error")


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether less work at a time may succeed: the device's memory, or the host's, was full.

    >>> is_out_of_memory(RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"))
    True
    >>> is_out_of_memory(RuntimeError("CUDA error: device-side assert triggered"))
    False
    """
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(said in str(error) for said in _SAID)


def is_device_fault(error: BaseException) -> bool:
    """Return whether the device failed, and not what ran on it: nothing is said about model or data.

    >>> is_device_fault(RuntimeError("CUDA error: uncorrectable ECC error encountered"))
    True
    >>> is_device_fault(RuntimeError("mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)"))
    False
    """
    return is_out_of_memory(error) or (
        isinstance(error, RuntimeError) and any(said in str(error) for said in _BROKEN)
    )
