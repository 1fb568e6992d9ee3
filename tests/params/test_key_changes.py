"""Where a key is put into params.yaml, and what is left where one is taken out."""

from typing import Any

import pytest
from ruamel.yaml import YAML

from pipeline.errors import InvalidParams
from pipeline.params.key_changes import Added, Removed, complete
from tests.support.workspaces import PROJECT

OLD = """\
# What a person wrote.
first:
  one: 1            # one
  list:
  - a               # an item

# About the second.
second: {x: 1, y: {z: 2}}  # short
none: null
"""


def plain(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def added(key: str, value: Any = 5) -> Added:
    return Added(key, "9.0", value, "said")


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("first.two", None, "  two: null                          # since 9.0: said"),
        ("first.two", ["a", 1.5], "  two: [a, 1.5]                      # since 9.0: said"),
        ("first.two", {"b": True}, "  two: {b: true}                     # since 9.0: said"),
        ("first.two.three", "x: y", "  two: {three: 'x: y'}               # since 9.0: said"),
        ("third", 1.0e-5, "third: 1e-05                         # since 9.0: said"),
    ],
)
def test_complete_adds_one_line_and_changes_no_other(key: str, value: Any, line: str) -> None:
    found = complete(OLD, [added(key, value)])
    assert [one for one in found.splitlines() if one not in OLD.splitlines()] == [line]
    assert [one for one in found.splitlines() if one != line] == OLD.splitlines()
    section = plain(found)
    for part in key.split("."):
        section = section[part]
    assert section == value


def test_complete_puts_a_key_above_the_next_sections_heading() -> None:
    assert "  - a               # an item\n  two: 5" in complete(OLD, [added("first.two")])


def test_complete_makes_a_section_that_is_missing() -> None:
    found = complete(OLD, [added("third.a"), added("third.b", None)])
    assert found.startswith(OLD)
    assert found[len(OLD) :].splitlines() == [
        "",
        "third:",
        "  a: 5                               # since 9.0: said",
        "  b: null                            # since 9.0: said",
    ]


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (added("second.w"), "second: {x: 1, y: {z: 2}, w: 5}  # short"),
        (added("second.y.w"), "second: {x: 1, y: {z: 2, w: 5}}  # short"),
        (Removed("second.x", "9.0"), "second: {y: {z: 2}}  # short"),
        (Removed("second.y.z", "9.0"), "second: {x: 1}  # short"),
    ],
)
def test_complete_writes_into_a_section_on_one_line(change: Added | Removed, line: str) -> None:
    assert complete(OLD, [change]) == OLD.replace("second: {x: 1, y: {z: 2}}  # short", line)


def test_complete_takes_a_key_with_all_its_lines() -> None:
    wanted = OLD.replace("  list:\n  - a               # an item\n", "")
    assert complete(OLD, [Removed("first.list", "9.0")]) == wanted


def test_complete_leaves_no_empty_section() -> None:
    found = complete(OLD, [Removed("first.one", "9.0"), Removed("first.list", "9.0")])
    assert plain(found) == {"second": {"x": 1, "y": {"z": 2}}, "none": None}
    assert found.startswith("# What a person wrote.\n")


def test_complete_leaves_alone_what_is_there_and_what_is_gone() -> None:
    changes: list[Added | Removed] = [
        added("first.one"),
        added("none"),
        Removed("first.gone", "9.0"),
        Removed("gone.too", "9.0"),
    ]
    assert complete(OLD, changes) == OLD


def test_complete_adds_nothing_to_a_section_that_is_null() -> None:
    assert complete(OLD, [added("none.key")]) == OLD


def test_complete_goes_through_the_versions_in_order() -> None:
    changes: list[Added | Removed] = [added("first.two"), Removed("first.two", "9.1"), added("first.two", 7)]
    assert plain(complete(OLD, changes))["first"]["two"] == 7


def test_complete_refuses_a_value_where_a_section_is_wanted() -> None:
    with pytest.raises(InvalidParams, match=r"first.one of params.yaml is '1'; wanted a section"):
        complete(OLD, [added("first.one.key")])


def test_complete_refuses_aliases() -> None:
    text = "a: &a {x: 1}\nb: *a\n"
    assert complete(text, []) == text
    with pytest.raises(InvalidParams, match="alias"):
        complete(text, [added("b.y")])


def test_complete_keeps_a_file_without_a_last_line_break() -> None:
    assert complete("a:\n  b: 1", [added("a.c")]).splitlines()[1:] == [
        "  b: 1",
        "  c: 5                               # since 9.0: said",
    ]


@pytest.mark.parametrize("path", ["params.yaml", "sample/params.yaml"])
def test_complete_has_nothing_to_do_in_the_projects_own_files(path: str) -> None:
    text = (PROJECT / path).read_text(encoding="utf-8")
    assert complete(text) == text
