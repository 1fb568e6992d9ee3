"""Several languages: groups that any of them joins, a ledger that names its foldings, and none taken out."""

import shutil
from pathlib import Path

import polars as pl
import pytest
from huggingface_hub import snapshot_download

from pipeline.dataset.training_fingerprint import trained_rows
from pipeline.errors import InvalidData, InvalidParams
from pipeline.params import load
from pipeline.stages.pin import languages
from pipeline.stages.pin import step as pin
from pipeline.stages.pin.tables import splits
from pipeline.stages.pin.tables.splits import Division
from pipeline.workspace import holdout, paths
from tests.conftest import Make, Stage
from tests.support import workspaces
from tests.support.splits import CUT, Splits, dataset_params, loaded
from tests.support.workspaces import set_params

FIRST, SECOND, THIRD = "a" * 40, "b" * 40, "c" * 40


def content(train: list[str], dev: list[str], test: list[str]) -> Splits:
    """Make splits of rows with these queries."""

    def texts(queries: list[str]) -> dict[str, list[str]]:
        documents = {name: [f"{name} {query}" for query in queries] for name in ("positive", "negative")}
        return {"query": queries} | documents

    return {"train": texts(train), "validation": texts(dev), "test": texts(test)}


def divide(folder: Path, rows: Splits, revision: str, *codes: str) -> Division:
    """Divide as `pin` does it at a revision, and let the ledger in `folder` grow."""
    workspaces.write_splits(folder / revision, rows)
    params = dataset_params(revision=revision, languages=codes)
    known = holdout.read(folder)
    languages.demand_kept(codes, known)
    found = splits.divide(loaded(folder / revision, params), params, CUT, known)
    holdout.append(folder, found.newly_held, revision)
    return found


def queries(found: Division) -> dict[str, list[str]]:
    return {name: part["query"].to_list() for name, part in found.frames.items()}


def test_a_group_is_what_any_language_joins(tmp_path: Path) -> None:
    rows = content(["MY ID", "other"], ["some"], ["my id", "MY ıD"])
    one = divide(tmp_path / "one", rows, FIRST, "tr")
    both = divide(tmp_path / "both", rows, FIRST, "tr", "en")
    groups = {
        query: group for part in both.frames.values() for query, group in part[["query", "group"]].rows()
    }
    assert groups["MY ID"] == groups["my id"] == groups["MY ıD"] != groups["other"]
    alone = {query: group for part in one.frames.values() for query, group in part[["query", "group"]].rows()}
    assert alone["MY ID"] == alone["MY ıD"] != alone["my id"]
    assert alone["other"] == groups["other"], "what no other language joins keeps its name"


def test_ledger_has_a_line_for_each_folding(tmp_path: Path) -> None:
    divide(tmp_path, content(["a"], ["b"], ["my id"]), FIRST, "tr", "en")
    lines = (tmp_path / paths.LEDGER).read_text(encoding="utf-8").splitlines()
    assert [line.split()[1:] for line in lines].count(["test", FIRST, "tr"]) == 1
    assert [line.split()[3] for line in lines] == ["tr", "tr", "en", "en"]


def test_ledger_holds_a_row_out_by_the_folding_of_each_line(tmp_path: Path) -> None:
    divide(tmp_path, content(["a"], ["b"], ["my id", "x"]), FIRST, "en")
    moved = divide(tmp_path, content(["a", "MY ID"], ["b"], ["x"]), SECOND, "en")
    assert queries(moved)["test"] == ["x", "MY ID"]


def test_a_language_that_is_added_keeps_every_held_row_and_names_it_anew(tmp_path: Path) -> None:
    (tmp_path / paths.LEDGER).parent.mkdir(exist_ok=True)
    rows = content(["a"], ["b"], ["MY ID", "x"])
    first = divide(tmp_path, rows, FIRST, "tr")
    # As katman 0.1 left it: without names.
    ledger = tmp_path / paths.LEDGER
    ledger.write_text(ledger.read_text(encoding="utf-8").replace(" tr\n", "\n"), encoding="utf-8")
    before = ledger.read_text(encoding="utf-8")
    again = divide(tmp_path, rows, FIRST, "tr", "en")
    assert queries(again) == queries(first)
    assert again.frames["test"]["group"].to_list() == first.frames["test"]["group"].to_list()
    added = ledger.read_text(encoding="utf-8").removeprefix(before).splitlines()
    assert [line.split()[3] for line in added] == ["en"] * 3
    # What English alone takes for the held row stays out of train, too.
    moved = divide(tmp_path, content(["a", "my id"], ["b"], ["x"]), SECOND, "tr", "en")
    assert queries(moved)["test"] == ["x", "my id"]
    assert moved.frames["test"]["first_seen"].to_list() == [FIRST, FIRST]


