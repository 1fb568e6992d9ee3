"""Personal data in texts: found by pattern, believed by checksum, never kept or shown.

Checksums are python-stdnum's (TCKN, IBAN, Luhn), phone numbers phonenumbers' (Google's libphonenumber).
"""

import re

import phonenumbers
import polars as pl
from stdnum import iban, luhn
from stdnum.exceptions import ValidationError
from stdnum.tr import tckimlik

KINDS = ("email", "phone", "tckn", "iban", "card")
# What is worth a closer look: an address sign, or ten digits that only spaces and signs keep apart.
_SUSPECT = r"@|\d(?:[\s().+-]{0,2}\d){9}"
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_RUN = re.compile(r"(?<![\w.,])\+?\d(?:[\s().-]{0,2}\d){9,18}(?![\w])")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")


def found(text: str) -> tuple[str, ...]:
    """Give the kinds of personal data in a text, in the order of `KINDS`."""
    kinds = set()
    if _EMAIL.search(text):
        kinds.add("email")
    if any(_holds(iban.validate, match[0]) for match in _IBAN.finditer(text.upper())):
        kinds.add("iban")
    for match in _RUN.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        if len(digits) == 11 and digits[0] != "0" and _holds(tckimlik.validate, digits):
            kinds.add("tckn")
        elif 13 <= len(digits) <= 19 and digits[0] in "3456" and _holds(luhn.validate, digits):
            kinds.add("card")
        elif _is_phone(match[0], digits):
            kinds.add("phone")
    return tuple(kind for kind in KINDS if kind in kinds)


def flagged(texts: pl.Series) -> dict[int, tuple[str, ...]]:
    """Give the kinds found in each text of a column, by its place; texts without any are left out."""
    suspects = texts.str.contains(_SUSPECT).fill_null(False).arg_true()
    looked_at = ((place, found(text)) for place, text in zip(suspects, texts.gather(suspects), strict=True))
    return {place: kinds for place, kinds in looked_at if kinds}


def _holds(validate: object, text: str) -> bool:
    try:
        validate(text)  # type: ignore[operator]
    except ValidationError:
        return False
    return True


def _is_phone(written: str, digits: str) -> bool:
    """Take Turkish numbers as people write them, and foreign ones with their +; a bare amount is none."""
    if not (written.startswith("+") or digits.startswith(("0", "90", "5"))):
        return False
    try:
        number = phonenumbers.parse(written if written.startswith("+") else digits, "TR")
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_valid_number(number)
