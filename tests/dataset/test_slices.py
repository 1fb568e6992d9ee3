"""Slices are the values of columns, the rare ones together, and new rows against old ones."""

import polars as pl

from pipeline.dataset.slices import MAX_SLICES, Slice, masks


def test_slices_give_each_value_its_rows_and_null_a_name() -> None:
    rows = pl.DataFrame({"slice_topic": ["a", "b", None, "a"], "new": [True, False, False, False]})
    found = {str(one): mask.tolist() for one, mask in masks(rows).items()}
    assert found == {
        "topic=a": [True, False, False, True],
        "topic=b": [False, True, False, False],
        "topic=null": [False, False, True, False],
        "rows=new": [True, False, False, False],
        "rows=old": [False, True, True, True],
    }


def test_slices_put_rare_values_together_the_first_by_name_having_their_own() -> None:
    values = [f"v{place:03}" for place in range(MAX_SLICES + 2)] + ["v051", "v051"]
    found = masks(pl.DataFrame({"slice_x": values, "new": [False] * len(values)}))
    assert found[Slice("x", "v051")].sum() == 3
    assert Slice("x", "v048") in found
    assert found[Slice("x", "other")].sum() == 2  # v049 and v050
    assert len(found) == MAX_SLICES + 2


def test_slices_have_none_of_no_rows() -> None:
    assert list(masks(pl.DataFrame({"new": [True, True]}))) == [Slice("rows", "new")]
