"""Vectors from the cache are those that were encoded, and from nothing else than what they depend on."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from pipeline.embedding import vector_cache
from pipeline.embedding.vector_cache import Cache, Encoder
from tests.support import tiny


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.save_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture
def encoder(saved: Path, tmp_path: Path) -> Callable[..., Encoder]:
    def make(digest: str = "a", *, query: str = "", document: str = "", normalize: bool = True) -> Encoder:
        torch.set_num_threads(1)
        model = tiny.load(saved, normalize=normalize)
        model.prompts = {"query": query, "document": document}
        return Encoder(model, digest, Cache(tmp_path / ".vectors"), bf16=False, batch_tokens=1024)

    return make


TEXTS = ["w1 w2", "w3", "w1 w2", "w4 w5 w6"]


def test_vectors_from_the_cache_are_the_same_bits(encoder: Callable[..., Encoder]) -> None:
    first, again = encoder(), encoder()
    one, other = (made.vectors(TEXTS, None) for made in (first, again))
    assert torch.equal(one.table, other.table)
    assert one.per_hour == other.per_hour  # of when they were encoded
    assert first.cache.texts == {"encoded": 3, "cached": 0}
    assert again.cache.texts == {"encoded": 0, "cached": 3}


def test_vectors_are_the_models_own(encoder: Callable[..., Encoder]) -> None:
    made = encoder(query="w7 ")
    found = made.vectors(TEXTS, made.prompt("query")).of(TEXTS)
    wanted = made.model.encode(TEXTS, prompt="w7 ", convert_to_tensor=True)
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-6)
    assert torch.equal(found[0], found[2])


def test_vectors_of_a_pair_are_encoded_once_where_prompts_are_one(encoder: Callable[..., Encoder]) -> None:
    made = encoder()
    query, document = made.pair(TEXTS, ["w3", "w9"])
    assert query is document
    assert made.cache.texts["encoded"] == 4
    made = encoder(query="w7 ", document="w8 ")
    query, document = made.pair(TEXTS, ["w3", "w9"])
    assert made.cache.texts["encoded"] == 3 + 2
    assert not torch.equal(query.of(["w3"]), document.of(["w3"]))


def test_vectors_depend_on_model_texts_prompt_length_and_precision(
    encoder: Callable[..., Encoder], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = encoder()
    made.vectors(TEXTS, None)

    def encoded(changed: Encoder, texts: list[str] = TEXTS, prompt: str | None = None) -> bool:
        changed.vectors(texts, prompt)
        return changed.cache.texts["encoded"] > 0

    assert not encoded(encoder())
    assert encoded(encoder("another model"))
    assert encoded(encoder(), TEXTS[:2])
    assert encoded(encoder(), TEXTS[::-1])  # texts are encoded in blocks, and a block rounds its own way
    assert encoded(encoder(), prompt="w1")
    shorter = encoder()
    shorter.model.max_seq_length = 3
    assert encoded(shorter)
    rounded = encoder()
    rounded.bf16 = True
    assert encoded(rounded)
    blocks = encoder()
    blocks.batch_tokens = 8
    assert encoded(blocks)
    monkeypatch.setattr(vector_cache, "version", lambda name: "9")
    assert encoded(encoder())


def test_vectors_of_a_damaged_entry_are_encoded_again(encoder: Callable[..., Encoder]) -> None:
    made = encoder()
    wanted = made.vectors(TEXTS, None).table
    (entry,) = made.cache.folder.iterdir()
    whole = entry.read_bytes()
    flipped = bytearray(whole)
    flipped[-5] ^= 1
    for damaged in (whole[:-4], b"", bytes(flipped)):
        entry.write_bytes(damaged)
        again = encoder()
        assert torch.equal(again.vectors(TEXTS, None).table, wanted)
        assert again.cache.texts["encoded"] == 3
        assert entry.read_bytes() == whole or len(entry.read_bytes()) > 100


def test_vectors_that_no_run_uses_are_cleaned_away_oldest_first(encoder: Callable[..., Encoder]) -> None:
    for name in ("a", "b", "c"):
        encoder(name).vectors(TEXTS, None)
    made = encoder("b")
    made.vectors(TEXTS, None)
    (made.cache.folder / "killed.part").write_bytes(b"x")
    size = max(path.stat().st_size for path in made.cache.folder.iterdir())
    made.cache.clean(10 * size)
    assert len(list(made.cache.folder.iterdir())) == 3
    made.cache.clean(size)
    oldest = encoder("a")
    oldest.vectors(TEXTS, None)
    assert oldest.cache.texts == {"encoded": len(set(TEXTS)), "cached": 0}
    made.cache.clean(0)
    (left,) = made.cache.folder.iterdir()
    assert left.stem in made.cache.used
    Cache(made.cache.folder / "missing").clean()


def test_vectors_say_whether_they_have_length_one(encoder: Callable[..., Encoder]) -> None:
    made = encoder()
    made.vectors(TEXTS, None)
    assert made.unit_norm
    made = encoder(normalize=False)
    made.vectors(TEXTS[:1], None)
    assert not made.unit_norm


def test_vectors_of_broken_weights_are_numbers(encoder: Callable[..., Encoder]) -> None:
    made = encoder("broken")
    with torch.no_grad():
        for weight in made.model.parameters():
            weight.fill_(float("nan"))
    assert not made.vectors(TEXTS, None).table.any()
    assert not made.unit_norm
