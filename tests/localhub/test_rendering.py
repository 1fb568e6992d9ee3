from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from localhub.rendering import MARKDOWN_BYTES, PARAGRAPH_BYTES, Place, render_all, render_markdown

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


def test_rendering_names_headings_so_that_links_in_the_text_lead_to_them() -> None:
    text = '# ⚠️ A `b`, *c*: d_e\n\n## Same\n\n## Same\n\n## Türkçe İyi\n\n## "><script>\n\n## !\n'
    named = re.findall(r"<h\d(.*?)>", render_markdown(text, PLACE, anchors=True))
    assert named == [
        ' id="-a-b-c-d_e"',
        ' id="same"',
        ' id="same-1"',
        ' id="türkçe-iyi"',
        ' id="script"',
        "",
    ]
    assert " id=" not in render_markdown(text, PLACE)


def test_rendering_leads_every_link_inside_a_release_card_to_a_heading() -> None:
    card = Path(__file__).parents[1].joinpath("golden", "card.md").read_text(encoding="utf-8")
    html = render_markdown(card, PLACE, anchors=True)
    links = set(re.findall(r'href="#(.*?)"', html))
    assert links
    assert links <= set(re.findall(r'<h\d id="(.*?)"', html))


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


SIZE = 30_000
SLOW = {
    "open brackets": "[" * SIZE,
    "pictures": "![" * (SIZE // 2),
    "links": "[a](" * (SIZE // 4),
    "comments that do not end": "<div>\n" + "<!--" * (SIZE // 4),
    "comments in a line": "a" + "<!--" * (SIZE // 4),
    "emphasis": "*a **b " * (SIZE // 7),
    "a wide table": "|".join("a" * 5000) + "\n" + "|".join("-" * 5000) + "\n" + "x\n" * 5000,
    "wide tables": ("|".join("a" * 250) + "\n" + "|".join("-" * 250) + "\n" + "x\n" * 250 + "\n") * 20,
    "a wide table in a quote": "> "
    + "|".join("a" * 5000)
    + "\n> "
    + "|".join("-" * 5000)
    + "\n"
    + "> x\n" * 5000,
    "quotes": ">" * SIZE,
}


@pytest.mark.parametrize("text", SLOW.values(), ids=SLOW)
def test_rendering_takes_no_time_that_grows_with_the_square_of_the_text(text: str) -> None:
    start = time.process_time()
    html = render_markdown(text, PLACE)
    assert time.process_time() - start < 2
    assert len(html) < 50 * len(text)


def test_rendering_shows_what_is_too_long_as_it_stands() -> None:
    long = "*a* <b>\n\n" * (MARKDOWN_BYTES // 9 + 1)
    assert render_markdown(long, PLACE).startswith("<pre>*a* &lt;b&gt;\n")
    paragraph = "*a* <b> " * (PARAGRAPH_BYTES // 8 + 1)
    html = render_markdown(f"# *Title*\n\n{paragraph}\n", PLACE)
    assert "<em>Title</em>" in html
    assert "<p>\n*a* &lt;b&gt; *a*" in html


def test_rendering_of_several_texts_ends_where_they_are_too_long_together() -> None:
    one = "*a*\n\n" * 10_000
    shown = render_all([one] * 4, PLACE)
    assert [html.startswith("<pre>") for html in shown] == [False, False, True, True]
