"""What only the candidate is asked; on the finished workspace's own model."""

from pathlib import Path

import pytest

from pipeline.embedding import loading
from pipeline.embedding.vector_cache import Cache, Encoder
from pipeline.params import load
from pipeline.records import Metrics
from pipeline.stages.evaluate import candidate
from pipeline.workspace import paths


@pytest.fixture
def encoder_of(finished: Path, tmp_path: Path) -> Encoder:
    return Encoder(loading.load(finished / "model"), "d", Cache(tmp_path / "c"), bf16=False, batch_tokens=512)


def test_candidate_is_sound_and_answers_the_example(finished: Path, encoder_of: Encoder) -> None:
    asked = load(finished).card.example
    found = candidate.inspect(finished / "model", encoder_of, asked)
    metrics = Metrics.load(finished / paths.RECORDS["evaluate"])
    assert found.soundness == metrics.soundness
    assert found.example.queries == asked.queries
    assert len(found.example.similarities) == len(asked.queries)


def test_candidate_with_vectors_of_other_lengths_is_not_sound(finished: Path, encoder_of: Encoder) -> None:
    encoder_of.unit_norm = False
    assert not candidate.inspect(
        finished / "model", encoder_of, load(finished).card.example
    ).soundness.unit_norm


def test_stored_vectors_have_a_row_for_each_width_and_precision(finished: Path) -> None:
    params = load(finished)
    stored = Metrics.load(finished / paths.RECORDS["evaluate"]).stored_vectors
    assert {(one.dim, one.precision) for one in stored} == {
        (dim, precision) for dim in params.model.dims for precision in params.evaluate.precisions
    }
    assert all(set(one.ndcg10) == set(params.evaluate.splits) for one in stored)
