"""Telephone numbers in texts: by their shape, and by the number plan of their country (phonenumbers).

Only lines of persons and households count: a company's own (444 numbers, 0800, 0850) are no personal data.
"""

import re
from collections.abc import Collection

import phonenumbers
from phonenumbers import PhoneNumberMatcher, PhoneNumberType

from pipeline.dataset.number_edges import AFTER, AFTER_PREFIX, BEFORE, is_amount, is_amount_abroad

_GAP = r"[ \t./-]{0,3}"
_LOCAL = rf"\d{{3}}{_GAP}\d{{2}}{_GAP}\d{{2}}"
_AREA = rf"\(?[2-5]\d\d\)?{_GAP}"
# Without 0 or +90 only a mobile number, or an area code in brackets, is told from any other number.
_BARE = rf"(?:\([2-5]\d\d\)|5\d\d){_GAP}{_LOCAL}"
_TURKISH = re.compile(rf"{BEFORE}(?:\+?90|0090|\(?0){_GAP}{_AREA}{_LOCAL}{AFTER_PREFIX}")
_TURKISH_BARE = re.compile(rf"{BEFORE}{_BARE}{AFTER}")
_WITH_COUNTRY = re.compile(rf"(?<![\w+.,])(?:\+|00)[1-9](?:[ ().-]{{0,2}}\d){{7,14}}{AFTER_PREFIX}")
_DECIMAL = re.compile(r"0\.\d+")
# As few digits as a number with its area code has anywhere; years and amounts have fewer.
_ENOUGH_DIGITS = re.compile(r"\d(?:[\s()./+\-‐‑–]{0,3}\d){8}")
_ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")  # of a machine
_BROKEN_OFF = re.compile(r"(?:[\w+₺$€£]|\d[.,:/-])\Z")
_PERSONAL_LINES = {
    PhoneNumberType.MOBILE,
    PhoneNumberType.FIXED_LINE,
    PhoneNumberType.FIXED_LINE_OR_MOBILE,
    PhoneNumberType.PERSONAL_NUMBER,
}


def stand_in(text: str, countries: Collection[str]) -> bool:
    """Return whether a personal number stands in a text.

    Args:
        text: After NFKC.
        countries: Whose numbers are known without their country code.
    """
    if "TR" in countries and _turkish(text):
        return True
    if any(_reachable(match) and not is_amount(text, match.end()) for match in _WITH_COUNTRY.finditer(text)):
        return True
    others = [country for country in countries if country != "TR"]
    if not others or not _ENOUGH_DIGITS.search(text):
        return False
    return any(_of(text, country) for country in others)


def _turkish(text: str) -> bool:
    return any(
        _reachable(match) for match in _TURKISH.finditer(text) if not _DECIMAL.fullmatch(match[0])
    ) or any(_reachable(match) for match in _TURKISH_BARE.finditer(text) if not is_amount(text, match.end()))


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


def _of(text: str, country: str) -> bool:
    """Return whether a number of a country stands in a text, with or without its country code."""
    for match in PhoneNumberMatcher(text, country):
        kind = phonenumbers.number_type(match.number)
        # Digits alone, in one piece, are a telephone only where no other kind of line begins like them.
        bare = match.raw_string.isdigit() and not match.raw_string.startswith("0")
        if (
            kind in _PERSONAL_LINES
            and (kind == PhoneNumberType.MOBILE or not bare)
            and not _ADDRESS.fullmatch(match.raw_string)
            and not _BROKEN_OFF.search(text, max(0, match.start - 2), match.start)
            and not is_amount_abroad(text, match.end)
        ):
            return True
    return False
