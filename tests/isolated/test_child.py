"""A process for what strangers made: what it is given, and how its end is told."""

import os
from pathlib import Path

import pytest

from pipeline.isolated import child
from tests.support.workspaces import PROJECT

ANSWER = "import json, os, sys\n"


def ask(tmp_path: Path, body: str, **settings: str) -> dict[str, object]:
    room = tmp_path / "room"
    room.mkdir()
    script = tmp_path / "script.py"
    script.write_text(ANSWER + body)
    return child.ask(script, room, {"asked": "ğ"}, settings or None)


def test_child_is_given_no_token_and_nothing_of_its_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HF_TOKEN", "HTTPS_PROXY", "AWS_SECRET_ACCESS_KEY", "SSH_AUTH_SOCK"):
        monkeypatch.setenv(name, "secret")
    found = ask(tmp_path, "json.dump(dict(os.environ), open('answer.json', 'w'))", MORE="1")
    assert "secret" not in found.values()
    room = tmp_path / "room"
    assert found["HOME"] == found["TMPDIR"] == str(room / "home")
    assert found["HF_HUB_OFFLINE"] == found["MORE"] == "1"
    assert found["PATH"] == os.environ["PATH"]
    assert str(found["PYTHONPATH"]).split(os.pathsep)[0] == str(PROJECT)


def test_child_reads_the_request_and_answers_in_its_own_folder(tmp_path: Path) -> None:
    found = ask(
        tmp_path,
        "json.dump([json.load(sys.stdin)['asked'], os.getcwd(), sys.argv[1]], open('answer.json', 'w'))",
    )
    assert list(found) == ["ğ", str(tmp_path / "room"), str(os.getpid())]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise ValueError('broken')", "ended with 1: ValueError: broken"),
        ("sys.exit(3)", "ended with 3: it said nothing"),
        ("os.kill(os.getpid(), 9)", "ended with -9: it said nothing"),
    ],
)
def test_child_that_ends_without_an_answer_says_how(tmp_path: Path, body: str, said: str) -> None:
    assert ask(tmp_path, body)["ended"] == said
