"""The card's usage example, answered by the candidate as a user's own program would have it answer."""

import math

from sentence_transformers import SentenceTransformer

from pipeline.params.card import Example as Asked
from pipeline.records import Example


def answer(model: SentenceTransformer, asked: Asked) -> Example:
    """Encode the example's texts with the library's own calls, and return the similarities.

    Args:
        model: The candidate.
        asked: The texts.
    """
    queries, documents = list(asked.queries), list(asked.documents)
    found = model.similarity(
        model.encode_query(queries, show_progress_bar=False),
        model.encode_document(documents, show_progress_bar=False),
    )
    return Example(
        queries=asked.queries,
        documents=asked.documents,
        similarities=tuple(
            tuple(one if math.isfinite(one) else None for one in row) for row in found.tolist()
        ),
    )
