"""Kinds of personal data, in the ways texts write them, and the numbers that only look like some."""

import time

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.dataset.personal_data import KINDS, flagged, found

TR = ["tr"]
PERSONAL = [
    ("Beni 0532 123 45 67 numarasından arayın.", "phone"),
    ("Tel:0532-123-45-67", "phone"),
    ("05321234567'yi taşımak istiyorum", "phone"),
    ("+90 532 123 45 67", "phone"),
    ("+905321234567", "phone"),
    ("0090 532 1234567", "phone"),
    ("90 532 123 45 67", "phone"),
    ("0 (532) 123 45 67", "phone"),
    ("(0532) 123 45 67", "phone"),
    ("0.532.123.45.67", "phone"),
    ("532 123 45 67 hattım kapandı", "phone"),
    ("numaram 5321234567", "phone"),
    ("Ev telefonum 0212 293 10 10", "phone"),
    ("(0312) 293 10 10", "phone"),
    ("(312) 293 10 10", "phone"),
    ("tel: +90 (212) 444-1234", "phone"),
    ("Almanya hattım +49 170 1234567 idi", "phone"),
    ("０５３２ １２３ ４５ ６７", "phone"),
    ("0532\u00a0123\u00a045\u00a067", "phone"),
    ("0212 293 10 10/0532 123 45 67", "phone"),
    ("05321234567,05331234567", "phone"),
    ("5321234567/5331234567", "phone"),
    ("0532 123 45 67-0533 123 45 67", "phone"),
    ("TCKN 10000000146 ile giriş", "tckn"),
    ("10000000146/10000000146", "tckn"),
    ("kimlik no:10000000146.", "tckn"),
    ("TR33 0006 1005 1978 6457 8413 26 hesabına", "iban"),
    ("TR330006100519786457841326", "iban"),
    ("tr330006100519786457841326", "iban"),
    ("TR33 0006 1005 1978 6457 8413 26 HESABINA YATIRIN", "iban"),
    ("MT84MALT011000012345MTLCAST001S", "iban"),
    ("bana ayse.yilmaz@example.com.tr adresinden yazın", "email"),
    ("Mail:ALI_42@example.org.", "email"),
    ("4111 1111 1111 1111 kartımdan", "card"),
    ("5555555555554444", "card"),
    ("9792-0300-0000-0000", "card"),
    ("3782 822463 10005", "card"),
]
HARMLESS = [
    "",
    "Merhaba, faturamı ödeyemedim.",
    "Müşteri hizmetleri 444 0 532 veya 444 0532",
    "0850 222 05 32 numaralı hattımız",
    "0800 219 05 32",
    "112'yi arayın, 155 de olur",
    "Fiyat 5.321.234.567 TL oldu",
    "5321234567 TL ceza",
    "5368709120 bayt, yani 5 GB",
    "5368709120 byte",
    "5321234567 kWh tüketim",
    "0,5321234567 oranında",
    "0.5321234567",
    "12 Şubat 2021",
    "05.12.2021 10:30 ile 06.12.2021 11:45 arasında",
    "2021-02-12 12:30:45",
    "1.000.000.000 TL ve 2.500.000 kWh",
    "@ işareti, 4.5G ve 2024-2025",
    "01/02/2021 - 01/02/2022 arası 12 ay",
    "4.5G ile 1000 dakika 500 SMS 10 GB 249,90 TL",
    "100 200 300 400 500",
    "1 2 3 4 5 6 7 8 9 10 11 12",
    "532 123 45 67 TL",
    "IP adresi 192.168.100.200, maske 255.255.255.0",
    "tckn 10000000147",  # wrong check digits
    "53687091200 bayt",
    "TR33 0006 1005 1978 6457 8413 27",
    "4111 1111 1111 1112",
    "4111-1111-1111-1111-2222",
    "4111 1111 1111 1111 2222",
    "1,05321234567 katı",
    "IMEI 490154203237518",
    "SIM 8990011916180280000",
    "barkod 8690504012344",
    "@turkcell hesabına yazdım",
    "kullanıcı@ev",
    "fiyat@ 25 TL",
    "sipariş 20210212123045001",
    "a05321234567f",
    "Tarife 2 GB+1000 DK+1000 SMS, 12 ay taahhütle 34,90 TL'den 29,90 TL'ye",
]


