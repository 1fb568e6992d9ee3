"""Repo cards: the YAML before a README, checked as the Hub checks it, and the Markdown after it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

# Aliases can make a small document huge; no card has this many values.
MAX_VALUES = 100_000

_FRONT_MATTER = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)^---[ \t]*\r?$\n?", re.DOTALL | re.MULTILINE)
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


def read_card(readme: str) -> Card:
    """Take a README apart; a card that cannot be read has errors and no metadata."""
    match = _FRONT_MATTER.match(readme)
    if match is None:
        return Card(None, [], [_EMPTY], readme)
    text = readme[match.end() :]
    try:
        data = _as_json(YAML(typ="safe", pure=True).load(match[1]), [0])
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


def _as_json(value: Any, count: list[int]) -> Any:
    count[0] += 1
    if count[0] > MAX_VALUES:
        raise ValueError(f"more than {MAX_VALUES} values")
    if isinstance(value, dict):
        return {str(key): _as_json(item, count) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_as_json(item, count) for item in value]
    if isinstance(value, date):  # and datetime
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no such numbers
    if value is None or isinstance(value, str | int | float):
        return value
    return str(value)
