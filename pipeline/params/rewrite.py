"""Change single keys of params.yaml and keep everything else as a person wrote it."""

import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.events import AliasEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.representer import RoundTripRepresenter
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from pipeline.errors import InvalidParams

_COMMENT_COLUMN = 37
_WORD = re.compile(r"[\w./-]+")


class _AsWritten(RoundTripRepresenter):
    """Writes `null`, where ruamel.yaml would leave an empty place."""

    def represent_none(self, data: None) -> ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:null", "null")


_AsWritten.add_representer(type(None), _AsWritten.represent_none)


def rewrite(path: Path, values: Mapping[str, object]) -> str:
    """Return the text of a file with some dotted keys set anew, as `filled` does it."""
    return filled(path.read_text(encoding="utf-8"), values)


def filled(text: str, values: Mapping[str, object]) -> str:
    """Return the text of a params.yaml with some dotted keys set anew; comments and order stay.

    No file is touched, so that the caller can write it whole. A mapping or a list is written on one line, or,
    where it holds sentences, each of them on its own.
    """
    yaml = _yaml()
    content = yaml.load(text)
    for dotted, value in values.items():
        *parents, key = dotted.split(".")
        section = content
        for parent in parents:
            section = section[parent]
        section[key] = _as_written(value) if isinstance(value, Mapping | list) else value
    return _dump(yaml, content)


def as_written(value: object) -> str:
    """Return a value as `filled` writes it behind its key.

    >>> print(as_written({"train": "train", "dev": None, "widths": [32, 16], "said": "is it?"}))
    {train: train, dev: null, widths: [32, 16], said: "is it?"}
    """
    return _flow("key", _as_written(value)).removeprefix("key: ")


def refers(text: str) -> bool:
    """Return whether a params.yaml takes a value from another place of it, as `*alias`."""
    return any(isinstance(event, AliasEvent) for event in _yaml().parse(text))


def has(text: str, dotted: str) -> bool:
    """Return whether a params.yaml says something at a dotted key; null says so for a whole section."""
    content = YAML(typ="safe", pure=True).load(text)
    for key in dotted.split("."):
        if content is None:
            return True
        if not isinstance(content, dict) or key not in content:
            return False
        content = content[key]
    return True


def add(text: str, dotted: str, value: Any, comment: str) -> str:
    """Return the text with a key added as the last of its section, and with the section where it is missing.

    No other line changes, because ruamel.yaml itself would put the key below the next section's heading.

    Args:
        text: A params.yaml that lacks the key.
        dotted: The key, like `hub.retries`.
        value: Plain values, also nested.
        comment: Put behind the value, on its line.

    Raises:
        InvalidParams: What stands in the place of the key's section is no section.
    """
    *parents, key = dotted.split(".")
    section = _section(text, parents)
    if section is None:
        return add(text, ".".join(parents), {key: value}, comment)
    if section.flow_style and section.value:
        end = section.value[-1][1].end_mark.index
        return f"{text[:end]}, {_flow(key, value)}{text[end:]}"
    if section.flow_style:
        start = section.start_mark.index + 1
        return f"{text[:start]}{_flow(key, value)}{text[start:]}"
    end = _end_of_line(text, _end(text, section))
    indent = section.value[0][0].start_mark.column if section.value else 0
    return f"{text[:end]}\n{_line(' ' * indent, key, value, comment)}{text[end:]}"


def remark(text: str, dotted: str, said: str) -> str:
    """Return the text with a remark in the comment on a key's line; without it where there is no such key."""
    *parents, key = dotted.split(".")
    section = _section(text, parents)
    place = None if section is None else _place(section, key)
    if section is None or place is None:
        return text
    name, value = section.value[place]
    end = _end_of_line(text, name.start_mark.index)
    behind = value.end_mark.index if value.end_mark.index <= end else name.end_mark.index
    line = text[text.rfind("\n", 0, end) + 1 : end].rstrip()
    begin = end - len(text[text.rfind("\n", 0, end) + 1 : end])
    marked = f"{line} ({said})" if "#" in text[behind:end] else f"{line.ljust(_COMMENT_COLUMN - 2)}  # {said}"
    return f"{text[:begin]}{marked}{text[end:]}"


