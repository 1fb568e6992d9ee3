"""docs/architecture.svg shows the rooms and imports as they are, and docs/architecture.md names each room."""

import re
from itertools import pairwise
from xml.etree import ElementTree

from docs import draw_architecture
from tests.support.workspaces import PROJECT

SVG = "{http://www.w3.org/2000/svg}"


def test_picture_shows_the_code_as_it_is() -> None:
    drawn = draw_architecture.draw()
    assert draw_architecture.PICTURE.read_text(encoding="utf-8") == drawn, (
        "rooms, docstrings or imports have changed since the picture was drawn: "
        "run `python -m docs.draw_architecture`"
    )


def test_picture_has_arrows_down_and_text_inside_of_its_paper() -> None:
    root = ElementTree.fromstring(draw_architecture.draw())
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    arrows = [one.attrib["d"] for one in root.iter(f"{SVG}path") if one.attrib["class"] == "arrow"]
    assert len(arrows) > 10
    for arrow in arrows:
        places = [tuple(map(float, pair)) for pair in re.findall(r"([\d.]+) ([\d.]+)", arrow)]
        assert all(low[1] <= high[1] for low, high in pairwise(places)), arrow
    for text in root.iter(f"{SVG}text"):
        assert 0 < float(text.attrib["x"]) < width
        assert 0 < float(text.attrib["y"]) < height


def test_picture_leaves_out_what_follows_from_other_arrows() -> None:
    pairs = {("a", "b"), ("b", "c"), ("a", "c"), ("c", "d"), ("a", "d")}
    assert draw_architecture.needed(pairs) == {("a", "b"), ("b", "c"), ("c", "d")}


def test_architecture_names_each_room() -> None:
    text = (PROJECT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rooms = set(draw_architecture.place()) - {"__main__"}
    assert {room for room in rooms if f"`{room}" not in text and f"/{room}" not in text} == set()
    assert "architecture.svg" in text


def test_architecture_names_files_that_there_are() -> None:
    text = (PROJECT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = {one for one in re.findall(r"`([\w/]+\.(?:py|yaml|lock|md))`", text) if "VERB" not in one}
    assert len(named) > 15
    everywhere = [
        path.as_posix() for path in PROJECT.rglob("*.*") if not {".venv", ".sample"} & set(path.parts)
    ]
    assert {one for one in named if not any(path.endswith(f"/{one}") for path in everywhere)} == {"dvc.lock"}
