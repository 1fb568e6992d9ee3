"""What a machine grants and what it is fast at, by the system's own files."""

from pathlib import Path

import pytest
import torch

from pipeline.device import hardware

CPU = torch.device("cpu")


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which the files of a made-up system are looked for."""
    plain = Path

    def moved(path: str) -> Path:
        return plain(f"{tmp_path}{path}") if path.startswith(("/sys", "/proc")) else plain(path)

    monkeypatch.setattr(hardware, "Path", moved)
    return tmp_path


def write(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def test_threads_are_physical_cores(system: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2, 3})
    assert hardware.granted_threads() == 4  # where nothing is known of siblings, each counts
    for cpu in range(4):
        write(
            system,
            f"sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list",
            f"{cpu % 2},{cpu % 2 + 2}\n",
        )
    assert hardware.granted_threads() == 2


@pytest.mark.parametrize(
    ("files", "threads"),
    [
        ({"sys/fs/cgroup/cpu.max": "max 100000\n"}, 8),
        ({"sys/fs/cgroup/cpu.max": "250000 100000\n"}, 3),
        ({"sys/fs/cgroup/cpu.max": "10000 100000\n"}, 1),
        ({"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000"}, 8),
        (
            {"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "400000", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000"},
            4,
        ),
    ],
)
def test_threads_are_within_the_quota_of_the_cgroup(
    system: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], threads: int
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)))
    for path, text in files.items():
        write(system, path, text)
    assert hardware.granted_threads() == threads


@pytest.mark.parametrize(
    ("flags", "fast"),
    [("fpu avx512f avx512_bf16", False), ("fpu avx512_bf16 amx_bf16 amx_tile", True), (None, False)],
)
def test_bfloat16_is_fast_on_a_cpu_with_amx_alone(system: Path, flags: str | None, fast: bool) -> None:
    if flags is not None:
        write(system, "proc/cpuinfo", f"processor\t: 0\nflags\t\t: {flags}\n")
    assert hardware.fast_bfloat16(CPU) is hardware.has_amx() is fast
    assert not hardware.fast_bfloat16(torch.device("meta"))


@pytest.mark.parametrize(
    ("limit", "used", "free"), [("max", "0", 4 << 30), (f"{3 << 30}", f"{1 << 30}", 2 << 30), ("1", "9", 0)]
)
def test_free_memory_is_within_the_cgroup(system: Path, limit: str, used: str, free: int) -> None:
    write(system, "proc/meminfo", f"MemTotal: 9 kB\nMemAvailable: {4 << 20} kB\n")
    assert hardware.free_memory_bytes(CPU) == 4 << 30
    write(system, "sys/fs/cgroup/memory.max", f"{limit}\n")
    write(system, "sys/fs/cgroup/memory.current", f"{used}\n")
    assert hardware.free_memory_bytes(CPU) == free


def test_device_is_named_by_its_model(system: Path) -> None:
    assert hardware.device_name(CPU) == "cpu"
    write(system, "proc/cpuinfo", "processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\n")
    assert hardware.device_name(CPU) == "cpu Some CPU @ 2 GHz"
    assert hardware.card_uuids(CPU) == frozenset()


def test_rate_of_a_cpu_is_measured_and_says_so() -> None:
    rate, source = hardware.peak_flops(CPU, bf16=False)
    assert rate is not None
    assert rate > 1e8
    assert source == "measured product of 1024 x 1024 matrices in torch.float32"
    assert hardware.peak_flops(CPU, bf16=False) == (rate, source)  # no two measurements agree


@pytest.mark.parametrize(
    ("name", "rate"), [("NVIDIA H100 80GB HBM3", 989e12), ("NVIDIA H100 PCIe", 756e12), ("NVIDIA L4", 121e12)]
)
def test_rate_of_a_known_card_is_its_data_sheet(
    monkeypatch: pytest.MonkeyPatch, name: str, rate: float
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: name)
    assert hardware.peak_flops(torch.device("cuda"), bf16=True)[0] == rate


def test_embedding_tables_multiply_nothing() -> None:
    model = torch.nn.Sequential(torch.nn.Embedding(100, 4), torch.nn.Linear(4, 3))
    assert hardware.encoder_parameters(model) == 15


def test_most_memory_so_far_is_at_least_what_is_held() -> None:
    held = torch.ones(1 << 20)
    assert hardware.peak_memory_bytes(CPU) > held.nbytes