ABROAD = [
    ("en", "my SSN is 536-90-4399.", "identity_number"),
    ("en", "SIN 123-456-782", "identity_number"),
    ("en", "PPS no 6433435F", "identity_number"),
    ("en", "Aadhaar 2341 2341 2346", "identity_number"),
    ("en", "call me at (212) 736-5000", "phone"),
    ("en", "my mobile is 07400 123456", "phone"),
    ("de", "meine IdNr ist 36 574 261 809", "identity_number"),
    ("de", "SVNR 1237 010180", "identity_number"),
    ("de", "AHV 756.9217.0769.85", "identity_number"),
    ("de", "Handy 0151 23456789", "phone"),
    ("fr", "NIR 2 95 10 99 126 111 93", "identity_number"),
    ("fr", "appelez le 06 12 34 56 78", "phone"),
    ("es", "mi DNI es 54362315K", "identity_number"),
    ("es", "NIE X-2482300W", "identity_number"),
    ("es", "CURP BOXW310820HNERXN09", "identity_number"),
    ("es", "RUT 12.531.909-2", "identity_number"),
    ("es", "mi móvil es 612345678", "phone"),
    ("und", "+44 7400 123456", "phone"),
]
HARMLESS_ABROAD = [
    "It costs $1,234.56 and ends 12/31/2024 - 01/02/2025",
    "order 2025550143 was late, ticket #4155550132",
    "call 1-800-555-0199 toll free",
    "version 1.2.3.4 build 20240512",
    "IP 192.168.100.200 netmask 255.255.255.0",
    "2025-02-12 12:30:45",
    "1 000 000 000 users",
    "612345678 bytes",
    "ISBN 978-3-16-148410-0",
    "SSN 000-12-3456, DNI 54362315Z",
]


@pytest.mark.parametrize(("language", "text", "kind"), ABROAD)
def test_audit_finds_personal_data_of_a_languages_countries(language: str, text: str, kind: str) -> None:
    assert kind in found(text, [language])
    assert kind in found(text, ["tr", language])


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "und"])
@pytest.mark.parametrize("text", HARMLESS_ABROAD)
def test_audit_takes_no_other_number_for_personal_data_abroad(text: str, language: str) -> None:
    assert found(text, [language]) == ()


def test_audit_looks_for_numbers_of_a_countrys_language_alone() -> None:
    assert found("TCKN 10000000146", ["en"]) == ()
    assert found("my SSN is 536-90-4399", ["tr"]) == ()


@pytest.mark.parametrize(("text", "kind"), PERSONAL)
def test_audit_finds_personal_data(text: str, kind: str) -> None:
    assert found(text, TR) == (kind,)


@pytest.mark.parametrize("text", HARMLESS)
def test_audit_takes_no_other_number_for_personal_data(text: str) -> None:
    assert found(text, TR) == ()


def test_audit_names_every_kind_in_a_text_once() -> None:
    texts = {kind: text for text, kind in PERSONAL}
    assert found("; ".join([*texts.values(), *texts.values()]), TR) == tuple(
        kind for kind in KINDS if kind != "identity_number"
    )


def each(texts: list[str], languages: list[str] = TR) -> dict[int, tuple[str, ...]]:
    kinds = (found(text, languages) for text in texts)
    return {place: names for place, names in enumerate(kinds) if names}


def test_audit_flags_a_column_as_it_flags_each_text_in_several_languages() -> None:
    languages = ["tr", "en", "de", "fr", "es"]
    texts = [text for text, _ in PERSONAL] + [text for _, text, _ in ABROAD] + HARMLESS_ABROAD
    assert flagged(pl.Series(texts), languages) == each(texts, languages)


def test_audit_flags_a_column_as_it_flags_each_text() -> None:
    texts = [text for text, _ in PERSONAL] + HARMLESS
    assert flagged(pl.Series(texts), TR) == each(texts)
    assert len(each(texts)) == len(PERSONAL)


NUMBERS = st.text(st.sampled_from(list("0123459 .-+()@TRabcom/\u00a0")), max_size=60)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.one_of(NUMBERS, st.tuples(NUMBERS, st.sampled_from([t for t, _ in PERSONAL])).map("".join)),
        min_size=1,
        max_size=40,
    )
)
def test_audit_prefilter_lets_every_finding_through(texts: list[str]) -> None:
    assert flagged(pl.Series(texts), TR) == each(texts)


def test_audit_takes_null_for_a_text_without_personal_data() -> None:
    assert flagged(pl.Series([None, PERSONAL[0][0], None], dtype=pl.String), TR) == {1: ("phone",)}
    assert flagged(pl.Series([], dtype=pl.String), TR) == {}
    assert flagged(pl.Series([None], dtype=pl.String), TR) == {}


def test_audit_flags_a_large_column_in_seconds() -> None:
    texts = pl.Series(["Faturamı 12 Şubat 2021'de 249,90 TL ödedim, hattım 2 gün sonra kapandı."] * 200_000)
    texts = texts.append(pl.Series(HARMLESS * 300))
    before = time.perf_counter()
    kinds = flagged(texts, TR)
    assert time.perf_counter() - before < 20  # one on an idle core
    assert kinds == {}
