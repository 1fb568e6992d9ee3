"""What stands around a number and makes it another one: a longer number, an amount, a unit."""

import re

# No digit, letter or decimal sign goes before or after: a piece of a longer number is another number.
BEFORE = r"(?<![\w+₺$€])(?<!\d[.,:/-])"
# What follows may be the next of a list, where the number itself has a mark that no amount has.
AFTER = r"(?!\d|[.,]\d)"
AFTER_PREFIX = r"(?!\d)"
_UNIT = re.compile(
    r"\s*(?:'\w+\s+)?(?:%|₺|\$|€|°|(?:tl|lira|kuruş|usd|dolar|eur|euro|[kmgt]?i?b|[kmgt]?bit|[kmgt]bps|\w*bayt|\w*byte"
    r"|[kmg]?wh?|[kmg]?hz|[kcm]?m[²2³3]?|kg|adet|abone|kişi|kez|defa|saniye|sn|dakika|dk|saat|milyon|milyar)\b)",
    re.IGNORECASE,
)
_UNIT_ABROAD = re.compile(
    r"\s*(?:£|¢|(?:dollars?|pounds?|gbp|euros?|\w*bytes?|bits?|users?|customers?|people|persons?|times|seconds?"
    r"|minutes?|hours?|days?|units?|pieces?|items?|rows?|million|billion|stück|kunden|nutzer|personen|mal|sekunden"
    r"|minuten|stunden|tage|millionen|milliarden|octets?|abonnés|clients?|personnes|fois|secondes|heures|jours"
    r"|millions|milliards|usuarios|clientes|personas|veces|segundos|minutos|horas|días|millones)\b)",
    re.IGNORECASE,
)


def is_amount(text: str, end: int) -> bool:
    """Return whether a unit or a currency follows a number that ends there."""
    return _UNIT.match(text, end) is not None


def is_amount_abroad(text: str, end: int) -> bool:
    """Return whether a unit follows a number that ends there, in any language that has a module."""
    return is_amount(text, end) or _UNIT_ABROAD.match(text, end) is not None
