"""What others wrote, on Prefect's pages: letters, whatever they are."""

import re
from html import unescape

import pytest
from markdown_it import MarkdownIt

from flows.views import markup

HOSTILE = [
    "<script>x</script>",
    "a | b",
    "a \\| b \\",
    "[a](http://b)",
    "![a](http://b/c.svg)",
    "`x`",
    "*a* _b_",
    "www.example.org",
    "a@example.org",
    "# a",
    "&lt; &#60;",
    "a\n- b",
]


def shown(markdown: str) -> tuple[str, set[str]]:
    """What a reader sees of Markdown, and the elements that it is made of."""
    html = MarkdownIt("gfm-like", {"linkify": False}).render(markdown)
    return unescape(re.sub("<[^>]*>", "", html)).strip(), set(re.findall("<([a-z]+)", html))


@pytest.mark.parametrize("text", HOSTILE)
def test_markup_of_others_is_letters(text: str) -> None:
    letters = " ".join(text.split())
    assert shown(markup.plain(text) + "\n")[0] == letters
    seen, elements = shown(f"| a |\n| --- |\n| {markup.plain(text)} |\n")
    assert seen.removeprefix("a").strip() == letters
    assert elements == {"table", "thead", "tr", "th", "tbody", "td"}


@pytest.mark.parametrize("text", HOSTILE)
def test_markup_has_no_entity_which_one_of_the_pages_shows_as_it_stands(text: str) -> None:
    # Prefect's older page knows a backslash, and of entities only those that it makes itself.
    assert not re.search(r"(?<!\\)&", markup.plain(text))


@pytest.mark.parametrize("text", ["- a", "+ a", "1. a", "12) a", "= a", "a\n    b"])
def test_markup_of_a_message_is_a_paragraph(text: str) -> None:
    seen, elements = shown(markup.message(text))
    assert seen.replace("\u00a0", " ") == text
    assert elements <= {"p", "br"}


def test_markup_of_a_message_keeps_its_lines() -> None:
    assert markup.message("check:\n\n  a_b\n") == "check:\\\n\u00a0\u00a0a\\_b"


def test_markup_cuts_what_is_long_for_a_cell() -> None:
    assert markup.cell("a" * 90) == "a" * 90
    assert markup.cell("a" * 91) == "a" * 89 + "…"


def test_markup_fences_a_text_that_has_fences() -> None:
    assert markup.fenced("a\n```\nb", "sh") == "````sh\na\n```\nb\n````"


def test_markup_of_a_table_has_figures_on_the_right() -> None:
    title, table = markup.section("T", ["name", "share"], [["a", "2.5%"], ["b", "-1,000"]])
    assert title == "## T"
    assert table.splitlines()[1] == "| --- | ---: |"
    assert markup.section("T", ["name"], []) == []


WIDE = """before

| | base | this model | against base | against live |
|:---|---:|---:|---:|---:|
| accuracy at 384 | 0.6875 | 0.9125 | +0.225 (+0.165 to +0.286) | -0.0175 (-0.0421 to +0.0045, not proven) |
| nDCG@10 at 64 | 0.2971 | 0.9041 | +0.607 (+0.559 to +0.649) | +0.0009 (-0.0208 to +0.0217, not proven) |

after
"""


def test_markup_leaves_a_table_that_fits() -> None:
    fits = "| check | found |\n|:---|---:|\n| a \\| b | 0.5 |\n"
    assert markup.narrow(fits) == fits


def test_markup_gives_a_wide_table_in_pieces_with_its_names_in_each() -> None:
    narrow = markup.narrow(WIDE)
    assert narrow == (
        "before\n\n"
        "| | base | this model | against base |\n| :--- | ---: | ---: | ---: |\n"
        "| accuracy at 384 | 0.6875 | 0.9125 | +0.225 (+0.165 to +0.286) |\n"
        "| nDCG@10 at 64 | 0.2971 | 0.9041 | +0.607 (+0.559 to +0.649) |\n\n"
        "| | against live |\n| :--- | ---: |\n"
        "| accuracy at 384 | -0.0175 (-0.0421 to +0.0045, not proven) |\n"
        "| nDCG@10 at 64 | +0.0009 (-0.0208 to +0.0217, not proven) |\n\n"
        "after\n"
    )
    assert shown(narrow)[1] == {"p", "table", "thead", "tr", "th", "tbody", "td"}


def test_markup_gives_a_table_of_texts_as_a_list() -> None:
    query, positive = "soru " * 20, "cevap \\| " * 20
    table = f"| query | positive |\n|:---|:---|\n| {query} | {positive} |\n"
    assert markup.narrow(table) == f"- **{query.strip()}**\n  - positive: {positive.strip()}\n"
    assert shown(markup.narrow(table))[1] == {"ul", "li", "strong"}


def test_markup_gives_checks_whose_names_are_long_as_a_list() -> None:
    name, found = "accuracy on the hard subset against the best release at 384", "+0.0100 " * 5
    table = f"| check | found | wanted |\n| --- | --- | --- |\n| {name} | {found} | above -0.03 |\n"
    assert markup.narrow(table) == f"- **{name}**\n  - found: {found.strip()}\n  - wanted: above -0.03\n"


def test_markup_measures_a_link_by_what_is_seen_of_it() -> None:
    address, signs = f"https://hub/{'x' * 200}", "\\_" * 60
    linked = f"| a | b |\n|:---|:---|\n| [one]({address}) | {signs} |\n"
    assert markup.narrow(linked) == linked
