"""Every way in which a step says no has its place in the tree, its exit code, and says whether it passes."""

import inspect

import pytest

from pipeline import errors
from pipeline.errors import ExitCode, HubUnreachable, PipelineError, StepFailed

KINDS = [one for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, PipelineError)]


@pytest.mark.parametrize("kind", KINDS)
def test_kind_of_error_stands_in_the_tree_with_its_exit_code(kind: type[PipelineError]) -> None:
    (line,) = [line for line in (errors.__doc__ or "").splitlines() if f"{kind.__name__} " in line]
    marked = f"(exit code {int(kind.exit_code)})" in line
    assert marked == (kind.exit_code is not ExitCode.FAILED)


@pytest.mark.parametrize("lasting", [True, False])
def test_hub_that_is_away_passes_unless_the_answer_would_last(lasting: bool) -> None:
    assert HubUnreachable("away", lasting=lasting).passing is not lasting


def test_step_that_failed_ends_as_its_own_process_did() -> None:
    found = StepFailed("said", ExitCode.CONTRADICTED, passing=True)
    assert (str(found), found.exit_code, found.passing) == ("said", 3, True)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("a\nb"), "a"),
        (ValueError("  \n "), "ValueError"),
        (KeyError(), "KeyError"),
        (OSError(" x "), "x"),
    ],
)
def test_first_line_of_an_error_is_never_empty(error: BaseException, line: str) -> None:
    assert errors.first_line(error) == line
