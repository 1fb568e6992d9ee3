"""Markdown of strangers as HTML that can only be looked at."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from itertools import pairwise
from typing import Any
from urllib.parse import quote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markupsafe import Markup

# Of a card's own HTML only these, without attributes, are kept (sentence-transformers writes them);
# comments are dropped, the rest is shown as text.
_KEPT_HTML = re.compile(r"(</?(?:details|summary|ul|ol|li|code)>|<br ?/?>)")
# The parser's time grows with the square of some texts. So a long one is shown as it stands, and so is in any
# a paragraph, a heading or a cell longer than people write, and tables whose rows are mostly filled in.
MARKDOWN_BYTES = 128 * 1024
PARAGRAPH_BYTES = 8 * 1024
CELLS_FILLED_IN = 2_000
# Wider than a phone, it is scrolled by itself, also from the keyboard.
_TABLE = '<div class="scroll" role="group" tabindex="0" aria-label="Table"><table>\n'
_OF_A_RULE_BELOW_A_HEAD = frozenset(" \t|:->+*.)0123456789")


@dataclass(frozen=True)
class Place:
    """Where a text stands: the addresses that its relative links and pictures lead below."""

    links: str
    pictures: str


@lru_cache(16)
def render_markdown(text: str, place: Place, *, anchors: bool = False) -> Markup:
    """Turn Markdown into HTML without scripts, styles, attributes of its own or requests elsewhere.

    A text of more than `MARKDOWN_BYTES` is left as it stands.

    Args:
        text: The Markdown.
        place: Where it stands.
        anchors: Name its headings as the Hub does, so that `#a-heading` leads to one.
    """
    if len(text.encode(errors="replace")) > MARKDOWN_BYTES:
        return render_plain(text)
    tables = ["table"] if _cells_filled_in(text) <= CELLS_FILLED_IN else []
    markdown = MarkdownIt("commonmark", {"html": True}).enable([*tables, "strikethrough"])
    markdown.add_render_rule("html_block", _render_html)
    markdown.add_render_rule("html_inline", _render_html)
    markdown.core.ruler.before("inline", "long_paragraphs", _leave_long)
    markdown.add_render_rule("table_open", lambda *_: _TABLE)
    markdown.add_render_rule("table_close", lambda *_: "</table></div>\n")
    tokens = markdown.parse(text)
    if anchors:
        _name_headings(tokens)
    for token in tokens:
        if token.children:
            token.children = [new for child in token.children for new in _place(child, place)]
    return Markup(markdown.renderer.render(tokens, markdown.options, {}))


def _name_headings(tokens: Sequence[Token]) -> None:
    seen: Counter[str] = Counter()
    for opening, inline in pairwise(tokens):
        if opening.type != "heading_open":
            continue
        words = "".join(child.content for child in inline.children or ()).strip().lower()
        name = re.sub(r"[^\w -]", "", words).replace(" ", "-")
        if name:
            opening.attrSet("id", f"{name}-{seen[name]}" if seen[name] else name)
            seen[name] += 1


def _render_html(_: RendererHTML, tokens: Sequence[Token], index: int, *__: Any) -> str:
    pieces = _KEPT_HTML.split(_without_comments(tokens[index].content))
    return "".join(piece if _KEPT_HTML.fullmatch(piece) else escape(piece) for piece in pieces)


def render_plain(text: str) -> Markup:
    """Show a text as it stands."""
    return Markup(f"<pre>{escape(text)}</pre>")


def render_all(texts: Iterable[str], place: Place) -> list[Markup]:
    """Turn several texts of one page into HTML, as long as they are `MARKDOWN_BYTES` together."""
    shown, left = [], MARKDOWN_BYTES
    for text in texts:
        left -= len(text.encode(errors="replace"))
        shown.append(render_markdown(text, place) if left >= 0 else render_plain(text))
    return shown


def _cells_filled_in(text: str) -> int:
    # Each row gets as many cells as the head has; in a list or a quote, too.
    columns, missing = 0, 0
    for line in text.splitlines():
        if not line.strip():
            columns = 0
        elif "-" in line and "|" in line and _OF_A_RULE_BELOW_A_HEAD.issuperset(line):
            columns = line.count("|") + 1
        else:
            missing += max(columns - line.count("|") - 1, 0)
    return missing


def _leave_long(state: StateCore) -> None:
    for token in state.tokens:
        if token.type == "inline" and len(token.content) > PARAGRAPH_BYTES:
            token.type, token.children = "text", []


def _without_comments(html: str) -> str:
    kept, end = [], 0
    while (start := html.find("<!--", end)) >= 0 and (close := html.find("-->", start)) >= 0:
        kept.append(html[end:start])
        end = close + len("-->")
    return "".join([*kept, html[end:]])


def _place(token: Token, place: Place) -> list[Token]:
    if token.type == "link_open":
        href = str(token.attrGet("href") or "")
        token.attrSet("href", _resolve(href, place.links))
        token.attrSet("rel", "nofollow noreferrer")
    elif token.type == "image":
        source = str(token.attrGet("src") or "")
        if urlsplit(source).netloc:
            return _link_to_picture(token, source)
        token.attrSet("src", _resolve(source, place.pictures))
    return [token]


def _resolve(address: str, below: str) -> str:
    parts = urlsplit(address)
    if parts.scheme or parts.netloc or not parts.path or parts.path.startswith("/"):
        return address
    path = posixpath.normpath(parts.path)
    return "#" if path.startswith("..") else f"{below}/{quote(path, safe='/%')}"


def _link_to_picture(picture: Token, source: str) -> list[Token]:
    # A picture from elsewhere would tell its host who looks at this card.
    text = Token("text", "", 0, content=picture.content or source)
    opening = Token("link_open", "a", 1, attrs={"href": source, "rel": "nofollow noreferrer"})
    return [opening, text, Token("link_close", "a", -1)]
