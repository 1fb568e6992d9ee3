"""The card's usage example: Python that runs as it stands, with what the candidate answered as comments."""

import json
from collections.abc import Sequence

from pipeline.records import Example
from pipeline.wording.words import plain

# Between two cosines: int8 moves one by less than a hundredth.
_CLEAR = 0.05


def snippet(repo: str, version: str, width: int, example: Example) -> str:
    """Write the example at the model's whole width."""
    matrix = [[None if one is None else round(one, 2) for one in row] for row in example.similarities]
    return "\n".join(
        [
            "from sentence_transformers import SentenceTransformer",
            "",
            f"model = SentenceTransformer({_literal(repo)}, revision={_literal(version)})",
            *_texts("queries", example.queries),
            *_texts("documents", example.documents),
            "query_vectors = model.encode_query(queries)",
            "document_vectors = model.encode_document(documents)",
            "print(query_vectors.shape, document_vectors.shape)",
            f"# ({len(example.queries)}, {width}) ({len(example.documents)}, {width})",
            "similarities = model.similarity(query_vectors, document_vectors)",
            "print([[round(similarity, 2) for similarity in row] for row in similarities.tolist()])",
            f"# {matrix}",
        ]
    )


def smaller(repo: str, version: str, dim: int, example: Example) -> str:
    """Write how the same release is loaded at a smaller width."""
    release = f"{_literal(repo)}, revision={_literal(version)}"
    return "\n".join(
        [
            "from sentence_transformers import SentenceTransformer",
            "",
            f"model = SentenceTransformer({release}, truncate_dim={dim})",
            f"print(model.encode_query([{_literal(example.queries[0])}]).shape)",
            f"# (1, {dim})",
        ]
    )


def int8(repo: str, version: str, width: int, example: Example) -> str:
    """Write how vectors are stored as int8, and searched."""
    return "\n".join(
        [
            *_encoded(repo, version, example),
            'stored = quantize_embeddings(vectors, "int8", ranges=ranges)',
            "print(stored.dtype, stored.shape)",
            f"# int8 ({len(example.documents)}, {width})",
            f"query = model.encode_query({_literal(example.queries[0])})",
            "scores = (stored * steps + middle) @ query  # the cosines, to less than a hundredth",
            *_nearest("documents[scores.argmax()]", example),
        ]
    )


def binary(repo: str, version: str, width: int, example: Example) -> str:
    """Write how bits find candidates, which vectors of int8 rank again."""
    return "\n".join(
        [
            *_encoded(repo, version, example),
            'bits = quantize_embeddings(vectors, "ubinary")',
            'stored = quantize_embeddings(vectors, "int8", ranges=ranges)',
            "print(bits.dtype, bits.shape)",
            f"# uint8 ({len(example.documents)}, {-(-width // 8)})",
            f"query = model.encode_query({_literal(example.queries[0])})",
            'differing = np.unpackbits(bits ^ quantize_embeddings(query[None], "ubinary"), axis=1)',
            "found = differing.sum(axis=1).argsort()[:100]  # ten times as many as are wanted",
            "scores = (stored[found] * steps + middle) @ query  # the cosines, to less than a hundredth",
            *_nearest("documents[found[scores.argmax()]]", example),
        ]
    )


def _encoded(repo: str, version: str, example: Example) -> list[str]:
    return [
        "import numpy as np",
        "from sentence_transformers import SentenceTransformer",
        "from sentence_transformers.util.quantization import quantize_embeddings",
        "",
        f"model = SentenceTransformer({_literal(repo)}, revision={_literal(version)})",
        *_texts("documents", example.documents),
        "vectors = model.encode_document(documents)",
        "ranges = np.stack([vectors.min(axis=0), vectors.max(axis=0)])  # of many of your documents",
        "steps = (ranges[1] - ranges[0]) / 255",
        "middle = ranges[0] + 128.5 * steps",
    ]


def _nearest(found: str, example: Example) -> list[str]:
    """Print the nearest document, where it is so clearly the nearest that no rounding makes it another."""
    ranked = sorted((one for one in example.similarities[0] if one is not None), reverse=True)
    if len(ranked) < 2 or ranked[0] - ranked[1] < _CLEAR:
        return []
    nearest = example.documents[example.similarities[0].index(ranked[0])]
    return [f"print({found})", f"# {plain(nearest)}"] if nearest == plain(nearest) else []


def _texts(name: str, texts: Sequence[str]) -> list[str]:
    return [f"{name} = [", *(f"    {_literal(text)}," for text in texts), "]"]


def _literal(text: str) -> str:
    """Write a text as Python reads it; a JSON string is one."""
    return json.dumps(text, ensure_ascii=False).replace("`", "\\x60")
