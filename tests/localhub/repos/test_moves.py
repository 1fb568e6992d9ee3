from __future__ import annotations

import json
from pathlib import Path

from localhub.repos.moves import Moves


def test_moves_lead_from_every_old_name_to_the_one_of_now(tmp_path: Path) -> None:
    moves = Moves(tmp_path / "moved.json")
    assert moves.target("models/ann/a") is None
    moves.add("models/ann/a", "models/ann/b")
    moves.add("models/ann/b", "models/ann/C")
    for kept in (moves, Moves(tmp_path / "moved.json")):  # those of a server that was started again
        found = [kept.target(name) for name in ("models/ann/A", "models/ann/b", "models/ann/c")]
        assert found == ["models/ann/C", "models/ann/C", None]


def test_moves_back_and_forth_lead_in_no_circle(tmp_path: Path) -> None:
    moves = Moves(tmp_path / "moved.json")
    moves.add("models/ann/a", "models/ann/b")
    moves.add("models/ann/b", "models/ann/A")
    assert moves.target("models/ann/a") is None
    assert moves.target("models/ann/b") == "models/ann/A"
    moves.add("models/ann/A", "models/ann/a")  # other letters, the same name
    assert moves.target("models/ann/a") is None
    assert moves.target("models/ann/b") == "models/ann/a"


def test_moves_end_where_a_name_is_taken_or_its_repo_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "moved.json"
    moves = Moves(path)
    moves.add("models/ann/a", "models/ann/B")
    moves.add("models/ann/x", "models/ann/y")
    before = path.stat().st_mtime_ns
    moves.forget("models/ann/nobody")
    assert path.stat().st_mtime_ns == before  # nothing was written
    moves.forget("models/ann/b")  # gone: nothing leads there
    moves.forget("models/ann/X")  # another repo has the name
    assert json.loads(path.read_bytes()) == {}
