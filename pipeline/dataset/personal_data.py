"""Personal data in texts: which kinds stand in one, never the data itself.

Every kind but e-mail is asked twice, by its shape and by what only a real one satisfies: the check digits of
TCKN, IBAN and card numbers (python-stdnum), the number plan of telephones (phonenumbers). A company's own
lines (444 numbers, 0800, 0850) are no personal data, and IMEI and SIM numbers are no cards.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable

import phonenumbers
import polars as pl
from phonenumbers import PhoneNumberType
from stdnum import iban, luhn
from stdnum.tr import tckimlik

# What every text with personal data has, and few others: an @, ten digits with at most three separators
# between two of them, or the head of an IBAN (whose account may hold letters).
_SUSPECT = (
    r"[@＠﹫]|\d(?:[\s()./+\-‐‑–]{0,3}\d){9}"
    r"|(?:^|[^0-9A-Za-z])[A-Za-z]{2}\d{2}(?:[\s.-]?[0-9A-Za-z]){11}"
)

# No digit, letter or decimal sign goes before or after: a piece of a longer number is another number.
_BEFORE = r"(?<![\w+₺$€])(?<!\d[.,:/-])"
# What follows may be the next of a list, where the number itself has a mark that no amount has.
_AFTER = r"(?!\d|[.,]\d)"
_AFTER_PREFIX = r"(?!\d)"
_AFTER_CARD = r"(?!\d|[.,:/ -]\d)"
_GAP = r"[ \t./-]{0,3}"
_LOCAL = rf"\d{{3}}{_GAP}\d{{2}}{_GAP}\d{{2}}"
_AREA = rf"\(?[2-5]\d\d\)?{_GAP}"
# Without 0 or +90 only a mobile number, or an area code in brackets, is told from any other number.
_BARE = rf"(?:\([2-5]\d\d\)|5\d\d){_GAP}{_LOCAL}"
_TURKISH = re.compile(rf"{_BEFORE}(?:\+?90|0090|\(?0){_GAP}{_AREA}{_LOCAL}{_AFTER_PREFIX}")
_TURKISH_BARE = re.compile(rf"{_BEFORE}{_BARE}{_AFTER}")
_FOREIGN = re.compile(rf"(?<![\w+.,])(?:\+|00)[1-9](?:[ ().-]{{0,2}}\d){{7,14}}{_AFTER_PREFIX}")
_DECIMAL = re.compile(r"0\.\d+")
_UNIT = re.compile(
    r"\s*(?:'\w+\s+)?(?:%|₺|\$|€|°|(?:tl|lira|kuruş|usd|dolar|eur|euro|[kmgt]?i?b|[kmgt]?bit|[kmgt]bps|\w*bayt|\w*byte"
    r"|[kmg]?wh?|[kmg]?hz|[kcm]?m[²2³3]?|kg|adet|abone|kişi|kez|defa|saniye|sn|dakika|dk|saat|milyon|milyar)\b)",
    re.IGNORECASE,
)
_PERSONAL_LINES = {
    PhoneNumberType.MOBILE,
    PhoneNumberType.FIXED_LINE,
    PhoneNumberType.FIXED_LINE_OR_MOBILE,
    PhoneNumberType.PERSONAL_NUMBER,
}

_TCKN = re.compile(rf"{_BEFORE}[1-9]\d{{10}}{_AFTER}")
_IBAN = re.compile(r"(?<![0-9A-Za-z])[A-Za-z]{2}\d{2}(?:[ \t.-]?[0-9A-Za-z]){11,30}")
_EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}@(?:[\w-]+\.)+[^\W\d_]{2,}", re.ASCII)
# Sixteen digits, or American Express's fifteen. Thirteen are barcodes, other fifteen are IMEIs.
_CARD = re.compile(
    rf"{_BEFORE}(?:\d{{4}}(?:[ .-]?\d{{4}}){{3}}|3[47]\d\d[ .-]?\d{{6}}[ .-]?\d{{5}}){_AFTER_CARD}", re.ASCII
)
# Visa, Mastercard (two ranges), Maestro and Discover and one of Troy's, American Express, Troy.
_ISSUER = re.compile(r"4|5[0-8]|2[2-7]|6|3[47]|9792")


def found(text: str) -> tuple[str, ...]:
    """Name the kinds of personal data in a text, in the order of `KINDS`; never the data."""
    text = unicodedata.normalize("NFKC", text)
    return tuple(kind for kind, asked in _ASKED.items() if asked(text))


def flagged(texts: pl.Series) -> dict[int, tuple[str, ...]]:
    """Name the kinds in the texts of a column.

    A regex inside polars lets only suspects through, so that 600,000 texts take seconds.

    Args:
        texts: Strings; null is a text without personal data.

    Returns:
        The kinds by place in the column; texts without any are left out.
    """
    suspects = texts.str.contains(_SUSPECT).fill_null(value=False).arg_true()
    looked_at = ((place, found(text)) for place, text in zip(suspects, texts.gather(suspects), strict=True))
    return {place: kinds for place, kinds in looked_at if kinds}


def _phone(text: str) -> bool:
    return any(
        _reachable(match) for match in _TURKISH.finditer(text) if not _DECIMAL.fullmatch(match[0])
    ) or any(
        _reachable(match)
        for pattern in (_TURKISH_BARE, _FOREIGN)
        for match in pattern.finditer(text)
        if not _UNIT.match(text, match.end())
    )


def _reachable(match: re.Match[str]) -> bool:
    """Return whether the number plan gives this number to a person or a household."""
    written = match[0]
    digits = re.sub(r"\D", "", written)
    if digits.startswith("00"):
        written = f"+{digits[2:]}"
    elif len(digits) == 12 and digits.startswith("90"):
        written = f"+{digits}"
    try:
        number = phonenumbers.parse(written, "TR")
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_valid_number(number) and phonenumbers.number_type(number) in _PERSONAL_LINES


def _tckn(text: str) -> bool:
    return any(
        tckimlik.is_valid(match[0]) for match in _TCKN.finditer(text) if not _UNIT.match(text, match.end())
    )


def _iban(text: str) -> bool:
    return any(_any_iban(re.sub(r"[^0-9A-Za-z]", "", match[0]).upper()) for match in _IBAN.finditer(text))


def _any_iban(characters: str) -> bool:
    """Try every length, because in capitals the next word looks like more of the account."""
    return any(iban.is_valid(characters[:length]) for length in range(15, len(characters) + 1))


def _email(text: str) -> bool:
    return _EMAIL.search(text) is not None


def _card(text: str) -> bool:
    written: Iterable[str] = (re.sub(r"\D", "", match[0]) for match in _CARD.finditer(text))
    return any(_ISSUER.match(digits) and luhn.is_valid(digits) for digits in written)


_ASKED: dict[str, Callable[[str], bool]] = {
    "phone": _phone,
    "tckn": _tckn,
    "iban": _iban,
    "email": _email,
    "card": _card,
}
KINDS = tuple(_ASKED)
