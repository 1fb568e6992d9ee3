"""A text shows as it is wherever it stands, whatever is in it."""

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from pipeline.stages.card.markdown import cell, decimal, fenced, inline
from pipeline.wording.words import plain

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table")


@given(st.text())
def test_card_cell_shows_any_text_as_it_is(text: str) -> None:
    tokens = MARKDOWN.parse(f"| a |\n|---|\n| x{cell(text)}x |")
    (found,) = [token for token in tokens if token.type == "inline" and token.content.startswith("x")]
    shown = "".join(child.content for child in found.children or [])
    assert shown == f"x{plain(text)}x"


@given(st.text(alphabet="`a \\|", max_size=12))
def test_card_inline_code_is_never_ended_by_its_text(text: str) -> None:
    (paragraph,) = [token for token in MARKDOWN.parse(f"- {inline(text)}") if token.type == "inline"]
    (code,) = paragraph.children or []
    assert code.type == "code_inline"


@pytest.mark.parametrize("text", ["```", "a\n```\n# heading", "`````"])
def test_card_block_of_code_is_never_ended_by_its_text(text: str) -> None:
    tokens = MARKDOWN.parse(f"```\n{fenced(text)}\n```\n")
    assert [token.type for token in tokens] == ["fence"]


def test_card_numbers_have_four_decimals() -> None:
    assert decimal(0.98765) == "0.9877"
    assert (decimal(None), decimal(True), decimal("NaN")) == ("-", "True", "NaN")


def test_card_plain_text_has_no_hidden_signs() -> None:
    assert plain("a\u202eb\u200bc\x00 \n d") == "abc d"
    assert html.escape(plain("İğdır çŞ")) == "İğdır çŞ"
