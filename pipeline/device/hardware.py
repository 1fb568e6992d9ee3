"""What the machine grants to this process and what it is fast at."""

import ctypes
import gc
import math
import os
import resource
import time
from functools import cache
from pathlib import Path

import torch

# glibc's malloc.h: parameters of mallopt, and the largest threshold that it takes.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _LARGEST_MMAP_THRESHOLD = -1, -3, 32 << 20

# Dense bfloat16 rates without sparsity, from the makers' data sheets, by a part of the device's name.
_DENSE_BF16_FLOPS = {
    "B200": 2250e12,
    "H200": 989e12,
    "H100 PCIe": 756e12,
    "H100": 989e12,
    "A100": 312e12,
    "L40S": 362e12,
    "L4": 121e12,
    "A10G": 70e12,
    "RTX 4090": 165e12,
}


def granted_threads() -> int:
    """Physical cores that this process may use: its affinity and its cgroup's quota, not the host's count.

    Two hyper-threads of one core share its arithmetic units, so a second thread on it only waits.
    """
    cpus = os.sched_getaffinity(0)
    cores = set()
    for cpu in cpus:
        siblings = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        cores.add(siblings.read_text().strip() if siblings.exists() else str(cpu))
    quota = _cgroup_cpu_quota()
    return max(1, min(len(cores), math.ceil(quota)) if quota is not None else len(cores))


def _cgroup_cpu_quota() -> float | None:
    """CPUs that the cgroup (v2, then v1) lets this process use; None without a limit."""
    v2 = Path("/sys/fs/cgroup/cpu.max")
    if v2.exists():
        limit, period = v2.read_text().split()
        return None if limit == "max" else int(limit) / int(period)
    quota = Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us")
    period_file = Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us")
    if quota.exists() and period_file.exists() and int(quota.read_text()) > 0:
        return int(quota.read_text()) / int(period_file.read_text())
    return None


def fast_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 matrix products are faster than float32 ones on this device.

    On a CPU that takes AMX: with AVX512-BF16 alone a training step takes 1.6 times as long as in float32, and
    elsewhere oneDNN emulates them.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        return has_amx()
    return False


def has_amx() -> bool:
    """Whether bfloat16 products run on AMX tiles."""
    return "amx_bf16" in _cpu_flags()


def _cpu_flags() -> list[str]:
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists():
        return []
    for line in cpuinfo.read_text().splitlines():
        if line.startswith("flags"):
            return line.split(":", 1)[1].split()
    return []


def keep_freed_memory() -> None:
    """Let glibc keep what is freed for the next mini-batch, instead of giving it back to the system.

    By default every activation of a few megabytes is mapped anew, and its pages are zeroed one fault at a
    time: a twentieth of a training step. Nothing happens where the C library has no mallopt.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGEST_MMAP_THRESHOLD)
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


def free_memory_bytes(device: torch.device) -> int:
    """Bytes that this process could still allocate on the device; on a CPU, within its cgroup."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        cached = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return free + cached
    available = _meminfo_available()
    limit, usage = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")
    if limit.exists() and usage.exists() and limit.read_text().strip() != "max":
        available = min(available, int(limit.read_text()) - int(usage.read_text()))
    return max(0, available)


def card_uuids(device: torch.device) -> frozenset[str]:
    """Return the names by which nvidia-smi knows the card that a model stands on; none on a CPU."""
    if device.type != "cuda":
        return frozenset()
    return frozenset({f"GPU-{torch.cuda.get_device_properties(device).uuid}"})


def release(device: torch.device) -> None:
    """Give back what nothing refers to any more, cycles and the allocator's cache included."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def _meminfo_available() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")


def peak_memory_bytes(device: torch.device) -> int:
    """Most memory held so far: allocated by torch on a GPU, resident in this process on a CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def peak_flops(device: torch.device, bf16: bool) -> tuple[float | None, str]:
    """The rate that utilisation refers to, and where it comes from.

    Returns:
        FLOP/s of the card's data sheet for bfloat16 on a known GPU; otherwise the best rate of a
        large matrix product measured here (a quarter of a second) with the same threads and precision.
    """
    if device.type == "cuda" and bf16:
        name = torch.cuda.get_device_name(device)
        for part, flops in _DENSE_BF16_FLOPS.items():
            if part in name:
                return flops, f"dense bfloat16 rate in the data sheet of {part}"
    dtype = torch.bfloat16 if bf16 else torch.float32
    size = 1024 if device.type == "cpu" else 8192
    rate = _measured_flops(device, dtype, size, torch.get_num_threads())
    return rate, f"measured product of {size} x {size} matrices in {dtype}"


@cache
def _measured_flops(device: torch.device, dtype: torch.dtype, size: int, threads: int) -> float:
    """Measure the best rate of a matrix product, once in a process for each number of threads."""
    left = torch.randn(size, size, device=device, dtype=dtype)
    best = math.inf
    deadline = time.perf_counter() + 0.25
    while time.perf_counter() < deadline:
        start = time.perf_counter()
        left @ left
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best


def device_name(device: torch.device) -> str:
    """The device's type and model, as a record shows it."""
    if device.type == "cuda":
        return f"cuda {torch.cuda.get_device_name(device)}"
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []:
        if line.startswith("model name"):
            return f"{device.type} {line.split(':', 1)[1].strip()}"
    return device.type


def encoder_parameters(model: torch.nn.Module) -> int:
    """Parameters outside embedding tables: a lookup is no multiplication."""
    tables = {id(m.weight) for m in model.modules() if isinstance(m, torch.nn.Embedding)}
    return sum(p.numel() for p in model.parameters() if id(p) not in tables)
