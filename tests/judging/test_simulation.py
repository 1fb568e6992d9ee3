"""The bench asks the gate itself, and to resample many candidates at once changes nothing."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from bench.gate import chain, kept, pictures
from bench.gate.draws import FIRST_LOOK, PARAMS, Answers, Truth, answer, answer_triplets
from bench.gate.table import upper
from pipeline.judging import spending
from pipeline.records import ModelName

ROWS = chain.rows_in(0)


@pytest.fixture
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three weeks; counting the looks of 104 takes longer than all else."""
    monkeypatch.setattr(chain, "WEEKS", 3)
    monkeypatch.setattr(chain, "looks", lambda: (FIRST_LOOK,) * 3)


def test_simulation_bounds_rates_as_clopper_and_pearson_do() -> None:
    assert upper(0, 500) == pytest.approx(1 - 0.01 ** (1 / 500))
    assert upper(3, 3) == 1.0
    # Without a pass among so many, at most one in a thousand passes.
    assert upper(0, 4602) > 0.001 > upper(0, 4603)


@pytest.mark.usefixtures("_short")
def test_simulation_screens_out_nobody_whom_the_gate_lets_through() -> None:
    """A bound of the screening is the gate's own, so that who is screened out is refused."""
    margin = chain.ALONE.live_margins.accuracy
    asked, lows, passed = [], [], []
    for seed, loss in enumerate((0.0, 0.5, 0.75, 1.0)):
        random = np.random.default_rng(seed)
        rows = chain.split_of(random).first(ROWS)
        live = answer(rows, Truth(), (chain.WIDTH,), random)
        candidate = answer(rows, Truth(accuracy=loss * margin), (chain.WIDTH,), random)
        models: dict[ModelName, Answers] = {"candidate": candidate, "live": live}
        verdict = chain.judged(rows, models, 0, chain.ALONE)
        lows.append(verdict.comparisons[f"live_accuracy_{chain.WIDTH}"].low)
        passed.append(verdict.passed)
        asked.append(chain.Asked(rows, candidate, ((live, margin),)))
    assert chain.screened(asked, chain.ALONE) == [low > -margin for low in lows] == passed
    assert passed[0]
    assert not passed[-1]


def test_simulation_draws_the_same_triplets_with_and_without_retrieval() -> None:
    rows = chain.split_of(np.random.default_rng(1)).first(ROWS)
    one = answer(rows, Truth(0.1), (chain.WIDTH,), np.random.default_rng(2))
    other = answer_triplets(rows, Truth(0.1), chain.WIDTH, np.random.default_rng(2))
    assert np.array_equal(one.won[chain.WIDTH], other.won[chain.WIDTH])
    assert np.array_equal(one.seen, other.seen)


def test_simulation_grows_the_split_by_one_per_cent_a_month() -> None:
    assert [chain.rows_in(week) for week in (0, 4, 5, 52, 103)] == [11_982, 11_982, 12_101, 13_501, 15_063]
    splits = [chain.split_of(np.random.default_rng(seed)) for seed in (1, 2)]
    assert {len(rows.cluster) for rows in splits} == {15_063}
    clusters = [{int(rows.cluster[chain.rows_in(week) - 1]) for rows in splits} for week in (0, 50, 103)]
    assert [len(each) for each in clusters] == [1, 1, 1]


def test_simulation_counts_looks_so_that_a_week_always_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "WEEKS", 12)
    counts = chain.looks.__wrapped__()  # what is cached is counted for all 104
    assert [one.number for one in counts] == list(range(1, 13))
    level = spending.level(PARAMS.alpha, PARAMS.max_looks)
    assert counts[-1].spent == pytest.approx(11 * level, rel=0.05)


def test_simulation_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    file = tmp_path / "kept" / "gate.jsonl"
    with ThreadPoolExecutor(1) as pool:
        jobs = [kept.Job(_counted, (place,)) for place in range(3)]
        assert list(kept.run(pool, jobs[:2], file)) == [0, 1]
        assert list(kept.run(pool, jobs, file)) == [0, 1, 2]
    assert CALLED == [0, 1, 2]


CALLED: list[int] = []


def _counted(place: int) -> int:
    CALLED.append(place)
    return place


@pytest.mark.usefixtures("_short")
def test_simulation_of_a_chain_lets_equal_candidates_through_and_worse_ones_not() -> None:
    assert chain.equal_first([1]) == ["passed"]
    assert chain.equal_weeks([1]) == ["passed"] * 3
    assert chain.passing_weeks([1, 2]) == [[], []]
    assert chain.twice_worse("hard", [1, 2]) == [False, False]


@pytest.mark.usefixtures("_short")
def test_simulation_of_a_drift_moves_live_and_leaves_the_anchor() -> None:
    [lost] = chain.drift(0.1, 0.0, [1])
    share = 0.1 * chain.ALONE.live_margins.accuracy / chain.ALONE.anchor_margins.accuracy
    assert lost[0] == pytest.approx(share)
    assert lost == sorted(lost)


@pytest.mark.usefixtures("_short")
def test_simulation_draws_its_pictures(tmp_path: Path) -> None:
    drifts = {(0.2, 0.0): [[0.1, 0.2, 0.3], [0.0, 0.1, 0.1]], (0.0, 0.25): [[0.0, -0.1, 0.1]]}
    for name in ("one.svg", "two.svg"):
        pictures.chain([[], [1], [2]], drifts, 0.05, tmp_path / name)
    one = (tmp_path / "one.svg").read_bytes()
    assert one == (tmp_path / "two.svg").read_bytes()
    assert b"chance that any has passed" in one
