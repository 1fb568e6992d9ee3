"""Planted copies are found, changed meanings are not, and what was trained on is told without its texts."""

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pipeline.dataset import near_duplicates
from pipeline.dataset.languages.tr import folded
from pipeline.dataset.near_duplicates import components, index, pairs, similarity
from pipeline.dataset.numbers_and_negation import signals
from pipeline.dataset.training_fingerprint import RELEASED, near, trained_rows
from pipeline.errors import InvalidData
from sample.telecom import write_dataset

TR = "tr"
FILLERS = ("ayrıca", "genel olarak", "özellikle", "elbette", "bugün", "tabii", "artık", "öncelikle")


def fold(texts: list[str]) -> pl.Series:
    return pl.DataFrame({"text": texts}, schema={"text": pl.String}).select(folded(pl.col("text")))["text"]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pl.DataFrame]:
    folder = tmp_path_factory.mktemp("sample")
    write_dataset(folder)
    return {
        name: pl.read_parquet(folder / "data" / f"{name}.parquet") for name in ("train", "validation", "test")
    }


@pytest.fixture(scope="module")
def long_texts(sample: dict[str, pl.DataFrame]) -> list[str]:
    """Distinct texts of eight words or more."""
    texts = sample["train"]["positive"].unique(maintain_order=True).to_list()
    return [text for text in texts if len(text.split()) >= 8][:600]


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


def insert(text: str, draw: random.Random) -> str:
    words = text.split()
    words.insert(draw.randrange(len(words) + 1), draw.choice(FILLERS))
    return " ".join(words)


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


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("iptal edilir", "iptal edilmez"),
        ("aboneliği iptal et", "aboneliği iptal etme"),
        ("bunu yapabilirim", "bunu yapamam"),
        ("ben yaparım", "ben yapmam"),
        ("hattı açınız", "hattı açmayınız"),
        ("gidip", "gitmeyip"),
        ("geldiğinde", "gelmediğinde"),
        ("sınırsızlar", "sınırlılar"),
        ("taahhütsüzlük", "taahhütlük"),
        ("ücretsizdir", "ücretlidir"),
        ("evet", "hayır"),
        ("beşinci ay", "altıncı ay"),
        ("üçten sonra", "beşten sonra"),
        ("mayısta", "haziranda"),
        ("25 TL'den 35 TL'ye", "35 TL'den 25 TL'ye"),
        ("II. paket", "III. paket"),
        ("1,5 GB", "15 GB"),
        ("4.5G", "4G"),
        ("dont cancel", "cancel"),
        ("I can cancel", "I cannot cancel"),
    ],
)
def test_signals_tell_a_changed_number_or_negation(one: str, other: str) -> None:
    first, second = signals(fold([one, other]), TR)
    assert first != second


@pytest.mark.parametrize(
    "word",
    ["tamamen", "hemen", "mesela", "zamanında", "aslında", "lütfen", "memnuniyetle", "bir", "maalesef"],
)
def test_signals_are_not_touched_by_a_filler(word: str) -> None:
    first, second = signals(fold(["hattım iptal edilmez", f"hattım {word} iptal edilmez"]), TR)
    assert first == second


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


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1.000 MB", "1000 mb"),
        ("25,50 TL", "25,5 tl"),
        ("1.250,50 TL", "1250,5 TL"),
        ("07:30", "7:30"),
        ("gelmez", "gelmiyor"),
        ("12.05.2024", "12 Mayıs 2024"),
        ("2024-05-12", "12/5/2024"),
        ("UCRETSIZ", "ücretsiz"),
    ],
)
def test_signals_read_one_number_in_its_ways_of_writing(one: str, other: str) -> None:
    first, second = signals(fold([one, other]), TR)
    assert first == second


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


