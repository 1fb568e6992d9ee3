"""docs/troubleshooting.md explains every kind of error, with messages as the code has them."""

import ast
import re
from functools import cache

import pytest

from pipeline import errors
from tests.support.workspaces import PROJECT

PAGE = (PROJECT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
SECTIONS = dict(zip(*[iter(re.split(r"^#{2,3} (\w+)$", PAGE, flags=re.MULTILINE)[1:])] * 2, strict=True))
KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.PipelineError) and kind is not errors.PipelineError
]
# What a person is shown of these is another step's message.
PASSED_ON = {"HubError", "StepFailed"}


@cache
def wordings() -> frozenset[str]:
    """The pieces of text in the code's messages that are long enough to be recognized."""
    found: set[str] = set()
    for room in ("pipeline", "flows"):
        for path in (PROJECT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.add(node.value.strip())
    return frozenset(one for one in found if len(one) >= 20)


def test_page_has_a_section_for_each_kind_of_error_and_no_other() -> None:
    assert list(SECTIONS) == [kind.__name__ for kind in KINDS]


@pytest.mark.parametrize("name", [kind.__name__ for kind in KINDS if kind.__name__ not in PASSED_ON])
def test_page_shows_a_message_that_the_code_has(name: str) -> None:
    (example,) = re.findall(r"^```\n(.*)\n```$", SECTIONS[name], flags=re.MULTILINE)
    assert any(piece in example for piece in wordings()), example
