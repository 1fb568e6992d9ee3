"""Repo cards: the YAML before a README, checked as the Hub checks it, and the Markdown after it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

# More is left unread: the parser takes seconds for it. Only cards with the results of hundreds of benchmarks
# have as much.
METADATA_BYTES = 128 * 1024
# What a document may become where its aliases are followed: each value with its length and a little more.
EXPANDED_BYTES = 2 * 1024 * 1024
_VALUE_BYTES = 8
_DEPTH = 64

_FRONT_MATTER = re.compile(r"\A\ufeff?\s*---[ \t]*\r?\n(.*?)^---[ \t]*\r?$\n?", re.DOTALL | re.MULTILINE)
_STRING_LISTS = ("language", "license", "tags", "datasets", "base_model", "metrics")
_STRINGS = ("library_name", "pipeline_tag", "license_name", "license_link", "pretty_name")
# The Hub has lists of both; these are their shapes.
_LICENCE = re.compile(r"[a-z0-9]+([.+-]+[a-z0-9]+)*")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]+)*|code|multilingual")
_EMPTY = (
    "empty or missing yaml metadata in repo card "
    "(https://huggingface.co/docs/hub/model-cards#model-card-metadata)"
)


@dataclass(frozen=True)
class Card:
    """A README taken apart: its metadata (None where there is none), what is wrong with it, its text."""

    data: dict[str, Any] | None
    errors: list[str]
    warnings: list[str]
    text: str


@lru_cache(16)
def read_card(readme: str) -> Card:
    """Take a README apart; a card that cannot be read has errors and no metadata.

    Metadata that is too long is left alone, with a warning.
    """
    match = _FRONT_MATTER.match(readme)
    if match is None:
        return Card(None, [], [_EMPTY], readme)
    text = readme[match.end() :]
    if len(match[1].encode(errors="replace")) > METADATA_BYTES:
        return Card(
            None, [], [f"The metadata is not read here: it has more than {METADATA_BYTES} bytes"], text
        )
    try:
        data = _as_json(_load(match[1]))
    except (YAMLError, ValueError, RecursionError) as error:
        return Card(None, [f"The metadata is not valid YAML: {error}"], [], text)
    if data is None:
        return Card(None, [], [_EMPTY], text)
    if not isinstance(data, dict):
        return Card(None, ["The metadata must be a mapping of keys to values"], [], text)
    errors = _errors(data)
    return Card(None if errors else data, errors, [], text)


def tags(data: Mapping[str, Any]) -> list[str]:
    """The tags that the Hub derives from a card: its own, and `license:…`, `base_model:…` and so on."""
    found = [str(tag) for tag in _listed(data.get("tags"))]
    found += [str(data[key]) for key in ("library_name", "pipeline_tag") if data.get(key)]
    found += [str(language) for language in _listed(data.get("language"))]
    for key, prefix in (("license", "license"), ("datasets", "dataset"), ("base_model", "base_model")):
        found += [f"{prefix}:{value}" for value in _listed(data.get(key))]
    return list(dict.fromkeys(found))


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _texts(value: Any) -> list[str]:
    return [one for one in _listed(value) if isinstance(one, str)]


def _errors(data: Mapping[str, Any]) -> list[str]:
    errors = []
    for key in _STRING_LISTS:
        if any(not isinstance(value, str) for value in _listed(data.get(key))):
            errors.append(f'"{key}" must be a string or a list of strings')
    for key in _STRINGS:
        if data.get(key) is not None and not isinstance(data[key], str):
            errors.append(f'"{key}" must be a string')
    if any(not _LICENCE.fullmatch(value) for value in _texts(data.get("license"))):
        errors.append('"license" must be one of the identifiers that the Hub lists, like apache-2.0')
    if any(not _LANGUAGE.fullmatch(value) for value in _texts(data.get("language"))):
        errors.append('"language" must only contain codes of ISO 639, like tr, "code", "multilingual"')
    index = data.get("model-index")
    if index is not None and not (isinstance(index, list) and all(_is_model(model) for model in index)):
        errors.append('"model-index" must be a list of models, each with a name and a list of results')
    return errors


def _is_model(model: Any) -> bool:
    return (
        isinstance(model, dict)
        and isinstance(model.get("name"), str)
        and isinstance(model.get("results"), list)
        and all(isinstance(result, dict) for result in model["results"])
    )


def _load(text: str) -> Any:
    """Read YAML without following an alias before it is known what that would give."""
    depth = 0
    for letter in text:
        depth = max(depth + _NESTING.get(letter, 0), 0)
        if depth > _DEPTH:  # the parser's time grows with the square of it
            raise ValueError(f"lists or mappings in each other, more than {_DEPTH} deep")
    yaml = YAML(typ="safe", pure=True)
    yaml.composer.warn_double_anchors = False
    node = yaml.compose(text)
    if node is None:
        return None
    if _expanded(node, {}) > EXPANDED_BYTES:
        raise ValueError(f"more than {EXPANDED_BYTES} bytes where its aliases are followed")
    return yaml.constructor.construct_document(node)


_NESTING = {"[": 1, "{": 1, "]": -1, "}": -1}


def _expanded(node: Node, known: dict[int, int | None]) -> int:
    if id(node) in known:
        size = known[id(node)]
        if size is None:
            raise ValueError("an alias that leads to what holds it")
        return size
    known[id(node)] = None
    if isinstance(node, MappingNode):
        inside = [one for pair in node.value for one in pair]
    else:
        inside = node.value if isinstance(node, SequenceNode) else []
    own = len(node.value) if isinstance(node, ScalarNode) else 0
    size = own + _VALUE_BYTES + sum(_expanded(one, known) for one in inside)
    known[id(node)] = size
    return size


def _as_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(_as_json(key)): _as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_as_json(item) for item in value]
    if isinstance(value, date):  # and datetime
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no such numbers
    if value is None or isinstance(value, int | float):
        return value
    # YAML can write half a letter, which nothing else can.
    return str(value).encode(errors="replace").decode()
