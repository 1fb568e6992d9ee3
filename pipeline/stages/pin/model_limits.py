"""How many tokens and dimensions a model has, as far as its small JSON files tell."""

from collections.abc import Mapping
from typing import Any

from pipeline.errors import InvalidParams
from pipeline.params.model import ModelParams
from pipeline.stages.pin.model_modules import configuration, modules

# Where a model counts positions from behind the padding token's.
_BEHIND_PADDING = ("roberta", "camembert", "mpnet", "data2vec-text", "longformer")


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
