"""How many tokens, dimensions and layers a model has, as far as its small JSON files tell."""

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from pipeline.errors import InvalidData, InvalidParams
from pipeline.params.model import ModelParams
from pipeline.stages.pin.model.modules import CONFIG, configuration, modules

# Where a model counts positions from behind the padding token's.
_BEHIND_PADDING = ("roberta", "camembert", "mpnet", "data2vec-text", "longformer")
# Layers are made one by one, before any weight is read. The deepest encoders have under a hundred.
_LAYERS = re.compile(r"(num|n|encoder|decoder)_?(hidden_|encoder_|decoder_)?(layers?|groups|blocks)")
_MOST_LAYERS, _DEEPEST = 1_000, 40
# Two of these make one table of weights.
_TABLES = (
    ("vocab_size", "embedding_size"),
    ("vocab_size", "hidden_size"),
    ("hidden_size", "hidden_size"),
    ("hidden_size", "intermediate_size"),
    ("in_features", "out_features"),
)


def refuse_recipe(configs: Mapping[str, Any], params: ModelParams, repo: str) -> None:
    """Refuse a recipe that asks for more than the small files say that a model has; the trial knows the rest.

    Args:
        configs: The small JSON files by path.
        params: The recipe's widths and maximum length.
        repo: The model, for the message.

    Raises:
        InvalidParams: It has fewer positions than `max_seq_length`, or fewer dimensions than `dims` asks for.
    """
    parts = modules(configs, repo)
    config = configuration(configs, parts)
    most, width = positions(config), config.get("hidden_size")
    if most is not None and 0 < most < params.max_seq_length:
        raise InvalidParams(
            f"model.max_seq_length is {params.max_seq_length} and {repo} has {most} positions; "
            "wanted no more than that. Correct model.max_seq_length"
        )
    widened = any(part.kind in {"Dense", "LSTM", "CNN"} for part in parts)
    if isinstance(width, int) and 0 < width < params.dims[0] and not widened:
        raise InvalidParams(
            f"model.dims asks for {params.dims[0]} dimensions and {repo} has {width}; wanted none above "
            f"{width}. Correct model.dims"
        )


def refuse_impossible(configs: Mapping[str, Any], weights_bytes: int, repo: str) -> None:
    """Refuse a configuration that promises more than the files can hold: it is built before they are read.

    Args:
        configs: The small JSON files by path.
        weights_bytes: Of all files of weights together.
        repo: The model, for the message.

    Raises:
        InvalidData: A number of a configuration is larger than there are bytes of weights, a table would be,
            or the layers are more than anybody trains.
    """
    for path, config in configs.items():
        if PurePosixPath(path).name != CONFIG:  # other files say how long a text may be, without an end
            continue
        for where, one in _objects(config, path, repo):
            numbers = {key: value for key, value in one.items() if type(value) is int}
            for key, value in numbers.items():
                most = _MOST_LAYERS if _LAYERS.fullmatch(key) else max(weights_bytes, _MOST_LAYERS)
                if value > most:
                    raise _impossible(f"{where} of model {repo} has {key}: {value}", most, weights_bytes)
            for first, second in _TABLES:
                size = numbers.get(first, 0) * numbers.get(second, 0)
                if size > weights_bytes and not (first == "vocab_size" and "embedding_size" in numbers):
                    raise _impossible(
                        f"{where} of model {repo} promises {size} weights ({first} times {second})",
                        weights_bytes,
                        weights_bytes,
                    )


def _objects(config: Any, where: str, repo: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give a configuration, and those inside it, without calling itself."""
    waiting = [(where, config, 1)]
    while waiting:
        name, one, depth = waiting.pop()
        if depth > _DEEPEST:
            raise InvalidData(
                f"{where} of model {repo} is nested deeper than {_DEEPEST}; wanted a configuration as "
                "sentence-transformers writes it. Pin another model"
            )
        if isinstance(one, dict):
            yield name, one
            waiting += [(f"{name}: {key}", value, depth + 1) for key, value in one.items()]
        elif isinstance(one, list):
            waiting += [(name, value, depth + 1) for value in one]


def _impossible(what: str, most: int, weights_bytes: int) -> InvalidData:
    return InvalidData(
        f"{what}, and its weights are {weights_bytes} bytes; wanted no more than {most}. It would be built "
        "before a weight is read. Pin another commit"
    )


def positions(config: Mapping[str, Any]) -> int | None:
    """Return how many tokens a configuration has positions for; None where it does not say.

    Example:
        >>> positions({"max_position_embeddings": 514, "model_type": "camembert", "pad_token_id": 1})
        512
    """
    stated, kind, padding = (
        config.get(key) for key in ("max_position_embeddings", "model_type", "pad_token_id")
    )
    if not isinstance(stated, int):
        return None
    behind = any(one in str(kind) for one in _BEHIND_PADDING)
    return stated - ((padding if isinstance(padding, int) else 1) + 1 if behind else 0)
