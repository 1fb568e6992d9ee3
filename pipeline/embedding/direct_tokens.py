"""Texts to tokens by the tokenizer's own threads, where that gives what sentence-transformers gives."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer

# Ids of each text, without padding, special tokens with them.
Rows = list[NDArray[np.int32]]
Features = dict[str, Rows]

# Where wrappers around a tokenizer differ: white space, case, nothing at all, accents, and a long text.
_DIFFICULT = (" iki  boşluk \n", "BÜYÜK İĞNE ılık", "", "\u0130\u0131 e\u0301 ﬁ\u00a0x", "uzun " * 10_000)
_FIELDS = {"input_ids": "ids", "token_type_ids": "type_ids"}


def direct(
    model: SentenceTransformer,
    prompt: str | None,
    preprocess: Callable[[list[str]], dict[str, Any]],
    sample: Sequence[str],
) -> Callable[[Sequence[str]], Features] | None:
    """Return a function from texts to their features; None where it would not give what `preprocess` gives.

    sentence-transformers asks of each text whether it is a picture, and transformers makes lists, then one
    padded tensor of each call: for 650,000 texts 45 s on one core, while the tokenizer itself uses all cores.

    Args:
        model: The model.
        prompt: Put in front of every text.
        preprocess: The features of texts with that prompt as sentence-transformers makes them.
        sample: Texts that the two are compared on, with some difficult ones.
    """
    backend = getattr(model.tokenizer, "backend_tokenizer", None)
    if backend is None or getattr(model.tokenizer, "padding_side", "right") != "right":
        return None
    tried = [*sample, *_DIFFICULT]
    wanted = preprocess(tried)
    mask = wanted["attention_mask"].numpy().astype(bool)
    keys = [key for key in _FIELDS if key in wanted]
    limit = model.max_seq_length

    def features(texts: Sequence[str]) -> Features:
        backend.no_padding()
        if limit is None:
            backend.no_truncation()
        else:
            backend.enable_truncation(limit)
        encoded = backend.encode_batch_fast([(prompt or "") + text for text in texts])
        return {key: [np.array(getattr(one, _FIELDS[key]), np.int32) for one in encoded] for key in keys}

    found = features(tried)
    for key in keys:
        rows = wanted[key].numpy()
        if any(
            not np.array_equal(row[inside], ids)
            for row, inside, ids in zip(rows, mask, found[key], strict=True)
        ):
            return None
    return features
