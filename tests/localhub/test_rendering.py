from __future__ import annotations

import pytest

from localhub.rendering import Place, render_markdown

PLACE = Place("/ann/m/blob/main", "/ann/m/resolve/main")


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("![a](img/a.png)", '<img src="/ann/m/resolve/main/img/a.png" alt="a" />'),
        ("![a](./a%20b.png)", '<img src="/ann/m/resolve/main/a%20b.png" alt="a" />'),
        ("[a](docs/a.md#b)", '<a href="/ann/m/blob/main/docs/a.md" rel="nofollow noreferrer">'),
        ("[a](../../x)", '<a href="#" rel="nofollow noreferrer">'),
        ("[a](https://e.org/?q=1)", '<a href="https://e.org/?q=1" rel="nofollow noreferrer">'),
        ("[a](#b)", '<a href="#b" rel="nofollow noreferrer">'),
        ("![seen](https://e.org/a.png)", '<a href="https://e.org/a.png" rel="nofollow noreferrer">seen</a>'),
        ("![seen](//e.org/a.png)", '<a href="//e.org/a.png" rel="nofollow noreferrer">seen</a>'),
        ("|a|b|\n|-|-|\n|1|2|", "<td>1</td>"),
        ("<!-- a\nnote -->\ntext", "<p>text</p>"),
        ("a <!-- note --> b", "<p>a  b</p>"),
        ("|a|\n|-|\n|<ul><li>min: 4</li></ul>|", "<td><ul><li>min: 4</li></ul></td>"),
        ("<details><summary>More</summary>\n\n*text*\n\n</details>", "<details><summary>More</summary>"),
    ],
)
def test_rendering_keeps_what_a_card_needs(text: str, html: str) -> None:
    assert html in render_markdown(text, PLACE)


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "text <script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<details open ontoggle=alert(1)>",
        "<details><summary><svg/onload=alert(1)></summary></details>",
        "<!-- --><script>alert(1)</script><!-- -->",
        "<style>body{display:none}</style>",
        '<a href="javascript:alert(1)">a</a>',
        "<iframe src=//e.org></iframe>",
        '![a](x" onerror="alert(1))',
        '![a](x "t\\" onerror=\\"alert(1)")',
        "```<script>\n<script>\n```",
        "`<script>`",
        "<p></main><form action=//e.org>",
    ],
)
def test_rendering_html_of_a_card_is_text(text: str) -> None:
    html = render_markdown(text, PLACE)
    for tag in ("<script", "<svg", "<style", "<iframe", "<form", "<details open", "</main"):
        assert tag not in html
    for tag in html.split("<")[1:]:
        assert "onerror=" not in tag.partition(">")[0].replace("&quot; onerror=", "")


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "vbscript:x", "data:text/html,x", "file:///etc"]
)
def test_rendering_an_address_that_runs_is_no_link(address: str) -> None:
    for text in (f"[a]({address})", f"![a]({address})", f"<{address}>"):
        html = render_markdown(text, PLACE)
        assert "href=" not in html
        assert "src=" not in html
