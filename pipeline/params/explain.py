"""What is wrong with a params.yaml, in the words of who wrote it: the value as YAML, and what was wanted."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from ruamel.yaml.composer import ComposerError
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.scanner import ScannerError

from pipeline.params.rewrite import as_written

_SHOWN_LETTERS = 80
# By pydantic's type of fault, to be filled with what it says of the limit.
_WANTED: Mapping[str, str] = {
    "tuple_type": "a list, like [a, b]",
    "dict_type": "keys with values, like {{key: value}}",
    "model_type": "keys with values, like {{key: value}}",
    "string_type": "a text; quotes make one of a number or a date",
    "bool_type": "true or false",
    "int_type": "a whole number, without quotes",
    "float_type": "a number, with a point and without quotes, like 0.05",
    "finite_number": "a number that is finite",
    "greater_than": "more than {gt:.16g}",
    "greater_than_equal": "{ge:.16g} or more",
    "less_than": "less than {lt:.16g}",
    "less_than_equal": "{le:.16g} or less",
    "literal_error": "{expected}",
    "too_short": "{min_length} or more of them",
    "string_too_short": "{min_length} or more characters",
    "union_tag_invalid": "{expected_tags}",
    "union_tag_not_found": "the key {discriminator} in it",
    "invalid_key": "a text as the key",
}


def fault(found: Mapping[str, Any]) -> str:
    """Return what one fault is that pydantic found: key, value found, value wanted.

    Args:
        found: One of `ValidationError.errors()`.
    """
    kind, limit = found["type"], found.get("ctx", {})
    # pydantic puts a probe's kind between its name and its keys, where the file has nothing.
    parts = [part for place, part in enumerate(found["loc"]) if place != 2 or found["loc"][0] != "probes"]
    of_key = parts[-1:] == ["[key]"]
    if of_key:  # the key itself is found last but one already
        parts = parts[:-2]
    key = ".".join(map(str, parts))
    if kind == "extra_forbidden":
        return f"{key}: unknown key; remove it, or correct its spelling (docs/params.md lists them)"
    if kind == "missing":
        return f"{key}: missing; set it (docs/params.md explains each key)"
    if kind == "value_error":
        message = str(limit["error"])
        return f"{key}: {message}" if key else message
    if kind not in _WANTED:
        return f"{key}: found {_shown(found['input'])}; {found['msg'][0].lower()}{found['msg'][1:]}"
    value = "the key " if of_key or kind == "invalid_key" else ""
    return f"{key}: found {value}{_shown(found['input'])}; wanted {_WANTED[kind].format(**limit)}"


def large_numbers(content: object, key: str = "") -> list[str]:
    """Return a line for each whole number that no step could count to."""
    if isinstance(content, Mapping):
        inside = [(f"{key}.{name}" if key else str(name), one) for name, one in content.items()]
        return [line for name, one in inside for line in large_numbers(one, name)]
    if isinstance(content, list | tuple):
        return [line for place, one in enumerate(content) for line in large_numbers(one, f"{key}.{place}")]
    if isinstance(content, int) and abs(content) >= 2**63:
        return [f"{key}: found {content}; wanted a number of 64 bits at most"]
    return []


def not_yaml(path: Path, text: str, error: Exception) -> str:
    """Return where a text is no YAML, with the line that is to be corrected."""
    if isinstance(error, ReaderError):
        number = text.count("\n", 0, error.position) + 1
        return (
            f"{path} is not YAML in line {number}: the character of code {error.character:#06x} is one "
            "that no text has. Take it out"
        )
    if not isinstance(error, MarkedYAMLError) or error.problem_mark is None:
        return (
            f"{path} is not YAML: {' '.join(str(error).split())}; wanted sections, like `train:`. Correct it"
        )
    # A scanner knows where the piece began that it could not make sense of.
    begun = error.context_mark if isinstance(error, ScannerError) else None
    mark = begun or error.problem_mark
    lines = text.splitlines()
    line = lines[mark.line].strip() if mark.line < len(lines) else ""
    within = f" {error.context}" if isinstance(error, ComposerError) and error.context else ""
    tab = "a tab, where YAML wants blanks" if text[mark.index : mark.index + 1] == "\t" else error.problem
    return (
        f"{path} is not YAML in line {mark.line + 1}, column {mark.column + 1}:{within} {tab}\n"
        f"  {line}\nCorrect that line, or the one above it"
    )


def not_utf8(path: Path, error: UnicodeDecodeError) -> str:
    """Return where a file's bytes are no text, and what to do."""
    line = error.object.count(b"\n", 0, error.start) + 1
    return (
        f"{path} is not YAML: line {line} has the byte 0x{error.object[error.start]:02x}, which is no UTF-8; "
        "wanted UTF-8. Save the file so"
    )


def kind(content: object) -> str:
    """Return what a document holds in place of sections, in YAML's words."""
    return "nothing" if content is None else "a list" if isinstance(content, list) else _shown(content)


def _shown(value: object) -> str:
    plain = list(value) if isinstance(value, tuple) else value
    said = (
        as_written(plain)
        if isinstance(plain, str | int | float | list | Mapping | date | None)
        else repr(value)
    )
    return said if len(said) <= _SHOWN_LETTERS else f"{said[:_SHOWN_LETTERS]}…"