def test_groups_that_a_new_language_joins_stand_in_the_later_split(tmp_path: Path) -> None:
    divide(tmp_path, content(["a"], ["MY ID", "b"], ["my id", "x"]), FIRST, "tr")
    joined = divide(tmp_path, content(["a"], ["MY ID", "b"], ["my id", "x"]), SECOND, "tr", "en")
    assert queries(joined) == {"train": ["a"], "dev": ["b"], "test": ["my id", "x", "MY ID"]}


def test_rows_without_a_query_are_groups_of_their_own_in_every_language(tmp_path: Path) -> None:
    rows = content(["a"], ["b"], ["c"])
    found = divide(
        tmp_path, {**rows, "train": {name: ["a", None, None] for name in rows["train"]}}, FIRST, "tr", "en"
    )
    assert found.frames["train"]["group"].n_unique() == 3


@pytest.mark.parametrize(
    ("before", "now", "advice"),
    [
        (["tr"], ["en"], "['tr', 'en']"),
        (["tr", "en"], ["tr"], "['tr', 'en']"),
        (["tr"], ["en", "tr"], "['tr', 'en']"),
        (["en"], ["de", "en", "nl"], "['en', 'de', 'nl']"),
        (["nl"], ["en"], "['und', 'en']"),
    ],
)
def test_a_language_is_never_taken_out_or_put_behind(
    tmp_path: Path, before: list[str], now: list[str], advice: str
) -> None:
    divide(tmp_path, content(["a"], ["b"], ["c"]), FIRST, *before)
    with pytest.raises(InvalidParams) as caught:
        languages.demand_kept(now, holdout.read(tmp_path))
    assert f"Set dataset.languages to {advice}" in str(caught.value)


def test_a_language_may_be_added_behind(tmp_path: Path) -> None:
    divide(tmp_path, content(["a"], ["b"], ["c"]), FIRST, "tr")
    languages.demand_kept(["tr", "en", "nl"], holdout.read(tmp_path))


def test_pin_refuses_before_it_asks_the_hub(writer: Stage, make_workspace: Make) -> None:
    folder = make_workspace(dvc=False)
    assert pin.run(folder, load(folder)).languages == ("tr",)
    set_params(folder, {"dataset.languages": ["en"], "hub.endpoint": "http://127.0.0.1:9"})
    with pytest.raises(InvalidParams, match=r"splits\.ledger holds rows out that were folded as \['tr'\]"):
        pin.run(folder, load(folder))


def test_the_cards_language_moves_no_split(writer: Stage, make_workspace: Make) -> None:
    folder = make_workspace(dvc=False)
    first = pin.run(folder, load(folder))
    set_params(folder, {"model.language": ["en"]})
    assert pin.run(folder, load(folder)).splits == first.splits


def test_pin_refuses_a_release_whose_rows_a_newer_katman_folded(
    writer: Stage, make_workspace: Make, tmp_path: Path
) -> None:
    snapshot = snapshot_download("tester/tiny", revision=writer.base, endpoint=writer.endpoint)
    shutil.copytree(snapshot, tmp_path / "tiny")
    rows = trained_rows(["soru"], ["tr"]).with_columns(folding=pl.lit("tlh"))
    rows.write_parquet(tmp_path / "tiny" / "trained_rows.parquet")
    commit = workspaces.put(writer.endpoint, "tester/newer", "model", tmp_path / "tiny")
    folder = make_workspace({"live.repo": "tester/newer", "live.revision": commit}, dvc=False)
    with pytest.raises(InvalidData, match="rows folded as 'tlh'"):
        pin.run(folder, load(folder))
