"""Markdown of strangers as HTML that can only be looked at."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import quote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup

# Of a card's own HTML only these, without attributes, are kept (sentence-transformers writes them);
# comments are dropped, the rest is shown as text.
_KEPT_HTML = re.compile(r"(</?(?:details|summary|ul|ol|li|code)>|<br ?/?>)")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


@dataclass(frozen=True)
class Place:
    """Where a text stands: the addresses that its relative links and pictures lead below."""

    links: str
    pictures: str


def render_markdown(text: str, place: Place) -> Markup:
    """Turn Markdown into HTML without scripts, styles, attributes of its own or requests elsewhere."""
    markdown = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    markdown.add_render_rule("html_block", _render_html)
    markdown.add_render_rule("html_inline", _render_html)
    tokens = markdown.parse(text)
    for token in tokens:
        if token.children:
            token.children = [new for child in token.children for new in _place(child, place)]
    return Markup(markdown.renderer.render(tokens, markdown.options, {}))


def _render_html(_: RendererHTML, tokens: Sequence[Token], index: int, *__: Any) -> str:
    pieces = _KEPT_HTML.split(_COMMENT.sub("", tokens[index].content))
    return "".join(piece if _KEPT_HTML.fullmatch(piece) else escape(piece) for piece in pieces)


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
