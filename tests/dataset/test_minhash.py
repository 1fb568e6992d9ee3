"""Bands are the same for ever, for equal texts equal, and never shared where numbers or negations differ."""

import numpy as np
import polars as pl
import pytest

from pipeline.dataset import minhash
from pipeline.dataset.minhash import bands, letters_and_digits, text_keys
from pipeline.dataset.training_fingerprint import RELEASED

TEXTS = pl.Series(
    ["faturamı nasıl öderim", "faturami nasil oderim!", "faturamı 25 liraya nasıl öderim", "x", ""]
)


def test_minhash_shares_bands_of_texts_that_are_typed_alike_and_no_others() -> None:
    found = bands(TEXTS, RELEASED, "tr")
    assert found.shape == (5, RELEASED.permutations // 4)
    shared = [[int((one == other).sum()) for other in found] for one in found]
    assert shared[0][1] == found.shape[1]
    # The same words but for a number: not one band is shared.
    assert shared[0][2] == shared[1][2] == 0
    assert shared[3][4] == 0


def test_minhash_gives_the_same_bands_in_whatever_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = bands(TEXTS, RELEASED, "tr")
    monkeypatch.setattr(minhash, "_TEXTS_AT_A_TIME", 2)
    assert np.array_equal(bands(TEXTS, RELEASED, "tr"), whole)
    assert np.array_equal(bands(TEXTS.reverse(), RELEASED, "tr"), whole[::-1])
    assert bands(TEXTS.head(0), RELEASED, "tr").shape == (0, whole.shape[1])


def test_minhash_keys_are_those_of_every_release() -> None:
    assert text_keys(pl.Series(["fatura", "fatura", ""])).tolist() == [
        *[int.from_bytes(bytes.fromhex("4d8fe6cbb8351a07"))] * 2,
        int.from_bytes(bytes.fromhex("e3b0c44298fc1c14")),
    ]


def test_minhash_reads_letters_and_digits_and_all_of_a_text_without_any() -> None:
    read = letters_and_digits(pl.Series(["« ücret: 5 tl »", "?!", "naïve"]), "tr")
    assert read.to_list() == ["ucret 5 tl", "?!", "naive"]
