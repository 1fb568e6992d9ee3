"""The process that reads rows has no token, asks nobody, and ends with its parent."""

import json
import os
import shutil
from pathlib import Path

import polars as pl
import pytest

from pipeline.errors import InvalidData
from pipeline.stages.pin.tables import row_process, row_reader
from pipeline.stages.pin.tables.split_files import SplitFiles
from tests.conftest import Stage
from tests.support import workspaces
from tests.support.splits import LIMITS
from tests.support.workspaces import triplets

SECRET = "hf_planted_secret"


def csv_only(folder: Path) -> SplitFiles:
    pl.DataFrame(triplets(2)).write_csv(folder / "train.csv")
    return SplitFiles("csv", {"train": ("train.csv",)}, {})


def test_rows_are_read_where_no_token_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writer: Stage
) -> None:
    stored = tmp_path / "hf" / "token"
    stored.parent.mkdir()
    stored.write_text(SECRET)
    monkeypatch.setenv("HF_HOME", str(stored.parent))
    monkeypatch.setenv("HF_TOKEN_PATH", str(stored))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HUGGING_FACE_HUB_TOKEN", SECRET)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    spy = tmp_path / "spy.py"
    spy.write_text(
        "import json, os, sys\nfrom pathlib import Path\nfrom huggingface_hub import constants, get_token\n"
        "said = [get_token(), constants.HF_HUB_OFFLINE, dict(os.environ), sys.path, os.getcwd()]\n"
        "Path('answer.json').write_text(json.dumps({'failed': json.dumps(said)}))\n"
    )
    files = csv_only(tmp_path)
    monkeypatch.setattr(row_reader, "__file__", str(spy))
    with pytest.raises(InvalidData) as caught:
        row_process.rows(tmp_path, files, None, "data set x/y", LIMITS)
    said = str(caught.value).removeprefix("data set x/y cannot be read: ")
    token, offline, environment, path, cwd = json.JSONDecoder().raw_decode(said)[0]
    assert token is None
    assert offline
    assert SECRET not in said
    assert workspaces.TOKEN not in said
    assert not {key for key in environment if "TOKEN" in key} - {
        "HF_TOKEN_PATH",
        "HF_HUB_DISABLE_IMPLICIT_TOKEN",
    }
    assert str(tmp_path) not in path
    assert Path(cwd).name.startswith("katman-rows-")
    assert not Path(cwd).exists()


def test_rows_come_from_no_process_that_died(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed = tmp_path / "killed.py"
    killed.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    files = csv_only(tmp_path)
    monkeypatch.setattr(row_reader, "__file__", str(killed))
    with pytest.raises(InvalidData, match="the process that reads them ended with -9: it said nothing"):
        row_process.rows(tmp_path, files, None, "data set x/y", LIMITS)


def test_rows_are_refused_of_a_zip_under_any_name(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "train.csv").write_text("query\na\n")
    packed = shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path / "set")
    os.replace(packed, tmp_path / "train.tsv")  # noqa: PTH105
    files = SplitFiles("csv", {"train": ("train.tsv",)}, {})
    with pytest.raises(
        InvalidData, match=r"in the zip archive train.tsv, whose members can name files elsewhere"
    ):
        row_process.rows(tmp_path, files, None, "data set x/y", LIMITS)


GOOD = "query,positive,negative\nş,b,c\n".encode()
NUMBERS = b"query,positive,negative\na,b,1\n"


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (GOOD, GOOD.decode().encode("iso-8859-9"), "b.csv: byte 0xfe is no UTF-8; wanted that, or"),
        (
            GOOD,
            GOOD + b"a,b,c,d,e\n",
            "b.csv: ParserError: Error tokenizing data. C error: Expected 3 fields",
        ),
        (
            GOOD,
            GOOD.replace(b"positive", b"answer"),
            "b.csv has the columns 'query', 'answer', 'negative', and ",
        ),
        (NUMBERS, GOOD, "b.csv has 'negative' of string, and "),
    ],
)
def test_rows_name_the_file_that_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: bytes, second: bytes, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    files = {"train": [str(tmp_path / "a.csv")], "test": [str(tmp_path / "b.csv")]}
    for (path,), content in zip(files.values(), (first, second), strict=True):
        Path(path).write_bytes(content)
    asked = {"reader": "csv", "files": files, "options": {}, "features": None, "limits": LIMITS.model_dump()}
    failed = row_reader.read(asked)["failed"]
    assert failed.startswith(f"{tmp_path}/{said}")
    if said.endswith(" and "):
        assert f", and {tmp_path}/a.csv" in failed
