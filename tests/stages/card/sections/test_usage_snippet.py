"""The card's example is Python that runs as it stands, whatever its texts hold."""

import ast
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sentence_transformers

from pipeline.records import Example
from pipeline.stages.card.sections.usage_snippet import binary, int8, smaller, snippet

EVIL = 'a "quote", a `tick` ``` and a \\ back\nslash'
EXAMPLE = Example(queries=(EVIL, "ü"), documents=("d",), similarities=((0.123456,), (None,)))


def assigned(code: str) -> dict[str, object]:
    tree = ast.parse(code)
    return {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.List)
    }


def test_usage_snippet_holds_the_texts_themselves_and_ends_no_block_of_code() -> None:
    code = snippet("o/n", "v3", 64, EXAMPLE)
    assert assigned(code) == {"queries": [EVIL, "ü"], "documents": ["d"]}
    assert "`" not in code
    assert 'SentenceTransformer("o/n", revision="v3")' in code
    assert "# (2, 64) (1, 64)" in code
    assert "# [[0.12], [None]]" in code


def test_usage_snippet_shows_the_smaller_width() -> None:
    code = smaller("o/n", "v3", 16, EXAMPLE)
    ast.parse(code)
    assert 'revision="v3", truncate_dim=16)' in code
    assert "`" not in code


WIDTH = 12


class Drawn:
    """A model that draws a vector of length 1 for each text, the same one each time."""

    def __init__(self, repo: str, revision: str) -> None:
        assert (repo, revision) == ("o/n", "v3")

    def encode_query(self, text: str) -> Any:
        vector = np.random.default_rng(zlib.crc32(text.encode())).standard_normal(WIDTH).astype(np.float32)
        return vector / np.linalg.norm(vector)

    def encode_document(self, texts: list[str]) -> Any:
        return np.stack([self.encode_query(text) for text in texts])


@pytest.mark.parametrize("written", [int8, binary])
@pytest.mark.parametrize("documents", [("a",), ("a", "a"), ("a", "b", "a"), tuple(map(str, range(90)))])
@pytest.mark.filterwarnings("error")
def test_scores_of_stored_vectors_are_the_cosines(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    written: Callable[[str, str, int, Example], str],
    documents: tuple[str, ...],
) -> None:
    model = Drawn("o/n", "v3")
    cosines = model.encode_document(list(documents)) @ model.encode_query("q")
    example = Example(queries=("q",), documents=documents, similarities=(tuple(map(float, cosines)),))
    monkeypatch.setattr(sentence_transformers, "SentenceTransformer", Drawn)
    code, names = written("o/n", "v3", WIDTH, example), dict[str, Any]()
    exec(code, names)
    places = names.get("found", range(len(documents)))
    assert names["scores"] == pytest.approx(cosines[places], abs=0.01)
    said = [line.removeprefix("# ") for line in code.splitlines() if line.startswith("# ")]
    assert capsys.readouterr().out.splitlines() == said
