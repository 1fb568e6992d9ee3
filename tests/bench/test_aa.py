"""The A/A bench: what it plants, how sure it is, and that it goes on where it was stopped."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from bench.aa import __main__ as aa
from bench.aa.damage import DAMAGES, plant
from bench.aa.rates import Judgement, interval, rates, table

ROWS = {name: [f"{name} {row}" for row in range(100)] for name in ("query", "positive", "negative")}


@pytest.mark.parametrize(
    ("damage", "share"), [("shuffled_10", 0.1), ("shuffled_30", 0.3), ("shuffled_100", 1.0)]
)
def test_damage_shuffles_just_so_many_positives(damage: str, share: float) -> None:
    (asked,) = [one for one in DAMAGES if one == damage]
    found = plant(asked, ROWS, seed=1)
    moved = sum(one != other for one, other in zip(found["positive"], ROWS["positive"], strict=True))
    assert moved == share * 100
    assert sorted(found["positive"]) == sorted(ROWS["positive"])
    assert found["query"] == ROWS["query"]
    assert found != plant(asked, ROWS, seed=2) or share == 1.0


def test_damage_of_every_kind_keeps_columns_of_one_length() -> None:
    for damage in DAMAGES:
        found = plant(damage, ROWS, seed=1)
        (length,) = {len(texts) for texts in found.values()}
        assert length == (10 if damage == "a_tenth" else 100)
        assert set(found) == set(ROWS)
    assert plant("swapped", ROWS, seed=1)["positive"] == ROWS["negative"]
    english = plant("other_language", {name: texts * 50 for name, texts in ROWS.items()}, seed=1)
    assert len(set(zip(*english.values(), strict=True))) == 5000


def judgement(candidate: str, live: str, *causes: str) -> Judgement:
    return Judgement(
        candidate=candidate,
        live=live,
        outcome="failed" if causes else "passed",
        sentence="",
        causes=causes,
        visible={"nDCG@10 against live": 0.03},
        patterns=(),
    )


def each_other(seeds: int, *odd: int) -> list[Judgement]:
    """Judge seeds against each other; odd ones are refused by all."""
    return [
        judgement(f"none-{one}", f"none-{other}", *(["a floor"] if one in odd else []))
        for one in range(seeds)
        for other in range(seeds)
        if one != other
    ]


def test_rates_of_no_refusal_still_allow_what_so_few_seeds_cannot_rule_out() -> None:
    ten, five = (interval(each_other(count), [False] * count * (count - 1)) for count in (10, 5))
    assert ten[0] == five[0] == 0
    assert 0.1 < ten[1] < five[1] < 0.7


def test_rates_count_seeds_and_not_pairs() -> None:
    """One odd seed of ten is refused in nine of ninety judgements, which are no nine witnesses."""
    found = each_other(10, 3)
    low, high = interval(found, [bool(one.causes) for one in found])
    assert low < 0.02
    assert high > 0.3
    refused, cause = rates(found)
    assert (refused.what, refused.share, cause.what, cause.share) == ("refused", 0.1, "a floor", 0.1)
    assert (refused.low, refused.high) == (low, high)


def test_rates_table_says_what_the_rows_could_show() -> None:
    damaged = [judgement("swapped-0", f"none-{live}", "nDCG@10 against live") for live in range(3)]
    text = table(rates([*each_other(3), *damaged]), {"none": 3, "swapped": 1})
    first, refused, cause = text.splitlines()[2:]
    assert first.startswith("| nothing: another seed | 3 | 6 | **refused** | 0% | 0% to ")
    assert refused.startswith("| positives and negatives swapped | 1 | 3 | **refused** | 100% | ")
    assert cause.startswith("|  |  |  | nDCG@10 against live | 100% | ")
    assert cause.endswith(" | 0.030 |")


def test_bench_goes_on_where_it_was_stopped(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--seeds", "2", "--damaged-seeds", "1", "--damages", "swapped", "--threads", "1"]
    monkeypatch.setattr(sys, "argv", ["aa", "--out", str(tmp_path), "--data", str(finished), *flags])
    code = aa.main()
    first = capsys.readouterr()
    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == ["none-0", "none-1", "swapped-0"]
    assert len(list((tmp_path / "judgements").iterdir())) == 4
    figures = json.loads(first.out.splitlines()[-1])["figures"]
    assert set(figures) == {"equal_refused", "swapped_refused"}
    assert code == (0 if all(one["ok"] for one in figures.values()) else 1)
    shutil.rmtree(tmp_path / "models" / "none-1")
    next((tmp_path / "judgements").glob("swapped-0--none-0.json")).unlink()
    assert aa.main() == code
    second = capsys.readouterr()
    assert [line.split(":")[0] for line in second.err.splitlines() if "trained in" in line] == ["none-1"]
    assert "swapped-0 beside none-0: " in second.err
    assert "swapped-0 beside none-1: " not in second.err
    assert second.out.splitlines()[:-1] == first.out.splitlines()[:-1]
