"""A params.yaml out of three names: complete, commented, marked where it is guessed, and good for `check`."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline.commands import check, init
from pipeline.errors import HubNotFound, InvalidData, InvalidParams, InvalidWorkspace
from pipeline.params import Params, load
from pipeline.params.document import check as checked
from pipeline.params.document import parse_yaml
from pipeline.params.key_changes import complete
from tests.conftest import Make, Stage
from tests.support import workspaces
from tests.support.records import put, receipt
from tests.support.workspaces import git, triplets


@pytest.fixture
def fresh(writer: Stage, make_workspace: Make) -> Path:
    """A fork, with the params.yaml of somebody else's model."""
    workspaces.forget(writer.endpoint, "tester/begun")
    folder = make_workspace(dvc=False)
    shutil.copy(workspaces.PROJECT / "params.yaml", folder / "params.yaml")
    return folder


def begin(folder: Path, dataset: str = "tester/triplets", base: str = "tester/tiny") -> Params:
    init.run(folder, dataset, base, "tester/begun")
    return load(folder)


def dataset(stage: Stage, tmp_path: Path, name: str, splits: dict[str, dict[str, list[Any]]]) -> str:
    """Put a data set on the Hub, and give its name."""
    folder = tmp_path / "data"
    (folder / "data").mkdir(parents=True)
    for split, columns in splits.items():
        pl.DataFrame(columns).write_parquet(folder / "data" / f"{split}-00000-of-00001.parquet")
    workspaces.put(stage.endpoint, f"tester/{name}", "dataset", folder)
    return f"tester/{name}"


def test_init_template_has_every_key_that_is_not_newer_than_it() -> None:
    content = parse_yaml(complete(init.TEMPLATE.read_text(encoding="utf-8")), init.TEMPLATE)
    checked(content, init.TEMPLATE, "")


def test_init_writes_a_file_that_check_accepts(fresh: Path, writer: Stage) -> None:
    started = init.run(fresh, "tester/triplets", "tester/tiny", "tester/begun")
    params = load(fresh)
    assert (params.dataset.revision, params.base.revision) == (writer.dataset, writer.base)
    assert params.dataset.splits.model_dump() == {"train": "train", "dev": "validation", "test": "test"}
    assert params.dataset.columns.model_dump() == {key: key for key in ("query", "positive", "negative")}
    assert params.model.language == ("tr",)
    assert params.model.dims == (32, 16)
    assert params.model.max_seq_length == 8
    assert params.release.repo == params.live.repo == "tester/begun"
    assert params.live.revision is None
    assert not params.release.private
    text = (fresh / "params.yaml").read_text(encoding="utf-8")
    assert "seroe" not in text
    assert "telecom" not in text
    for key in ("splits", "columns", "dims", "max_seq_length", "batch_size", "live_margins"):
        lines = [one for one in text.splitlines() if one.strip().startswith(f"{key}:")]
        assert "guessed: " in lines[0], lines
    said = init.summary(started)
    assert "model.dims" in said
    assert "katman check" in said
    git(fresh, "add", ".")
    git(fresh, "commit", "--quiet", "--message", "Start")
    assert check.run(fresh, params)["params"] == "tester/tiny on tester/triplets, to tester/begun"


def test_init_takes_columns_by_what_they_hold_and_cuts_missing_splits(
    fresh: Path, writer: Stage, tmp_path: Path
) -> None:
    made = triplets(60)
    rows: dict[str, list[Any]] = {"id": list(range(60)), "frage": made["query"]}
    rows |= {"antwort": made["positive"], "falsch": made["negative"]}
    params = begin(fresh, dataset(writer, tmp_path, "odd", {"train": rows}))
    assert params.dataset.columns.model_dump() == {
        "query": "frage",
        "positive": "antwort",
        "negative": "falsch",
    }
    assert (params.dataset.splits.dev, params.dataset.splits.test) == (None, None)
    assert "guessed: dev and test cut out of train" in (fresh / "params.yaml").read_text(encoding="utf-8")


def test_init_refuses_where_something_was_released_or_held_out(fresh: Path) -> None:
    before = (fresh / "params.yaml").read_bytes()
    put(fresh, receipt("v1"))
    with pytest.raises(InvalidWorkspace, match=r"it has receipts of releases\. `init` would start it anew"):
        begin(fresh)
    shutil.rmtree(fresh / "receipts")
    (fresh / "splits.ledger").write_text("", encoding="utf-8")
    assert (fresh / "params.yaml").read_bytes() == before


def test_init_asks_whoever_is_there_and_names_what_is_missing(
    fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InvalidParams, match=r"--base, --release was not given, and nobody is there"):
        init.run(fresh, "tester/triplets")
    answers = iter(["tester/tiny", " tester/begun "])
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda asked: next(answers))
    init.run(fresh, "tester/triplets")
    assert load(fresh).release.repo == "tester/begun"


def test_init_takes_the_end_of_the_input_for_no_answer(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def end(asked: str) -> str:
        raise EOFError

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr("builtins.input", end)
    with pytest.raises(InvalidParams, match=r"base\.repo: '' is not a repository"):
        init.run(fresh, "tester/triplets")


@pytest.mark.parametrize(
    ("names", "kind", "said"),
    [
        (("tester/none", "tester/tiny"), HubNotFound, "could not look at dataset tester/none"),
        (("tester/triplets", "tester/none"), HubNotFound, "could not look at model tester/none"),
        (("triplets", "tester/tiny"), InvalidParams, "dataset.repo: 'triplets' is not a repository"),
    ],
)
def test_init_names_what_it_cannot_find(
    fresh: Path, names: tuple[str, str], kind: type[Exception], said: str
) -> None:
    before = (fresh / "params.yaml").read_bytes()
    with pytest.raises(kind, match=said):
        begin(fresh, *names)
    assert (fresh / "params.yaml").read_bytes() == before


def test_init_refuses_a_data_set_without_two_columns_of_texts(
    fresh: Path, writer: Stage, tmp_path: Path
) -> None:
    name = dataset(writer, tmp_path, "numbers", {"train": {"text": ["a", "b"]}})
    with pytest.raises(InvalidData, match=r"has the columns text \(String\); wanted two of texts at least"):
        begin(fresh, name)


def test_init_is_typed_as_a_command(fresh: Path, writer: Stage) -> None:
    command = [sys.executable, "-m", "pipeline", "init", "--dataset", "tester/triplets"]
    command += ["--base", "tester/tiny", "--release", "tester/begun"]
    ran = subprocess.run(command, cwd=fresh, env=writer.env, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "katman plan" in ran.stdout
