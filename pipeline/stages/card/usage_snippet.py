"""The card's usage example: Python that runs as it stands, with what the candidate answered as comments."""

import json
from collections.abc import Sequence

from pipeline.records import Example


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


def _texts(name: str, texts: Sequence[str]) -> list[str]:
    return [f"{name} = [", *(f"    {_literal(text)}," for text in texts), "]"]


def _literal(text: str) -> str:
    """Write a text as Python reads it; a JSON string is one."""
    return json.dumps(text, ensure_ascii=False).replace("`", "\\x60")
