"""The process in which mteb runs answers a request per line, whatever becomes of it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.isolated import child, mteb_worker


def run(tmp_path: Path, lines: str, parent: int) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-P", mteb_worker.__file__, str(parent)],
        input=lines,
        env=child.environment(tmp_path),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )


def test_worker_answers_each_request_and_ends_with_its_input(tmp_path: Path) -> None:
    ran = run(tmp_path, '{"do": "sing"}\n{"do": "dance"}\n', os.getpid())
    assert ran.returncode == 0, ran.stderr
    answers = [json.loads(line) for line in ran.stdout.splitlines()]
    assert answers == [{"failed": "KeyError: 'sing'"}, {"failed": "KeyError: 'dance'"}]


def test_worker_without_its_parent_answers_nothing(tmp_path: Path) -> None:
    ran = run(tmp_path, '{"do": "sing"}\n', os.getpid() + 10_000_000)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "ended before it was answered" in ran.stderr


@pytest.mark.parametrize("what", ["mteb", "numpy", "datasets"])
def test_worker_is_imported_without_what_it_runs(what: str) -> None:
    """Steps import it for its path alone."""
    code = f"import sys\nfrom pipeline.isolated import mteb_worker\nprint({what!r} in sys.modules)\n"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"
