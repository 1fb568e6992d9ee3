"""Texts become tokens once, ahead of time; a batch then only looks them up and pads."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Transformer
from sentence_transformers.sentence_transformer.modules import Pooling

from pipeline.embedding.direct_tokens import direct
from pipeline.errors import InvalidParams

# Texts per call of the tokenizer: enough to keep its threads busy, few enough that padding is cheap.
_CHUNK = 2048
# Texts on which the quick way is compared with the slow one.
_SAMPLE = 64


@dataclass(frozen=True)
class Tokens:
    """Distinct texts as flat arrays of tokens.

    Attributes:
        values: Per feature of the model (`input_ids`, perhaps `token_type_ids`) all texts' values end to end.
        starts: First position of each text in those arrays, (texts,).
        lengths: Tokens of each text, special tokens with them, (texts,).
        group: Number of each text's entry in `constants`, (texts,).
        constants: Features that hold for a whole group of texts, such as `prompt_length`.
        padding: What fills each feature up; `attention_mask` is filled with 0.
        left: Whether the tokenizer pads on the left.
    """

    values: dict[str, NDArray[np.int32]]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    group: NDArray[np.int64]
    constants: tuple[dict[str, Any], ...]
    padding: dict[str, int]
    left: bool

    def pad(self, texts: NDArray[np.int64], rows: int, width: int) -> dict[str, Any]:
        """Features of some texts of one group as the model takes them, (rows, width) int64 each.

        Rows beyond `len(texts)` repeat the first text: they only round the shape up.
        """
        texts = np.concatenate([texts, np.repeat(texts[:1], rows - len(texts))])
        lengths = self.lengths[texts][:, None]
        column = np.arange(width)[None, :] - (width - lengths if self.left else 0)
        inside = (column >= 0) & (column < lengths)
        source = np.where(inside, self.starts[texts][:, None] + column, 0)
        features = dict(self.constants[int(self.group[texts[0]])])
        for key, values in self.values.items():
            features[key] = torch.from_numpy(
                np.where(inside, values[source], self.padding[key]).astype(np.int64)
            )
        features["attention_mask"] = torch.from_numpy(inside.astype(np.int64))
        return features


def number_texts(columns: Sequence[Sequence[str]]) -> NDArray[np.int64]:
    """Return equal numbers for equal texts, across all columns.

    Returns:
        (columns, rows): each text's place in order of first appearance, column by column.
    """
    numbers: dict[str, int] = {}
    return np.array([[numbers.setdefault(text, len(numbers)) for text in column] for column in columns])


def tokenize(
    model: SentenceTransformer, columns: Sequence[tuple[Sequence[str], str | None]]
) -> tuple[Tokens, NDArray[np.int64]]:
    """Tokenize columns of one length, each distinct text under each distinct prompt once.

    Args:
        model: The model whose `preprocess` does the work: prompt, cut at `max_seq_length`, special tokens.
        columns: Texts of each column and the prompt that stands in front of them.

    Returns:
        The tokens, and (columns, rows) numbers of the texts in them.

    Raises:
        InvalidParams: The model makes of a text something else than one row of tokens.
    """
    prompts = list(dict.fromkeys(prompt or None for _, prompt in columns))
    distinct: dict[tuple[int, str], int] = {}
    numbers = np.array(
        [
            [distinct.setdefault((prompts.index(prompt or None), text), len(distinct)) for text in texts]
            for texts, prompt in columns
        ],
        dtype=np.int64,
    ).reshape(len(columns), -1)
    by_prompt: list[list[int]] = [[] for _ in prompts]
    texts = [text for _, text in distinct]
    for number, (prompt_number, _) in enumerate(distinct):
        by_prompt[prompt_number].append(number)

    lengths = np.zeros(len(texts), np.int64)
    pieces: dict[str, list[NDArray[np.int32]]] = {}
    order: list[int] = []
    constants: list[dict[str, Any]] = []
    for prompt, members in zip(prompts, by_prompt, strict=True):
        constants.append({})
        # Like lengths together: the tokenizer pads each chunk to its longest text.
        members.sort(key=lambda number: len(texts[number]))
        sample = [texts[number] for number in members[:: max(1, len(members) // _SAMPLE)]]
        quick = direct(model, prompt, partial(_preprocess, model, prompt=prompt), sample) if members else None
        for begin in range(0, len(members), _CHUNK):
            chunk = members[begin : begin + _CHUNK]
            if quick is not None and begin > 0:  # the first chunk names all features
                rows = quick([texts[number] for number in chunk])
                lengths[chunk] = [len(row) for row in rows["input_ids"]]
                order.extend(chunk)
                for key, values in rows.items():
                    pieces[key].extend(values)
                continue
            features = _preprocess(model, [texts[number] for number in chunk], prompt)
            mask = features.pop("attention_mask").numpy().astype(bool)
            lengths[chunk] = mask.sum(axis=1)
            order.extend(chunk)
            for key, value in features.items():
                if isinstance(value, torch.Tensor) and value.shape == mask.shape:
                    pieces.setdefault(key, []).append(value.numpy()[mask].astype(np.int32))
                elif isinstance(value, torch.Tensor):
                    raise _unsupported(f"feature {key!r} of shape {tuple(value.shape)}")
                else:
                    constants[-1][key] = value
    starts = np.zeros(len(texts), np.int64)
    starts[order] = np.concatenate([[0], np.cumsum(lengths[order])[:-1]]) if order else 0
    group = np.array([prompt_number for prompt_number, _ in distinct], dtype=np.int64)
    merged, group = _merge_groups(model, constants, group)
    tokenizer = model.tokenizer
    padding = dict.fromkeys(pieces, 0)
    padding["input_ids"] = tokenizer.pad_token_id or 0
    padding["token_type_ids"] = getattr(tokenizer, "pad_token_type_id", 0)
    tokens = Tokens(
        values={key: np.concatenate(value) for key, value in pieces.items()},
        starts=starts,
        lengths=lengths,
        group=group,
        constants=merged,
        padding=padding,
        left=getattr(tokenizer, "padding_side", "right") == "left",
    )
    return tokens, numbers


def _merge_groups(
    model: SentenceTransformer, constants: list[dict[str, Any]], group: NDArray[np.int64]
) -> tuple[tuple[dict[str, Any], ...], NDArray[np.int64]]:
    """Let texts of all prompts share blocks, unless pooling must know where a prompt ends."""
    if all(module.include_prompt for module in model.modules() if isinstance(module, Pooling)):
        for entry in constants:
            entry.pop("prompt_length", None)
    distinct: list[dict[str, Any]] = []
    for entry in constants:
        if entry not in distinct:
            distinct.append(entry)
    renumber = np.array([distinct.index(entry) for entry in constants], dtype=np.int64)
    return tuple(distinct), renumber[group] if len(group) else group


def _preprocess(model: SentenceTransformer, texts: list[str], prompt: str | None) -> dict[str, Any]:
    if not isinstance(model[0], Transformer):
        raise _unsupported(f"a first module {type(model[0]).__name__}")
    unpad = model[0].unpad_inputs
    model[0].unpad_inputs = False  # a flat row of all texts could not be cut into blocks
    try:
        features = dict(model.preprocess(texts, prompt=prompt))
    finally:
        model[0].unpad_inputs = unpad
    if "input_ids" not in features or "attention_mask" not in features:
        raise _unsupported(f"features {sorted(features)}")
    return features


def _unsupported(found: str) -> InvalidParams:
    return InvalidParams(
        f"train.engine: katman encodes rows of text tokens with one Transformer module, "
        f"but this model has {found}. Set train.engine to stock."
    )
