"""Control characters of a stranger's: none reaches a terminal, a log line, a commit message or Markdown."""

import subprocess
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flows.output import Lines
from pipeline import __main__ as main
from pipeline.errors import InvalidData, printable
from pipeline.stages.card import step as card
from pipeline.workspace import git
from tests import golden
from tests.support.golden_records import GOLDEN
from tests.support.hubs import hub_at
from tests.support.workspaces import repository

# By class: what stands in a name, a text or an answer of somebody else's.
HOSTILE: dict[str, list[str]] = {
    "operating system command": [
        "\x1b]52;c;ZXZpbA==\x07",
        "\x1b]8;;http://evil.test\x1b\\",
        "\x1b]0;title\x07",
    ],
    "sequence": ["\x1b[2J\x1b[H", "\x1b[1A\x1b[2K", "\x1bP+q544e\x1b\\", "\x1bc", "\x1b[?1049h", "\x1b[6n"],
    "C1": ["\x9b31m", "\x9d52;c;ZXZpbA==\x9c", "\x90q\x9c", "\x85"],
    "one sign": ["\x07", "\x08\x08\x08", "\x7f", "\x00", "\x0c", "\x0b", "\x1c"],
    "over the line": ["good\revil"],
    "direction": ["\u202egnp.exe", "\u2066x\u2069", "\u202dx", "\u061c"],
    "line break of another kind": ["\u2028", "\u2029"],
    "half a letter": ["\ud83d"],
    "nobody sees": ["\U000e0041\U000e007f", "\ufff9x\ufffb"],
}
CASES = [(f"{kind} {place}", one) for kind, many in HOSTILE.items() for place, one in enumerate(many)]
all_of_them = pytest.mark.parametrize("text", [one for _, one in CASES], ids=[name for name, _ in CASES])
# Told by Unicode's own tables: controls, halves, further line breaks, and what has or ends a direction.
TURNS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def controls(text: str) -> list[str]:
    return [
        sign
        for sign in text
        if (unicodedata.category(sign) in {"Cc", "Cs", "Zl", "Zp"} and sign not in "\n\t")
        or unicodedata.bidirectional(sign) in TURNS
        or 0xE0000 <= ord(sign) <= 0xE007F
    ]


@all_of_them
def test_error_of_a_step_shows_none(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    main._fail("pin", InvalidData(f"the column {text} is none"))
    said = capsys.readouterr().err
    assert not controls(said)
    assert "\\" in said  # and what it was is still to be seen


@all_of_them
def test_traceback_shows_none(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    main._unexpected(ValueError, ValueError(text), None)
    assert not controls(capsys.readouterr().err)


@all_of_them
def test_log_line_of_the_flow_holds_none(text: str) -> None:
    content = f"before {text} after\n".encode("utf-8", "surrogatepass")
    for line in Lines().feed(content, final=True):
        assert not controls(line.text)


@all_of_them
def test_commit_and_pull_request_on_the_hub_hold_none(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = hub_at("http://127.0.0.1:1")
    sent: list[str] = []

    def create(*_: Any, **said: Any) -> None:
        sent.extend(said[key] for key in ("commit_message", "commit_description"))

    monkeypatch.setattr(hub._api, "create_commit", create)
    hub.open_pull_request("a/b", {}, delete=[], parent="0" * 40, title=f"v1 {text}", text=f"of {text}")
    assert len(sent) == 2
    assert not any(controls(one) for one in sent)


def test_commit_of_git_holds_none(tmp_path: Path) -> None:
    repository(tmp_path)
    (tmp_path / "params.yaml").write_text("a: 1\n")
    git.commit(tmp_path, "".join(text for _, text in CASES))
    ran = subprocess.run(["git", "log", "-1", "--format=%B"], cwd=tmp_path, capture_output=True, check=True)
    said = ran.stdout.decode()
    assert "\\x1b]52" in said
    assert not controls(said)


def test_card_holds_none(monkeypatch: pytest.MonkeyPatch) -> None:
    evil = "".join(text for _, text in CASES if text != "\ud83d")
    dataset = GOLDEN.pin.dataset.model_copy(update={"license": f"own{evil}"})
    training = GOLDEN.training.model_copy(update={"device": f"card{evil}"})
    pin = GOLDEN.pin.model_copy(update={"dataset": dataset, "unused_columns": (evil,)})
    monkeypatch.setattr(card, "records", lambda _: replace(GOLDEN, pin=pin, training=training))
    text = golden.render()
    assert "own" in text
    assert not controls(text)


def test_scripts_keep_what_they_need() -> None:
    for text in ("ığüşöç İ", "می\u200cخواهم", "👩\u200d💻", "שלום\u200f", "a\n\tb", "½\xa0kg", "क्\u200dष"):
        assert printable(text) == text
