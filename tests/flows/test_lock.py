from pathlib import Path

import pytest

from flows import lock
from pipeline.errors import InvalidWorkspace


def test_lock_is_held_by_one_at_a_time(toy: Path) -> None:
    with lock.hold(toy), pytest.raises(InvalidWorkspace, match="another run"), lock.hold(toy):
        pass
    with lock.hold(toy):
        pass


def test_lock_says_what_a_folder_lacks_to_be_a_workspace(tmp_path: Path) -> None:
    with (
        pytest.raises(InvalidWorkspace, match=r"not a workspace: it has no \.dvc folder"),
        lock.hold(tmp_path),
    ):
        pass
