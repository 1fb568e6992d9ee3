"""Models as this pipeline uses them: safetensors from a local folder, fp32 weights, no code of their own."""

import json
from pathlib import Path

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Router
from transformers.utils import logging

from pipeline.device.numerics import settle
from pipeline.device.out_of_memory import is_device_fault
from pipeline.embedding.as_judged import adapt, positions
from pipeline.errors import InvalidData, InvalidParams, first_line
from pipeline.params.model import ModelParams

# What sentence-transformers' `encode_query` and `encode_document` look for, in this order.
_PROMPT_NAMES = {"query": ("query",), "document": ("document", "passage", "corpus")}
# A bar of tensors that are loaded, or of files that are written, tells nobody anything. The library's own
# switch turns the Hub client's bars off too.
logging.set_tqdm_hook(lambda bar, args, options: logging.EmptyTqdm(*args, **options))  # type: ignore[no-untyped-call]


def load(folder: Path) -> SentenceTransformer:
    """Load a model from a local folder, with the maximum length, pooling and prompts that it was saved with.

    Its prompts `query` and `document` are those that it was saved with for them under whatever name.

    Raises:
        InvalidData: The folder holds no model that sentence-transformers can load, or one that encodes
            queries and documents in two ways.
    """
    try:
        model = SentenceTransformer(
            str(folder),
            local_files_only=True,
            trust_remote_code=False,
            # fp32 whatever the checkpoint holds: bf16 is an autocast's matter, never the weights'.
            model_kwargs={"dtype": torch.float32, "use_safetensors": True},
        )
    except Exception as error:  # the libraries raise whatever their parsers do
        if is_device_fault(error):
            raise
        raise InvalidData(
            f"{folder} holds no model that sentence-transformers can load: {first_line(error)}. "
            "Pin a sentence-transformers model"
        ) from None
    if isinstance(model[0], Router):
        raise InvalidData(
            f"{folder} holds a model that encodes queries and documents in two ways (Router); wanted one way "
            "for both. Pin another model"
        )
    model.prompts |= _saved_prompts(folder, model)
    settle(model.device)
    model.eval()
    return model


def _saved_prompts(folder: Path, model: SentenceTransformer) -> dict[str, str]:
    """Return the model's own prompts for queries and for documents.

    sentence-transformers 6.2 holds a prompt that was never saved for an empty one, so that it puts nothing
    before documents where a model was saved with `passage`, nor anywhere where there is a default prompt.
    """
    saved = {name: model.prompts[name] or "" for name in _named_in_config(folder) if name in model.prompts}
    default = saved.get(model.default_prompt_name or "", "")
    found = {}
    for role, names in _PROMPT_NAMES.items():
        given = [saved[name] for name in names if name in saved]
        found[role] = next(filter(None, given), "" if given else default)
    return found


def _named_in_config(folder: Path) -> list[str]:
    try:
        config = json.loads((folder / "config_sentence_transformers.json").read_text(encoding="utf-8"))
        return list(config["prompts"])
    except (OSError, ValueError, KeyError, TypeError):
        return []


def load_as(folder: Path, params: ModelParams, *, own_prompts: bool = False) -> SentenceTransformer:
    """Load a base as it is judged, with the recipe's maximum length and prompts.

    Args:
        folder: The base.
        params: The recipe.
        own_prompts: Where the recipe has no prompt, keep the base's own.

    Raises:
        InvalidData: The base cannot be loaded, or has no token to pad with.
        InvalidParams: A width or the maximum length is more than the model has.
    """
    model = load(folder)
    own = {role: model.prompts[role] for role in _PROMPT_NAMES}
    adapt(model)
    set_recipe(model, params)
    if own_prompts:
        model.prompts = {role: asked or own[role] for role, asked in params.prompts.model_dump().items()}
    return model


def set_recipe(model: SentenceTransformer, params: ModelParams) -> None:
    """Give a model the recipe's maximum length and prompts.

    Raises:
        InvalidParams: A width or the maximum length is more than the model has.
    """
    width = int(model.get_embedding_dimension() or 0)
    if params.dims[0] > width:
        raise InvalidParams(
            f"model.dims asks for {params.dims[0]} dimensions and the base has {width}; "
            f"wanted none above {width}. Correct model.dims"
        )
    most = positions(model)
    if most is not None and params.max_seq_length > most:
        raise InvalidParams(
            f"model.max_seq_length is {params.max_seq_length} and the base has {most} positions; "
            f"wanted no more than that. Correct model.max_seq_length"
        )
    model.max_seq_length = params.max_seq_length
    model.prompts = params.prompts.model_dump()
