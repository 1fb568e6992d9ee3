"""What a near-duplicate must agree in: numbers, dates and negations, which decide the meaning of a sentence.

"25,5 TL" and "35,5 TL" share almost all of their letters and mean two things; so do "yapılır" and "yapılmaz".
A word that only looks like a negation does no harm, because it stands in both texts of a pair: so the
patterns take too much rather than too little.
"""

import re

import polars as pl

_NUMBER = r"\d+(?:[.,:/\-]\d+)*"
_ROMAN = r"x{1,3}(?:ix|iv|vi{0,3}|i{1,3})|x{2,3}|ix|iv|vi{1,3}|i{2,3}"
# Cases, ordinals and shares: ikinci, üçer, beşten, ocakta, mayısın.
_SUFFIX = (
    r"(?:[iu]?nc[iu]\w{0,5}|s?[ae]r|[sy]?[aeiu]|[dt][ae]n?|[dt][ae]k[iu]\w{0,4}"
    r"|n?[iu]n|l[iu][kg]?\w?|yl?[ae])?"
)
_COUNTED = {
    **{"sifir": "0", "iki": "2", "uc": "3", "dort": "4", "dord": "4", "bes": "5", "yedi": "7", "sekiz": "8"},
    **{"dokuz": "9", "yirmi": "20", "otuz": "30", "kirk": "40", "elli": "50", "altmis": "60", "yetmis": "70"},
    **{"seksen": "80", "doksan": "90", "milyon": "million", "milyar": "billion"},
}
# Whole words only: onu, yüzden and binmek are no numbers. Not "bir", which is an article as well.
_COUNTED_WHOLE = {
    **{"birinci": "1", "alti": "6", "altinci": "6", "on": "10", "onuncu": "10", "yuz": "100", "bin": "1000"},
    **{"yarim": "half", "bucuk": "half", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6"},
    **{"seven": "7", "eight": "8", "nine": "9", "ten": "10", "hundred": "100", "thousand": "1000"},
    **{"million": "million", "billion": "billion", "half": "half", "may": "m5"},
}
_MONTHS = {
    **{"ocak": 1, "ocag": 1, "subat": 2, "mart": 3, "nisan": 4, "mayis": 5, "haziran": 6, "temmuz": 7},
    **{"agustos": 8, "eylul": 9, "ekim": 10, "kasim": 11, "aralik": 12, "aralig": 12},
    **{"january": 1, "february": 2, "march": 3, "april": 4, "june": 6, "july": 7, "august": 8},
    **{"september": 9, "october": 10, "november": 11, "december": 12},
}
_DAYS = {
    **{"pazartesi": 1, "sali": 2, "carsamba": 3, "persembe": 4, "cuma": 5, "cumartesi": 6, "pazar": 7},
    **{"monday": 1, "tuesday": 2, "wednesday": 3, "thursday": 4, "friday": 5, "saturday": 6, "sunday": 7},
}
_DATES = {word: f"m{number}" for word, number in _MONTHS.items()} | {
    word: f"d{number}" for word, number in _DAYS.items()
}
_NEGATIONS = (
    # Words of their own: değil, yok, hiç, hayır, asla, hariç, yasak; not, no, without, don't, unlimited.
    r"degil\w*|yok\w*|hic\w*|hayir|asla|sakin|haric|disinda|yasak\w*",
    r"no|not|without|never|none|nor|neither|cannot|un(?:limited|available|able|paid|locked|used|block\w*)",
    r"\w+n['’´`]t|(?:do|does|did|is|are|was|were|ca|wo|could|would|should|has|have|had)nt",
    # Verbs: yapılmaz, yapmıyor, yapmadan, yapmadı, yapmam, yapmayan, yapmasın, yapmasa, yapma.
    r"\w+m[ae]z\w*|\w+m[iu]yor\w*|\w{2,}m[ae]d[ae]n|\w{2,}m[ae]d[iu](?:[mn]|l[ae]r|[kgy]\w*)?",
    r"\w+m[ae]m(?:[aeiu]\w*)?",
    r"\w+m[ae]y(?:[ae]c[ae]\w*|[ae]n\w*|[iu]n\w*|[iu][pz])|\w+m[ae]s[iu]n(?:l[ae]r)?",
    r"\w{2,}m[ae]s[ae](?:[mnk]|n[iu]z|l[ae]r|y\w+)?|\w{2,}m[ae](?:kt\w+)?",
    # Adjectives: ücretsiz, kablosuzdur, taahhütsüzlük; not the -siniz of a polite verb.
    r"\w{2,}s[iu]z(?:d[iu]r|l[iu][kg]\w*|c[ae]\w*|[aeiu]\w{0,4}|l[ae]r\w*)?",
)
# Words that often come and go, and only look like a negation.
_NO_NEGATION = r"tamam|hemen|mesela|memnun|lazim|cogunlukla|zaman|temel"
_WORDS = dict(sorted({**_DATES, **_COUNTED}.items(), key=lambda item: -len(item[0])))
_WORD = rf"(?P<word>{'|'.join(_WORDS)}){_SUFFIX}"
_PATTERN = re.compile(
    rf"(?P<number>{_NUMBER})|\b(?:(?P<roman>{_ROMAN})|(?P<whole>{'|'.join(_COUNTED_WHOLE)})|{_WORD}"
    rf"|(?!{_NO_NEGATION})(?P<negation>{'|'.join(_NEGATIONS)}))\b"
)
_ROMAN_VALUES = {"i": 1, "v": 5, "x": 10}


def signals(folded: pl.Series) -> pl.Series:
    """Return the numbers, dates and negations of each folded text in one string, in order; equal ones agree.

    So `25,5` and `25.5`, `1.000` and `1000`, `12.05.2024` and `12 mayıs 2024` do. Letters count without their
    marks (ı as i, ç as c), as they are typed on other keyboards.

    Example:
        >>> signals(pl.Series(["25,5 tl", "25.50 tl", "35,5 tl"])).to_list()
        ['25.5', '25.5', '35.5']
        >>> signals(pl.Series(["iptal yapılır", "iptal yapılmaz", "ücretsiz", "ucretsiz"])).to_list()
        ['', 'not', 'without', 'without']
        >>> signals(pl.Series(["12 mayıs 2024", "12.05.2024"])).to_list()
        ['12 m5 2024', '12 m5 2024']
    """
    words = pl.DataFrame({"word": typed(folded).str.split(" ")}).with_row_index("text").explode("word")
    # A portion has few different words: each is looked at once.
    known = words["word"].unique()
    found = pl.DataFrame({"word": known, "signal": pl.Series(map(_signals, known), dtype=pl.String)})
    said = (
        words.join(found.filter(pl.col("signal") != ""), on="word", maintain_order="left")
        .group_by("text", maintain_order=True)
        .agg(pl.col("signal").str.join(" "))
    )
    texts = pl.DataFrame({"text": pl.int_range(len(folded), dtype=pl.UInt32, eager=True)})
    return texts.join(said, on="text", how="left", maintain_order="left")["signal"].fill_null("")


def typed(folded: pl.Series) -> pl.Series:
    """Write folded texts as they are typed without a Turkish keyboard: ücretsiz and ucretsiz are one."""
    return (
        folded.str.normalize("NFKD")
        .str.replace_all(r"[\u{300}-\u{36f}]", "")
        .str.replace_all("ı", "i", literal=True)
    )


def _signals(word: str | None) -> str:
    return " ".join(map(_canonical, _PATTERN.finditer(word))) if word else ""


def _canonical(match: re.Match[str]) -> str:
    token = match.group()
    match match.lastgroup:
        case "number":
            return _number(token)
        case "roman":
            values = [_ROMAN_VALUES[letter] for letter in token]
            pairs = zip(values, [*values[1:], 0], strict=True)
            return str(sum(-value if value < after else value for value, after in pairs))
        case "whole":
            return _COUNTED_WHOLE[token]
        case "word":
            return _WORDS[match["word"]]
    return "without" if re.search("s[iu]z", token) else "not"


def _number(token: str) -> str:
    """Write a number, a date or a time in one way, whatever the separators."""
    parts = [int(part) for part in re.split(r"[.,:/\-]", token)]
    separators = re.sub(r"\d", "", token)
    if len(parts) == 3 and len(set(separators)) == 1:
        day, month, year = parts[::-1] if parts[0] > 31 else parts
        if day <= 31 and 1 <= month <= 12 and (year > 31 or len(token.rsplit(separators[0], 1)[1]) == 2):
            return f"{day} m{month} {year if year > 99 else 2000 + year}"
    if set(separators) - set(".,"):
        return " ".join(map(str, parts))
    digits = re.split(r"[.,]", token)
    thousands = all(len(part) == 3 for part in digits[1:]) and len(digits[0]) <= 3 and digits[0][0] != "0"
    if len(set(separators)) <= 1 and thousands:
        return str(int("".join(digits)))
    if len(set(separators)) <= 1 and len(digits) > 2:
        return " ".join(map(str, parts))
    whole, fraction = str(int("".join(digits[:-1]) or digits[-1])), digits[-1].rstrip("0")
    if not separators:
        return str(int(token))
    return f"{whole}.{fraction}" if fraction else whole
