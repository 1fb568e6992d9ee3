"""The card's example is Python that runs as it stands, whatever its texts hold."""

import ast

from pipeline.records import Example
from pipeline.stages.card.sections.usage_snippet import smaller, snippet

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
