"""How splits are cut that a data set does not have, and what the ledger holds where it is."""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline.dataset.languages.tr import fold
from pipeline.errors import InvalidData
from pipeline.params.pin import CutParams
from pipeline.stages.pin.tables import splits
from pipeline.stages.pin.tables.splits import Division
from pipeline.workspace import holdout, paths
from tests.support import workspaces
from tests.support.splits import CUT, Splits, dataset_params, loaded
from tests.support.workspaces import COLUMNS, triplets

ONLY_TRAIN = {"train": "train", "dev": None, "test": None}
FIRST, SECOND, THIRD = "a" * 40, "b" * 40, "c" * 40


def divide(
    folder: Path, content: Splits, revision: str = FIRST, cut: CutParams = CUT, **changes: Any
) -> Division:
    """Divide as `pin` does it at a revision, and let the ledger in `folder` grow."""
    workspaces.write_splits(folder / revision, content)
    params = dataset_params(revision=revision, **changes)
    found = splits.divide(loaded(folder / revision, params), params, cut, holdout.read(folder))
    holdout.append(folder, found.newly_held, revision)
    return found


def split(folder: Path, content: Splits, cut: CutParams = CUT, **changes: Any) -> dict[str, pl.DataFrame]:
    return divide(folder, content, cut=cut, **changes).frames


