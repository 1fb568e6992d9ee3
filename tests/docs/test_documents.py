"""Each command of a page is typed by a test as it is written, or it is said why not."""

import importlib.util
import re
import shlex
from argparse import ArgumentParser

import pytest

from pipeline.__main__ import load_module
from tests.support import documents
from tests.support.workspaces import PROJECT

# Words that stand for something in what the pages say of all steps.
PLACEHOLDERS = {"STEP"}


def test_every_command_is_run_by_a_test_or_said_to_be_run_elsewhere() -> None:
    known = {*documents.WALKED, *documents.STARTED, *documents.ELSEWHERE}
    assert set(documents.commands()) == known, "tests/support/documents.py says which test runs which command"


def test_no_command_is_said_to_be_run_elsewhere_that_is_typed() -> None:
    assert set(documents.ELSEWHERE).isdisjoint({*documents.WALKED, *documents.STARTED})


@pytest.mark.parametrize("where", sorted({one for one in documents.ELSEWHERE.values() if "/" in one}))
def test_places_where_commands_are_run_exist(where: str) -> None:
    assert (PROJECT / where.split(",")[0].split()[0]).is_file()


@pytest.mark.parametrize(
    "command", [one for one in documents.named("katman") if one.split()[1] not in PLACEHOLDERS]
)
def test_steps_take_the_arguments_that_pages_give_them(command: str) -> None:
    step, *arguments = shlex.split(command.removeprefix("katman "))
    if arguments and arguments != ["--help"]:
        parser = ArgumentParser(exit_on_error=False)
        getattr(load_module(step), "arguments", lambda parser: None)(parser)
        parser.parse_args(arguments)


def test_modules_that_pages_start_exist() -> None:
    started = [one.split()[2] for one in documents.named("python -m")]
    assert "bench.gate" in started
    assert [one for one in started if importlib.util.find_spec(one) is None] == []


def test_targets_that_pages_name_exist() -> None:
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8").replace("$(VENV):", ".venv:")
    targets = set(re.findall(r"^([\w.-]+):", makefile, flags=re.MULTILINE))
    named = {one.split()[1] for one in documents.named("make")}
    assert "sample" in named
    assert named <= targets


def test_index_leads_to_every_page() -> None:
    index = (PROJECT / "docs" / "README.md").read_text(encoding="utf-8")
    pages = {page.name for page in documents.PAGES if page.parent.name == "docs"} - {"README.md"}
    assert set(re.findall(r"\]\(([a-z]+\.md)\)", index)) == pages
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    assert {f"docs/{name}" for name in pages} <= set(re.findall(r"\]\(([\w/]+\.md)\)", readme))
