"""The documents speak of `katman`, of each of its steps and exit codes, and of no other."""

import re

import pytest

from pipeline.__main__ import STEPS
from pipeline.errors import ExitCode
from tests.support.documents import PAGES
from tests.support.imports import MODULES
from tests.support.workspaces import PROJECT

STEPS_PAGE = PROJECT / "docs" / "steps.md"


def pages() -> str:
    return "\n".join(page.read_text(encoding="utf-8") for page in PAGES)


def test_docs_explain_every_exit_code() -> None:
    table = STEPS_PAGE.read_text(encoding="utf-8").partition("## Exit codes\n")[2].partition("\n## ")[0]
    assert re.findall(r"^\| (\d+) \| ([a-z ]+)", table, flags=re.MULTILINE) == [
        (str(ExitCode.DONE), "done "),
        (str(ExitCode.FAILED), "refused or failed "),
        (str(ExitCode.USAGE), "usage "),
        (str(ExitCode.CONTRADICTED), "contradicted "),
        (str(ExitCode.WAITS_FOR_PERSON), "waits for a person "),
        (str(ExitCode.OVERDUE), "overdue "),
        (str(ExitCode.INTERRUPTED), "interrupted "),
        (str(ExitCode.ENDED), "ended "),
    ]
    assert len(ExitCode) == 8


def test_docs_promise_something_of_every_step() -> None:
    table = STEPS_PAGE.read_text(encoding="utf-8").partition("## What each step promises\n")[2]
    table = table.partition("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)", table, flags=re.MULTILINE)) == {step.name for step in STEPS}


def test_docs_name_no_step_that_there_is_not() -> None:
    named = re.findall(r"(?:`|^)katman ([a-z]+)", pages(), flags=re.MULTILINE)
    assert named
    assert set(named) <= {step.name for step in STEPS}


def test_docs_say_once_that_there_is_another_way_to_start_a_step() -> None:
    assert pages().count("python -m pipeline") == 1
    assert "python -m flows" not in pages()


@pytest.mark.parametrize("name", sorted(set(MODULES) - {"pipeline.__main__"}))
def test_messages_name_the_command_as_the_docs_do(name: str) -> None:
    assert "`python -m pipeline" not in MODULES[name].read_text(encoding="utf-8")
