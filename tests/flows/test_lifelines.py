import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flows import lifelines
from tests.support.workspaces import PROJECT

RUN = """
import sys
from pathlib import Path
from flows.lifelines import Lifeline
life = Lifeline(Path(sys.argv[1]), "7")
life.at("train")
print("began", flush=True)
sys.stdin.readline()
life.end("COMPLETED", "Released", "released v1")
"""


@contextmanager
def running(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A run that has begun, and ends when it is told a line."""
    command = [sys.executable, "-c", RUN, str(folder)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=PROJECT, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process


def test_lifeline_tells_a_dead_run_from_a_living_one(tmp_path: Path) -> None:
    with running(tmp_path) as process:
        assert lifelines.lives(tmp_path, "7")
        assert lifelines.dead(tmp_path) == []
        process.kill()
    assert not lifelines.lives(tmp_path, "7")
    (life,) = lifelines.dead(tmp_path)
    assert (life.run, life.step, life.ended) == ("7", "train", None)
    lifelines.forget(tmp_path, "7")
    assert lifelines.dead(tmp_path) == []
    assert lifelines.last(tmp_path) == life


def test_lifeline_keeps_how_a_run_ended(tmp_path: Path) -> None:
    with running(tmp_path) as process:
        process.communicate("\n")
    (life,) = lifelines.dead(tmp_path)
    assert (life.type, life.name, life.message) == ("COMPLETED", "Released", "released v1")
    assert life.ended is not None


def test_lifeline_that_finds_the_disk_full_ends_no_run(tmp_path: Path) -> None:
    full = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"  # EFBIG, of each write
    command = [sys.executable, "-c", full + RUN.replace('print("began", flush=True)', ""), str(tmp_path)]
    done = subprocess.run(command, cwd=PROJECT, input=b"\n", capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert [path.name for path in (tmp_path / ".dvc" / "tmp" / "runs").iterdir()] == ["7.lock"]


def test_lifeline_of_a_new_workspace_is_none(tmp_path: Path) -> None:
    assert lifelines.last(tmp_path) is None
    assert lifelines.dead(tmp_path) == []


WHOLE = {"run": "7", "began": "2026-01-01T00:00:00+00:00", "ended": "2026-01-01T01:00:00+00:00"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\x00",
        b"null",
        b"[]",
        b'{"run": "7"',
        json.dumps(WHOLE | {"ended": "yesterday"}).encode(),
        json.dumps(WHOLE | {"ended": "2026-01-01T01:00:00"}).encode(),  # of which zone?
        json.dumps(WHOLE | {"ended": 7}).encode(),
        json.dumps(WHOLE | {"message": 7}).encode(),
        json.dumps(WHOLE | {"run": "../../params"}).encode(),
        json.dumps(WHOLE | {"run": "7" * 300}).encode(),
    ],
)
def test_lifeline_that_is_damaged_counts_as_none(content: bytes, tmp_path: Path) -> None:
    runs = tmp_path / ".dvc" / "tmp" / "runs"
    runs.mkdir(parents=True)
    for name in ("last", "done", "7.json"):
        (runs / name).write_bytes(content)
    assert lifelines.last(tmp_path) is None
    assert lifelines.done(tmp_path) is None
    assert lifelines.dead(tmp_path) == []
    for name in ("last", "done"):
        (runs / name).write_text(json.dumps(WHOLE), "utf-8")
    assert lifelines.last(tmp_path) is not None
    assert lifelines.done(tmp_path) is not None
