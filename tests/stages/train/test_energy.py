"""Energy where the machine says what it draws: a tree like Linux's, and a card that answers."""

import stat
from pathlib import Path

import pytest

from pipeline.stages.train.energy import Meter


@pytest.fixture
def powercap(tmp_path: Path) -> Path:
    for name, at in (("intel-rapl:0", 1_000_000), ("intel-rapl:1", 0), ("intel-rapl:0:0", 5)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "energy_uj").write_text(f"{at}\n", encoding="ascii")
        (tmp_path / name / "max_energy_range_uj").write_text("100000000\n", encoding="ascii")
    return tmp_path


def card(folder: Path, said: str) -> tuple[str, ...]:
    path = folder / "smi"
    path.write_text(f"#!/bin/sh\n{said}\n", encoding="ascii")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return (str(path),)


def test_train_energy_is_that_of_every_processor(powercap: Path, tmp_path: Path) -> None:
    with Meter(powercap, card(tmp_path, "exit 9")) as meter:
        (powercap / "intel-rapl:0" / "energy_uj").write_text("4000000", encoding="ascii")
        (powercap / "intel-rapl:1" / "energy_uj").write_text("500000", encoding="ascii")
    assert meter.joules == pytest.approx(3.5)


def test_train_energy_counter_may_run_over(powercap: Path, tmp_path: Path) -> None:
    with Meter(powercap, card(tmp_path, "exit 9")) as meter:
        (powercap / "intel-rapl:0" / "energy_uj").write_text("200000", encoding="ascii")
    assert meter.joules == pytest.approx(99.2)


def test_train_energy_of_cards_is_power_over_time(tmp_path: Path) -> None:
    asked = card(tmp_path, "echo GPU-a, 300.5; echo GPU-b, 99.5")
    with Meter(tmp_path / "none", asked, every_seconds=0.05) as meter:
        pass
    assert meter.joules is not None
    assert 0 <= meter.joules < 400 * 10


def test_train_energy_is_unknown_where_nothing_says_it(tmp_path: Path) -> None:
    with Meter(tmp_path / "none", (str(tmp_path / "none"),)) as meter:
        pass
    assert meter.joules is None


def test_train_energy_counts_the_cards_that_are_used(tmp_path: Path) -> None:
    asked = card(tmp_path, "echo GPU-a, 1000; echo GPU-b, 1")
    with Meter(tmp_path / "none", asked, every_seconds=0.05, used=frozenset({"GPU-b"})) as meter:
        pass
    assert meter.joules is not None
    assert 0 < meter.joules < 10
