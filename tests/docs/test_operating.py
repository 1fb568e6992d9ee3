"""Each command of docs/operating.md is run by a test, or it is said why not."""

from tests.support import operating


def test_every_command_of_operating_is_run_by_a_test_or_said_to_be_run_elsewhere() -> None:
    assert set(operating.commands()) == {*operating.WALKED, *operating.ELSEWHERE}