def test_trained_rows_tell_what_a_model_has_seen(tmp_path: Path, long_texts: list[str]) -> None:
    path = tmp_path / "trained_rows.parquet"
    trained, unseen = long_texts[:300], long_texts[300:]
    trained_rows(trained, [TR]).write_parquet(path)
    draw = random.Random(2)
    assert near(path, [text.upper() for text in trained]).all()
    assert near(path, [insert(text, draw) for text in trained]).mean() >= 0.9
    truly = pairs(index(fold(trained), RELEASED, TR), fold(unseen))
    assert near(path, unseen).mean() <= len(np.unique(truly[:, 0])) / len(unseen) + 0.04


def test_trained_rows_do_not_add_up_bands_of_different_rows(tmp_path: Path, long_texts: list[str]) -> None:
    asked = trained_rows(long_texts[:1], [TR])
    found = asked["bands"][0].to_list()
    spread = [[band if place == row else 0 for place, band in enumerate(found)] for row in range(len(found))]
    columns = {"key": [0] * len(spread), "bands": spread, "folding": [TR] * len(spread)}
    pl.DataFrame(columns, schema=asked.schema).write_parquet(tmp_path / "spread.parquet")
    assert not near(tmp_path / "spread.parquet", long_texts[:1]).any()


def test_trained_rows_are_a_format_that_releases_share() -> None:
    row = trained_rows(["Faturamı 25,5 TL olarak nasıl öderim?"], [TR])
    assert row["key"].to_list() == [12088379687098831531]
    assert row["bands"][0].to_list()[:4] == [762978844, 174759135, 1441687933, 3041514863]


def test_near_duplicates_of_dense_texts_are_looked_at_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = fold([f"aynı uzun cümle burada duruyor {ending}" for ending in "abcdefghklmnoprstuvyz"])
    whole = pairs(index(texts, RELEASED, TR), texts)
    monkeypatch.setattr(near_duplicates, "_PIECE", 50)
    assert pairs(index(texts, RELEASED, TR), texts).tolist() == whole.tolist()
    assert len(whole) == len(texts) * (len(texts) - 1)


def test_trained_rows_of_nothing_have_seen_nothing(tmp_path: Path) -> None:
    trained_rows([], [TR]).write_parquet(tmp_path / "none.parquet")
    assert not near(tmp_path / "none.parquet", ["fatura"]).any()
    assert not len(pairs(index(fold([]), RELEASED, TR), fold(["fatura"])))
    assert not len(pairs(index(fold(["fatura"]), RELEASED, TR), fold([])))


def test_trained_rows_of_several_languages_are_found_by_any_of_them(tmp_path: Path) -> None:
    path = tmp_path / "trained_rows.parquet"
    trained_rows(["Which invoice is in my inbox"], ["tr", "en"]).write_parquet(path)
    assert pl.read_parquet(path)["folding"].to_list() == ["tr", "en"]
    assert near(path, ["WHICH INVOICE IS IN MY INBOX", "How do I pay"]).tolist() == [True, False]


def test_trained_rows_are_read_by_the_folding_that_they_name(tmp_path: Path, long_texts: list[str]) -> None:
    text = "LIMIT"
    for folding, other in (("tr", "lımıt"), ("en", "limit")):
        trained_rows([text], [folding]).write_parquet(tmp_path / "rows.parquet")
        assert near(tmp_path / "rows.parquet", [other]).tolist() == [True]
    # A release of before foldings were named.
    trained_rows(long_texts[:5], [TR]).drop("folding").write_parquet(tmp_path / "old.parquet")
    assert near(tmp_path / "old.parquet", [long_texts[0].replace("i", "İ").upper()]).all()


def test_trained_rows_of_an_unknown_folding_are_refused(tmp_path: Path) -> None:
    rows = trained_rows(["fatura"], [TR]).with_columns(folding=pl.lit("tlh"))
    rows.write_parquet(tmp_path / "rows.parquet")
    with pytest.raises(InvalidData, match=r"folded as 'tlh'; wanted one of tr, en,"):
        near(tmp_path / "rows.parquet", ["fatura"])
