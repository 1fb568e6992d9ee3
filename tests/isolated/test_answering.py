"""A process that was asked something answers, whatever becomes of what it does."""

import errno
from pathlib import Path
from typing import Any

import pytest

from pipeline.isolated import child
from pipeline.isolated.answering import full

SCRIPT = """
import sys
from pipeline.errors import InvalidParams
from pipeline.isolated.answering import answer

def do(request):
    {body}

sys.exit(answer(do, lambda error: error.__cause__ or error))
"""


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("return {'asked': request['asked']}", {"asked": "ğ"}),
        ("raise InvalidParams('no')", {"refused": "no", "kind": "InvalidParams"}),
        ("raise MemoryError", {"failed": "it takes more memory than it may (pin.limits.memory_bytes)"}),
        ("raise KeyError('x') from ValueError('y\\nz')", {"failed": "ValueError: y", "full": False}),
        ("raise KeyError('x') from OSError(28, 'y')", {"failed": "OSError: [Errno 28] y", "full": True}),
        ("raise ValueError", {"failed": "ValueError: ValueError", "full": False}),
    ],
)
def test_process_answers_whatever_stops_it(tmp_path: Path, body: str, wanted: dict[str, Any]) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(body=body))
    room = tmp_path / "room"
    room.mkdir()
    assert child.ask(script, room, {"asked": "ğ"}) == wanted


def test_disk_without_room_is_seen_behind_other_errors() -> None:
    assert not full(None)
    assert not full(OSError(errno.EACCES, "x"))
    behind = ValueError("x")
    behind.__context__ = OSError(errno.EDQUOT, "y")
    assert full(behind)
    behind.__context__ = behind.__cause__ = KeyError("z")
    behind.__cause__.__context__ = behind  # a circle ends
    assert not full(behind)