def remove(text: str, dotted: str) -> str:
    """Return the text without a key and the comment on its line, and without a section that this empties."""
    *parents, key = dotted.split(".")
    section = _section(text, parents)
    place = None if section is None else _place(section, key)
    if section is None or place is None:
        return text
    if len(section.value) == 1 and parents:
        return remove(text, ".".join(parents))
    name, value = section.value[place]
    if section.flow_style:
        first = place == 0
        start = name.start_mark.index if first else section.value[place - 1][1].end_mark.index
        end = section.value[1][0].start_mark.index if first else value.end_mark.index
        return text[:start] + text[end:]
    start = text.rfind("\n", 0, name.start_mark.index) + 1
    return text[:start] + text[_end_of_line(text, _end(text, value)) + 1 :]


def _yaml() -> YAML:
    yaml = YAML()
    yaml.Representer = _AsWritten
    yaml.preserve_quotes = True
    yaml.width = 4096
    return yaml


def _dump(yaml: YAML, content: Any) -> str:
    text = io.StringIO()
    yaml.dump(content, text)
    return text.getvalue()


def _flow(key: str, value: Any) -> str:
    """Return `key: value` on one line."""
    yaml = _yaml()
    yaml.default_flow_style = True
    return _dump(yaml, {key: value}).strip()[1:-1]


def _line(indent: str, key: str, value: Any, comment: str) -> str:
    """Return the line of a key; a new section at the top of the file takes several."""
    if isinstance(value, dict) and value and not indent:
        inside = [_line("  ", name, one, comment) for name, one in value.items()]
        return "\n".join([f"\n{key}:", *inside])
    return f"{indent}{_flow(key, value)}".ljust(_COMMENT_COLUMN - 2) + f"  # {comment}"


def _section(text: str, parents: list[str]) -> MappingNode | None:
    """Return the mapping at a path of keys; None where the file has none there."""
    section: MappingNode = _yaml().compose(text)
    for depth, parent in enumerate(parents):
        place = _place(section, parent)
        if place is None:
            return None
        found = section.value[place][1]
        if not isinstance(found, MappingNode):
            raise InvalidParams(
                f"{'.'.join(parents[: depth + 1])} of params.yaml is {found.value!r}; wanted a section, with "
                "keys in it. Correct it, or take it out"
            )
        section = found
    return section


def _place(section: MappingNode, key: str) -> int | None:
    """Return the number of a key in a mapping."""
    return next((place for place, (name, _) in enumerate(section.value) if name.value == key), None)


def _end(text: str, node: Node) -> int:
    """Return the place behind a node's last character, before any comment or empty line below it."""
    if isinstance(node, MappingNode | SequenceNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(text, last[1] if isinstance(last, tuple) else last)
    return len(text[: node.end_mark.index].rstrip())


def _end_of_line(text: str, place: int) -> int:
    found = text.find("\n", place)
    return len(text) if found < 0 else found


def _as_written(value: object) -> object:
    """Return a value as it is written: on one line, or, where it holds sentences, each of them on its own.

    libyaml, with which DVC reads, takes the `?` of `[really?, yes]` for a mark of its own. Quotes would do,
    but `dvc exp run -S` writes the file anew without them.
    """
    if isinstance(value, str):
        return value if _WORD.fullmatch(value) else DoubleQuotedScalarString(value)
    written: CommentedMap | CommentedSeq
    if isinstance(value, Mapping):
        written = CommentedMap({key: _as_written(one) for key, one in value.items()})
        parts = list(written.values())
    elif isinstance(value, list):
        written = CommentedSeq([_as_written(one) for one in value])
        parts = list(written)
    else:
        return value
    if all(_fits_on_a_line(one) for one in parts):
        written.fa.set_flow_style()
    return written


def _fits_on_a_line(written: object) -> bool:
    if isinstance(written, CommentedMap | CommentedSeq):
        return bool(written.fa.flow_style())
    return not isinstance(written, DoubleQuotedScalarString)
