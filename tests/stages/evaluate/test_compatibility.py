"""Old and new vectors in one index, on spaces made by hand."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.embedding.vector_space import live_space
from pipeline.records import Precision, Reembed
from pipeline.stages.evaluate.compatibility import Space, reembed
from pipeline.stages.evaluate.retrieval import Collection, collection

CPU = torch.device("cpu")
DIMS = (16, 8)
PRECISIONS: tuple[Precision, ...] = ("float32", "binary")
COUNT = 40


def texts() -> Collection:
    """Make a collection in which each query's document bears its number."""
    names = [str(number) for number in range(COUNT)]
    return collection(
        {name: name for name in names}, {name: name for name in names}, [(name, name, 1.0) for name in names]
    )


def space(name: str, seed: int, *, noise: float = 0.0, width: int = 16) -> Space:
    """Make a space in which queries lie near their documents; equal seeds, equal directions."""
    found = texts()
    draw = np.random.default_rng(seed).standard_normal((COUNT, width), dtype=np.float32)
    other = np.random.default_rng(seed + 100).standard_normal((COUNT, width), dtype=np.float32)
    place = {text: number for number, text in enumerate(found.documents)}
    documents = torch.from_numpy(draw + noise * other)
    queries = documents[[place[text] for text in found.queries]]
    return Space(name, width, queries, documents, (queries, queries), per_hour=10.0)


def compare(candidate: Space, live: Space | None, max_loss: float = 0.01) -> Reembed:
    return reembed(texts(), candidate, live, DIMS, PRECISIONS, max_loss, device=CPU)


def test_compatibility_of_a_space_with_itself() -> None:
    found = compare(space("new", 0), space("old", 0))
    assert found.compatible is True
    assert (found.space, found.live_space) == ("old", "old")
    assert set(found.ndcg10.values()) == {1.0}


def test_compatibility_of_a_small_move_holds_and_of_a_foreign_space_does_not() -> None:
    assert compare(space("new", 0, noise=0.05), space("old", 0)).compatible is True
    found = compare(space("new", 1), space("old", 0))
    assert found.compatible is False
    assert (found.space, found.live_space) == ("new", "old")
    assert (found.ndcg10["candidate"], found.ndcg10["live"]) == (1.0, 1.0)
    assert found.ndcg10["new_on_old"] < 0.5
    # The more is re-embedded, the more of it the new queries find.
    assert found.ndcg10["mixed_10"] < found.ndcg10["mixed_50"] < found.ndcg10["mixed_90"] < 1


def test_compatibility_is_by_the_loss_that_is_allowed() -> None:
    found = compare(space("new", 1), space("old", 0), max_loss=1.0)
    assert found.compatible is True


def test_compatibility_of_another_width_is_never_given() -> None:
    found = compare(space("new", 0), space("old", 0, width=8), max_loss=1.0)
    assert found.compatible is False
    assert set(found.ndcg10) == {"candidate", "live"}
    assert set(found.score_shift) == {"0.05", "0.5", "0.95"}
    found = compare(space("new", 0), space("old", 0, width=4), max_loss=1.0)
    assert (found.compatible, set(found.ndcg10), found.score_shift) == (False, {"candidate"}, {})
    # A live model that is wider, and was cut for a candidate that is not.
    assert compare(space("new", 0), space("old", 0, width=32), max_loss=1.0).compatible is False


def test_compatibility_without_a_live_model_is_not_said() -> None:
    found = compare(space("new", 0), None)
    assert (found.compatible, found.space, found.live_space) == (None, "new", None)
    assert found.ndcg10 == {"candidate": 1.0}
    assert found.vectors_per_hour == 10.0
    assert found.gigabytes_per_million == {
        16: {"float32": 0.064, "binary": 0.002},
        8: {"float32": 0.032, "binary": 0.001},
    }


def test_compatibility_tells_how_scores_shift() -> None:
    old = space("old", 0)
    moved = torch.roll(old.pairs[0], 1, dims=1)
    new = Space("new", 16, old.queries, old.documents, (old.pairs[0], moved), 1.0)
    shift = compare(new, old).score_shift
    cosines = torch.nn.functional.cosine_similarity(old.pairs[0], moved)
    for quantile in (0.05, 0.5, 0.95):
        wanted = float(np.quantile(cosines.numpy(), quantile)) - 1
        assert shift[str(quantile)] == pytest.approx(wanted, abs=1e-6)


def test_compatibility_reads_the_space_from_the_models_config(tmp_path: Path) -> None:
    assert live_space(tmp_path, "c" * 40) == "c" * 40
    path = tmp_path / "config_sentence_transformers.json"
    for content, wanted in (
        (json.dumps({"katman_space": "uzay"}), "uzay"),
        (json.dumps({"prompts": {}}), "c" * 40),
        (json.dumps({"katman_space": 3}), "c" * 40),
        ("[]", "c" * 40),
        ("no json", "c" * 40),
    ):
        path.write_text(content, encoding="utf-8")
        assert live_space(tmp_path, "c" * 40) == wanted
