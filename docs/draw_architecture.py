"""Draw `docs/architecture.svg`, the rooms and who imports whom: `python -m docs.draw_architecture`.

What the picture says is read from the code: docstrings, verbs and imports. Only where a room stands in it
is said here, in `ROWS`; arrows that go up, or a room without a place, are an error.
"""

import ast
import textwrap
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from xml.sax.saxutils import escape

from pipeline.workspace.lineage import NAMES

PROJECT = Path(__file__).resolve().parent.parent
PICTURE = Path(__file__).with_name("architecture.svg")
OUTSIDE = ("flows", "sample", "bench", "localhub")
LEFT, MIDDLE, RIGHT, BOTH = (30, 300), (345, 615), (660, 930), (345, 930)
# From the top: height of the row, and its rooms with their left and right ends.
ROWS: tuple[tuple[int, dict[str, tuple[int, int]]], ...] = (
    (124, {"flows": (30, 242), "sample": (259, 471), "bench": (488, 701), "localhub": (718, 930)}),
    (84, {"__main__": MIDDLE}),
    (84, {"commands": MIDDLE}),
    (84, {"preflight": LEFT}),
    (116, {"stages": BOTH}),
    (84, {"publishing": LEFT, "engine": MIDDLE, "judging": RIGHT}),
    (84, {"hub": LEFT, "embedding": MIDDLE, "dataset": RIGHT}),
    (84, {"device": LEFT, "workspace": MIDDLE, "wording": RIGHT}),
    (84, {"records": LEFT, "params": MIDDLE, "isolated": RIGHT}),
    (84, {"errors": MIDDLE}),
)
WIDTH, GAP, CORRIDORS = 960, 44, (322, 638)
STYLE = """
  text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; fill: #24292f }
  .name { font-size: 15px; font-weight: 600 }
  .faint { fill: #57606a }
  .paper { fill: #ffffff }
  .room { fill: #f6f8fa; stroke: #8c959f }
  .outside { fill: #fff8e6; stroke: #bf8700 }
  .stage { fill: #ddf4ff; stroke: #218bff }
  .arrow { fill: none; stroke: #57606a; stroke-width: 1.4 }
  .by-name { stroke-dasharray: 5 4 }
  .head { fill: #57606a }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .faint { fill: #9198a1 }
    .paper { fill: #0d1117 }
    .room { fill: #161b22; stroke: #6e7681 }
    .outside { fill: #2b2111; stroke: #bb8009 }
    .stage { fill: #0c2d4a; stroke: #1f6feb }
    .arrow { stroke: #9198a1 }
    .head { fill: #9198a1 }
  }
"""


@dataclass(frozen=True)
class Box:
    """Where a room stands."""

    row: int
    left: float
    right: float
    top: float
    bottom: float

    @property
    def middle(self) -> float:
        """The horizontal place of its middle."""
        return (self.left + self.right) / 2


def modules() -> dict[str, Path]:
    """Return every module of the project by name."""
    paths = [path for top in ("pipeline", *OUTSIDE) for path in sorted((PROJECT / top).rglob("*.py"))]
    names = [path.relative_to(PROJECT).with_suffix("").parts for path in paths]
    return {
        ".".join(name[:-1] if name[-1] == "__init__" else name): path
        for name, path in zip(names, paths, strict=True)
    }


def room_of(module: str) -> str:
    """Return the room of a module: its part of `pipeline`, or the folder beside it."""
    first, *rest = module.split(".")
    return rest[0] if first == "pipeline" and rest else first


def imports(found: dict[str, Path]) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """Return the pairs of rooms of which one imports the other, and those that `__main__` loads by name."""
    direct: set[tuple[str, str]] = set()
    by_name: set[tuple[str, str]] = set()
    for module, path in found.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                inside = [f"{node.module}.{alias.name}" for alias in node.names]
                named, pairs = [one if one in found else node.module for one in inside], direct
            elif isinstance(node, ast.Import):
                named, pairs = [alias.name for alias in node.names], direct
            elif isinstance(node, ast.Constant) and module == "pipeline.__main__":
                named, pairs = [str(node.value)], by_name
            else:
                continue
            pairs |= {(room_of(module), room_of(one)) for one in named if one in found}
    return (
        {(one, other) for one, other in direct if one != other and other != "pipeline"},
        {(one, other) for one, other in by_name if one != other and other != "pipeline"},
    )


