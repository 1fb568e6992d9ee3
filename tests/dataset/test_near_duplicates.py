"""Planted copies are found, and changed meanings are not."""

import random
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from pipeline.dataset import near_duplicates
from pipeline.dataset.near_duplicates import components, index, pairs, similarity
from pipeline.dataset.training_fingerprint import RELEASED
from tests.support.telecom_texts import fold, insert

TR = "tr"


def share_found(originals: list[str], change: Callable[[str], str]) -> float:
    """Share of changed texts that are called equal to, or near, their own original."""
    texts, changed = fold(originals), fold([change(text) for text in originals])
    found = {
        (ours, theirs)
        for ours, theirs in pairs(index(texts, RELEASED, TR), changed).tolist()
        if ours == theirs
    }
    same: list[bool] = (texts == changed).to_list()
    hits = [same[place] or (place, place) in found for place in range(len(texts))]
    return sum(hits) / len(hits)


def test_near_duplicates_finds_every_change_of_case_or_punctuation(long_texts: list[str]) -> None:
    assert share_found(long_texts, str.upper) == 1
    assert share_found(long_texts, lambda text: text.replace("i", "İ").upper()) == 1
    assert share_found(long_texts, lambda text: f"« {text.rstrip('.').replace(', ', ' – ')} » !") == 1


def test_near_duplicates_finds_an_inserted_or_dropped_filler(long_texts: list[str]) -> None:
    draw = random.Random(1)
    assert share_found(long_texts, lambda text: insert(text, draw)) >= 0.95
    longer = [insert(text, draw) for text in long_texts]
    shorter = dict(zip(longer, long_texts, strict=True))
    assert share_found(longer, lambda text: shorter[text]) >= 0.95


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "Paketin aylık ücreti 25,5 TL olarak belirlendi.",
            "Paketin aylık ücreti 35,5 TL olarak belirlendi.",
        ),
        ("Kampanya 12 Şubat 2021 tarihinde bitti.", "Kampanya 12 Mart 2021 tarihinde bitti."),
        ("Bu tarifede yurt dışı aramalar yapılır.", "Bu tarifede yurt dışı aramalar yapılmaz."),
        ("Kurulum hizmeti tüm aboneler için ücretlidir.", "Kurulum hizmeti tüm aboneler için ücretsizdir."),
        ("Modem iadesi bu kampanyada zorunludur.", "Modem iadesi bu kampanyada zorunlu değildir."),
        ("Hattınızda kullanılmayan paket var.", "Hattınızda kullanılmayan paket yok."),
        ("Abonelik iki yıl sürer ve yenilenir.", "Abonelik üç yıl sürer ve yenilenir."),
        ("The roaming package is active by default.", "The roaming package is not active by default."),
    ],
)
def test_near_duplicates_lets_a_changed_number_date_or_negation_alone(one: str, other: str) -> None:
    assert similarity(fold([one])[0], fold([other])[0], 3) > 0.6
    assert not len(pairs(index(fold([one]), RELEASED, TR), fold([other])))


def test_near_duplicates_lets_every_changed_number_of_the_sample_alone(long_texts: list[str]) -> None:
    numbered = [text for text in long_texts if any(sign.isdigit() for sign in text)]
    assert len(numbered) > 50
    digits = str.maketrans("0123456789", "1234567890")
    assert share_found(numbered, lambda text: text.translate(digits)) == 0


def test_near_duplicates_flags_under_one_percent_of_the_sample(sample: dict[str, pl.DataFrame]) -> None:
    held = pl.concat(
        [sample[name][column] for name in ("validation", "test") for column in ("query", "positive")]
    )
    train = pl.concat([sample["train"][column] for column in ("query", "positive")])
    texts = fold(train.to_list()).unique(maintain_order=True)
    found = pairs(index(fold(held.to_list()).unique(maintain_order=True), RELEASED, TR), texts)
    assert len(np.unique(found[:, 0])) < 0.01 * len(texts)


def test_near_duplicates_tell_texts_without_a_letter_apart() -> None:
    texts = fold(["👍👍👍👍", "👎👎👎👎", "?!?!?!", "……", "-- --"])
    assert not len(pairs(index(texts, RELEASED, TR), texts))


def test_components_join_what_a_chain_of_near_duplicates_joins() -> None:
    texts = [
        "hattımı nasıl iptal ederim",
        "hattımı nasıl iptal ederim ki",
        "hattımı nasıl iptal ederim ki ben",
        "fatura",
    ]
    labels = components(fold([*texts, texts[0]]), RELEASED, [TR])
    assert labels[0] == labels[1] == labels[2] == labels[4] != labels[3]
    assert components(fold(["tek"]), RELEASED, [TR]).tolist() == [0]


def test_near_duplicates_of_dense_texts_are_looked_at_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = fold([f"aynı uzun cümle burada duruyor {ending}" for ending in "abcdefghklmnoprstuvyz"])
    whole = pairs(index(texts, RELEASED, TR), texts)
    monkeypatch.setattr(near_duplicates, "_PIECE", 50)
    assert pairs(index(texts, RELEASED, TR), texts).tolist() == whole.tolist()
    assert len(whole) == len(texts) * (len(texts) - 1)


def test_near_duplicates_of_nothing_are_none() -> None:
    assert not len(pairs(index(fold([]), RELEASED, TR), fold(["fatura"])))
    assert not len(pairs(index(fold(["fatura"]), RELEASED, TR), fold([])))