def many(count: int = 300, seed: int = 3) -> dict[str, list[str]]:
    """Make rows in which most queries stand several times, in several spellings."""
    texts = triplets(count)
    draw = random.Random(seed)
    spellings = ("iptal {}", "İPTAL {}", "  iptal   {} ")
    texts["query"] = [draw.choice(spellings).format(draw.randrange(count // 3)) for _ in range(count)]
    return texts


def test_pin_cuts_splits_by_group_of_query(tmp_path: Path) -> None:
    found = split(tmp_path, {"train": many()}, splits=ONLY_TRAIN)
    assert sum(part.height for part in found.values()) == 300
    seen: dict[str, str] = {}
    for name, part in found.items():
        for query in part["query"]:
            assert seen.setdefault(fold(query), name) == name
    assert 0.1 < found["dev"].height / 300 < 0.3
    assert 0.2 < found["test"].height / 300 < 0.4


def test_pin_cuts_the_same_splits_again(tmp_path: Path) -> None:
    first = split(tmp_path / "a", {"train": many()}, splits=ONLY_TRAIN)
    again = split(tmp_path / "b", {"train": many()}, splits=ONLY_TRAIN)
    assert all(first[name].equals(again[name]) for name in first)


def test_pin_cuts_the_same_splits_whatever_the_order_of_rows(tmp_path: Path) -> None:
    texts = pl.DataFrame(many())
    first = split(tmp_path / "a", {"train": texts.to_dict(as_series=False)}, splits=ONLY_TRAIN)
    mixed = texts.sample(fraction=1, shuffle=True, seed=1).to_dict(as_series=False)
    other = split(tmp_path / "b", {"train": mixed}, splits=ONLY_TRAIN)
    for name in first:
        assert first[name].drop("row").sort(COLUMNS).equals(other[name].drop("row").sort(COLUMNS))


def test_pin_cuts_a_query_into_the_same_split_when_rows_are_added(tmp_path: Path) -> None:
    texts = many()
    first = split(
        tmp_path / "a", {"train": {key: cells[:200] for key, cells in texts.items()}}, splits=ONLY_TRAIN
    )
    more = split(tmp_path / "b", {"train": texts}, splits=ONLY_TRAIN)
    for name in first:
        assert set(first[name]["group"]) <= set(more[name]["group"])


def test_pin_cuts_other_splits_with_another_salt(tmp_path: Path) -> None:
    other = CUT.model_copy(update={"salt": "t"})
    first = split(tmp_path / "a", {"train": many()}, splits=ONLY_TRAIN)
    second = split(tmp_path / "b", {"train": many()}, cut=other, splits=ONLY_TRAIN)
    assert not first["test"].equals(second["test"])


def test_pin_cuts_only_what_is_missing(tmp_path: Path) -> None:
    splits = {"train": many(), "test": triplets(5, 100)}
    found = split(tmp_path, splits, splits={"train": "train", "dev": None, "test": "test"})
    assert found["test"].height == 5
    assert found["train"].height + found["dev"].height == 300
    assert 0.1 < found["dev"].height / 300 < 0.3


def test_pin_rows_keep_their_number_when_they_are_cut(tmp_path: Path) -> None:
    texts = many()
    found = split(tmp_path, {"train": texts}, splits=ONLY_TRAIN)
    for part in found.values():
        for row, query in part.select("row", "query").iter_rows():
            assert texts["query"][row] == query


@pytest.mark.parametrize(("dev", "test"), [(0.0, 0.3), (0.3, 0.0)])
def test_pin_refuses_a_cut_that_leaves_a_split_empty(tmp_path: Path, dev: float, test: float) -> None:
    cut = CutParams(dev_share=dev, test_share=test, salt="s")
    empty = "dev" if dev == 0 else "test"
    with pytest.raises(
        InvalidData, match=f"the split {empty} of .*has no rows.*enlarge the shares in pin.cut"
    ):
        split(tmp_path, {"train": many()}, cut=cut, splits=ONLY_TRAIN)


# --- the ledger -------------------------------------------------------------------------------------------


def queries(found: Division) -> dict[str, list[str]]:
    return {name: part["query"].to_list() for name, part in found.frames.items()}


def moves(found: Division) -> dict[str, tuple[int, int]]:
    return {name: (one.moved_in, one.moved_out) for name, one in found.origins.items()}


def texts(*names: str) -> dict[str, list[str]]:
    return {
        "query": list(names),
        "positive": [f"evet {name}" for name in names],
        "negative": [f"yok {name}" for name in names],
    }


def content(
    train: Sequence[str], dev: Sequence[str], test: Sequence[str]
) -> dict[str, Mapping[str, Sequence[str]]]:
    return {"train": texts(*train), "validation": texts(*dev), "test": texts(*test)}


def test_ledger_takes_every_group_that_is_held_out_and_none_of_train(tmp_path: Path) -> None:
    found = divide(tmp_path, content(["a", "b"], ["c", "C "], ["d"]))
    held = holdout.read(tmp_path)
    assert {tuple(row) for row in held.select("split", "commit").iter_rows()} == {
        ("dev", FIRST),
        ("test", FIRST),
    }
    assert set(held["group"]) == {*found.frames["dev"]["group"], *found.frames["test"]["group"]}
    assert held.height == 2
    assert moves(found) == {"train": (0, 0), "dev": (0, 0), "test": (0, 0)}
    assert found.frames["train"]["first_seen"].to_list() == [None, None]
    assert found.frames["dev"]["first_seen"].to_list() == [FIRST, FIRST]


def test_ledger_gives_the_same_splits_again_and_does_not_grow(tmp_path: Path) -> None:
    splits_of = content(["a", "b", "D"], ["c", "d"], ["d", "e"])
    first = divide(tmp_path, splits_of)
    before = (tmp_path / paths.LEDGER).read_bytes()
    again = divide(tmp_path, splits_of)
    assert (tmp_path / paths.LEDGER).read_bytes() == before
    assert again.origins == first.origins
    assert all(again.frames[name].equals(first.frames[name]) for name in first.frames)


def test_ledger_keeps_a_row_in_test_that_the_data_set_moves_to_train(tmp_path: Path) -> None:
    divide(tmp_path, content(["a"], ["b"], ["c", "d"]))
    found = divide(tmp_path, content(["a", "C", "e"], ["b"], ["d", "f"]), SECOND)
    assert queries(found) == {"train": ["a", "e"], "dev": ["b"], "test": ["d", "f", "C"]}
    assert moves(found) == {"train": (0, 1), "dev": (0, 0), "test": (1, 0)}
    assert found.frames["test"]["first_seen"].to_list() == [FIRST, SECOND, FIRST]
    assert {name: one.rows for name, one in found.origins.items()} == {"train": 2, "dev": 1, "test": 3}


def test_ledger_keeps_dev_and_test_apart_for_ever(tmp_path: Path) -> None:
    divide(tmp_path, content(["a"], ["b", "x"], ["c", "y"]))
    found = divide(tmp_path, content(["a"], ["c", "x"], ["b", "y"]), SECOND)
    assert {name: sorted(one) for name, one in queries(found).items()} == {
        "train": ["a"],
        "dev": ["b", "x"],
        "test": ["c", "y"],
    }
    assert moves(found) == {"train": (0, 0), "dev": (1, 1), "test": (1, 1)}


def test_ledger_numbers_a_moved_row_on_behind_those_of_its_new_split(tmp_path: Path) -> None:
    divide(tmp_path, content(["a"], ["b"], ["c", "d"]))
    found = divide(tmp_path, content(["a", "c", "e"], ["b", "d"], ["x", "y"]), SECOND)
    numbers = found.frames["test"]["row"].to_list()
    assert numbers == [0, 1, 2 + 1, 2 + 3 + 1]
    assert len(set(numbers)) == 4
    assert found.frames["test"].schema["row"] == pl.UInt32
    assert queries(found)["test"] == ["x", "y", "c", "d"]


def test_ledger_lets_a_group_of_train_become_a_test_group(tmp_path: Path) -> None:
    divide(tmp_path, content(["a", "b"], ["c"], ["d"]))
    found = divide(tmp_path, content(["a"], ["c"], ["d", "b"]), SECOND)
    assert queries(found)["test"] == ["d", "b"]
    assert found.frames["test"]["first_seen"].to_list() == [FIRST, SECOND]
    assert moves(found)["test"] == (0, 0)
    third = divide(tmp_path, content(["a", "b"], ["c"], ["d"]), THIRD)
    assert sorted(queries(third)["test"]) == ["b", "d"]
    assert third.frames["test"].sort("query")["first_seen"].to_list() == [SECOND, FIRST]


def test_ledger_leaves_a_leak_of_this_revision_to_the_audit(tmp_path: Path) -> None:
    found = divide(tmp_path, content(["a", "C"], ["b", "c"], ["c"]))
    assert queries(found) == {"train": ["a", "C"], "dev": ["b", "c"], "test": ["c"]}
    assert moves(found) == {"train": (0, 0), "dev": (0, 0), "test": (0, 0)}
    held = {group: name for group, name, *_ in holdout.read(tmp_path).iter_rows()}
    assert held[found.frames["test"]["group"][0]] == "test"


def test_ledger_moves_what_was_a_leak_in_an_earlier_revision(tmp_path: Path) -> None:
    leaky = content(["a", "C"], ["b", "c"], ["c"])
    divide(tmp_path, leaky)
    found = divide(tmp_path, leaky, SECOND)
    assert {name: sorted(one) for name, one in queries(found).items()} == {
        "train": ["a"],
        "dev": ["b"],
        "test": ["C", "c", "c"],
    }
    assert moves(found) == {"train": (0, 1), "dev": (0, 1), "test": (2, 0)}


def test_ledger_holds_a_cut_group_when_the_salt_or_the_shares_change(tmp_path: Path) -> None:
    first = divide(tmp_path, {"train": many()}, splits=ONLY_TRAIN)
    for salt, share, revision in (("t", 0.3, FIRST), ("u", 0.1, SECOND)):
        cut = CutParams(dev_share=0.1, test_share=share, salt=salt)
        found = divide(tmp_path, {"train": many()}, revision, cut=cut, splits=ONLY_TRAIN)
        for name in ("dev", "test"):
            assert set(first.frames[name]["group"]) <= set(found.frames[name]["group"])
        assert not set(found.frames["train"]["group"]) & set(holdout.read(tmp_path)["group"])
        assert sum(part.height for part in found.frames.values()) == 300


def test_ledger_holds_cut_groups_when_the_data_set_brings_splits_of_its_own(tmp_path: Path) -> None:
    first = divide(tmp_path, {"train": many()}, splits=ONLY_TRAIN)
    rest = first.frames["test"]["query"].to_list()
    found = divide(tmp_path, content([*rest, "a"], ["b"], ["c"]), SECOND)
    assert queries(found)["train"] == ["a"]
    assert found.origins["test"].moved_in == len(rest)


def test_ledger_can_leave_a_split_empty_and_that_is_said(tmp_path: Path) -> None:
    divide(tmp_path, content(["a"], ["b"], ["c", "d"]))
    with pytest.raises(InvalidData, match="the split train of data set tester/pin has no rows"):
        divide(tmp_path, content(["c"], ["b"], ["d"]), SECOND)
