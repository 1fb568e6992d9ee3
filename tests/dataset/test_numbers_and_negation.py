"""Numbers, dates and negations are told apart, in whatever way they are written."""

import pytest

from pipeline.dataset.numbers_and_negation import signals
from tests.support.telecom_texts import fold

TR = "tr"


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