def needed(pairs: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return the pairs that do not follow from others: the transitive reduction."""

    def reached(room: str) -> set[str]:
        after = {other for one, other in pairs if one == room}
        return after.union(*map(reached, after))

    return {
        (one, other)
        for one, other in pairs
        if not any(other in reached(via) for first, via in pairs if first == one and via != other)
    }


def place() -> dict[str, Box]:
    """Return where each room stands."""
    boxes: dict[str, Box] = {}
    top = 20.0
    for row, (height, rooms) in enumerate(ROWS):
        boxes |= {room: Box(row, left, right, top, top + height) for room, (left, right) in rooms.items()}
        top += height + GAP
    return boxes


def draw() -> str:
    """Return the picture as SVG."""
    found, boxes = modules(), place()
    direct, by_name = imports(found)
    rooms = {room_of(module) for module in found} - {"pipeline"}
    if rooms != set(boxes):
        raise ValueError(f"the rooms {sorted(rooms ^ set(boxes))} have no place in ROWS, or are no more")
    inside = {pair for pair in direct | by_name if not set(pair) & set(OUTSIDE)}
    lines = {pair: pair in by_name and pair not in direct for pair in needed(inside)}
    lines |= {pair: True for pair in by_name if pair[1] in OUTSIDE}
    height = max(box.bottom for box in boxes.values()) + 76
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" role="img" '
        'aria-label="The rooms of katman and who imports whom">',
        f"<style>{STYLE}</style>",
        '<marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto"><path class="head" d="M0 0 L8 4 L0 8 z"/></marker>',
        f'<rect class="paper" width="{WIDTH}" height="{height:g}"/>',
        *_arrows(boxes, lines),
        *(part for room, box in boxes.items() for part in _room(room, box, found, direct)),
        *_text(30, height - 46, "faint", _LEGEND),
    ]
    return "\n".join([*parts, "</svg>", ""])


_LEGEND = (
    "An arrow means: imports. Arrows that follow from others are left out. A dashed one: loaded by name when",
    "its verb is called. What stands at the top may import pipeline, and pipeline imports none of it.",
)


def _room(room: str, box: Box, found: dict[str, Path], direct: set[tuple[str, str]]) -> list[str]:
    """Draw a room: its name, what its docstring promises, and what belongs to it alone."""
    package = room if room in OUTSIDE else f"pipeline.{room}"
    doc = ast.get_docstring(ast.parse(found[package].read_text(encoding="utf-8"))) or ""
    kept = [one for one in found if one.startswith(f"{package}.") and found[one].stem != "__init__"]
    name = room if room in OUTSIDE else f"pipeline/{room}{'' if kept else '.py'}"
    columns = int((box.right - box.left - 24) / 6.3)
    said = textwrap.wrap(doc.partition("\n")[0].replace("`", ""), columns)[: 4 if room in OUTSIDE else 3]
    shown = [
        _rectangle("outside" if room in OUTSIDE else "room", box.left, box.top, box.right, box.bottom),
        *_text(box.left + 12, box.top + 22, "name", [name]),
        *_text(box.left + 12, box.top + 42, "", said),
    ]
    if room in OUTSIDE:
        others = {"pipeline" if other not in OUTSIDE else other for one, other in direct if one == room}
        said = [f"imports {', '.join(sorted(others)) or 'nothing of the project'}"]
        shown += _text(box.left + 12, box.bottom - 10, "faint", said)
    if room == "commands":
        verbs = " ".join(one.rpartition(".")[2] for one in kept)
        shown += _text(box.left + 12, box.top + 78, "faint", textwrap.wrap(verbs, columns)[:3])
    if room == "stages":
        width = (box.right - box.left - 24 - 14 * (len(NAMES) - 1)) / len(NAMES)
        for number, stage in enumerate(NAMES):
            left = box.left + 12 + number * (width + 14)
            shown.append(_rectangle("stage", left, box.bottom - 46, left + width, box.bottom - 16))
            shown.append(
                f'<text x="{left + width / 2:g}" y="{box.bottom - 27:g}" text-anchor="middle">{stage}</text>'
            )
            if number:
                shown.append(_line("arrow", [(left - 13, box.bottom - 31), (left - 1, box.bottom - 31)]))
    return shown


def _arrows(boxes: dict[str, Box], lines: dict[tuple[str, str], bool]) -> list[str]:
    """Draw an arrow per pair; where it passes a row, it goes through the corridor that is nearest."""
    sides: dict[tuple[str, bool], list[tuple[str, str]]] = {}
    for one, other in lines:
        down = boxes[one].row < boxes[other].row
        sides.setdefault((one, down), []).append((other, one))
        sides.setdefault((other, not down), []).append((one, other))

    def port(room: str, other: str, below: bool) -> float:
        """Return where an arrow from or to another room stands on a room's lower or upper side."""
        order = sorted(sides[room, below], key=lambda pair: (boxes[pair[0]].middle, boxes[pair[0]].row))
        box, number = boxes[room], order.index((other, room)) + 1
        return box.left + (box.right - box.left) * number / (len(order) + 1)

    drawn = []
    for (one, other), dashed in sorted(lines.items()):
        above, below = boxes[one], boxes[other]
        down = above.row < below.row
        start, end = port(one, other, down), port(other, one, not down)
        if not down:  # by name, to what stands above
            points = [(start, above.top), (end, below.bottom + 2)]
        else:
            points = [(start, above.bottom), (end, below.top - 2)]
            for row in range(above.row + 1, below.row):
                beside = [box for box in boxes.values() if box.row == row]
                free = [x for x in CORRIDORS if not any(box.left < x < box.right for box in beside)]
                through = min(free, key=lambda x: abs(x - (start + end) / 2))
                points[-1:-1] = [(through, beside[0].top - 12), (through, beside[0].bottom + 12)]
        drawn.append(_line("arrow by-name" if dashed else "arrow", points))
    return drawn


def _line(kind: str, points: list[tuple[float, float]]) -> str:
    """Draw an arrow along points, round where it bends."""
    path = f"M{points[0][0]:g} {points[0][1]:g}"
    for (x, y), (u, v) in pairwise(points):
        half = (y + v) / 2
        path += f" L{u:g} {v:g}" if x == u or y == v else f" C{x:g} {half:g} {u:g} {half:g} {u:g} {v:g}"
    return f'<path class="{kind}" d="{path}" marker-end="url(#head)"/>'


def _rectangle(kind: str, left: float, top: float, right: float, bottom: float) -> str:
    size = f'width="{right - left:g}" height="{bottom - top:g}" rx="6"'
    return f'<rect class="{kind}" x="{left:g}" y="{top:g}" {size}/>'


def _text(x: float, y: float, kind: str, lines: list[str] | tuple[str, ...]) -> list[str]:
    return [
        f'<text class="{kind}" x="{x:g}" y="{y + 16 * number:g}">{escape(line)}</text>'
        for number, line in enumerate(lines)
    ]


if __name__ == "__main__":
    PICTURE.write_text(draw(), encoding="utf-8")
