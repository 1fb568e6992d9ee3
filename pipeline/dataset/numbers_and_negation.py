"""What a near-duplicate must agree in: numbers, dates and negations, which decide the meaning of a sentence.

"25,5 TL" and "35,5 TL" share almost all of their letters and mean two things; so do "yapılır" and "yapılmaz".
A word that only looks like a negation does no harm, because it stands in both texts of a pair: so the
patterns take too much rather than too little.
"""

import re
from functools import cache

import polars as pl

from pipeline.dataset import language
from pipeline.dataset.languages.patterns import Patterns

_NUMBER = r"\d+(?:[.,:/\-]\d+)*"
_ROMAN = r"x{1,3}(?:ix|iv|vi{0,3}|i{1,3})|x{2,3}|ix|iv|vi{1,3}|i{2,3}"
_ROMAN_VALUES = {"i": 1, "v": 5, "x": 10}


class _Reader:
    """What a language's patterns find in a word."""

    def __init__(self, patterns: Patterns) -> None:
        dates = {
            **{word: f"m{number}" for word, number in patterns.months.items()},
            **{word: f"d{number}" for word, number in patterns.days.items()},
        }
        self._words = dict(sorted({**dates, **patterns.counted}.items(), key=lambda item: -len(item[0])))
        self._patterns = patterns
        kinds = []
        if patterns.roman:
            kinds.append(rf"(?P<roman>{_ROMAN})")
        if patterns.whole:
            kinds.append(rf"(?P<whole>{'|'.join(patterns.whole)})")
        if self._words:
            kinds.append(rf"(?P<word>{'|'.join(self._words)}){patterns.suffix}")
        if patterns.negations:
            but = rf"(?!{patterns.no_negation})" if patterns.no_negation else ""
            kinds.append(rf"{but}(?P<negation>{'|'.join(patterns.negations)})")
        words = rf"|\b(?:{'|'.join(kinds)})\b" if kinds else ""
        self._pattern = re.compile(rf"(?P<number>{_NUMBER}){words}")

    def read(self, word: str | None) -> str:
        return " ".join(map(self._canonical, self._pattern.finditer(word))) if word else ""

    def _canonical(self, match: re.Match[str]) -> str:
        token = match.group()
        match match.lastgroup:
            case "number":
                return _number(token, self._patterns.month_first)
            case "roman":
                values = [_ROMAN_VALUES[letter] for letter in token]
                pairs = zip(values, [*values[1:], 0], strict=True)
                return str(sum(-value if value < after else value for value, after in pairs))
            case "whole":
                return self._patterns.whole[token]
            case "word":
                return self._words[match["word"]]
        return "without" if re.search(self._patterns.without or "$^", token) else "not"


@cache
def _reader(folding: str) -> _Reader:
    return _Reader(language.of(folding).PATTERNS)


def signals(folded: pl.Series, folding: str) -> pl.Series:
    """Return the numbers, dates and negations of each folded text in one string, in order; equal ones agree.

    So `25,5` and `25.5`, `1.000` and `1000`, `12.05.2024` and `12 mayıs 2024` do. Letters count without their
    marks (ı as i, ç as c), as they are typed on other keyboards.

    Example:
        >>> signals(pl.Series(["25,5 tl", "25.50 tl", "35,5 tl"]), "tr").to_list()
        ['25.5', '25.5', '35.5']
        >>> signals(pl.Series(["iptal yapılır", "iptal yapılmaz", "ücretsiz", "ucretsiz"]), "tr").to_list()
        ['', 'not', 'without', 'without']
        >>> signals(pl.Series(["12 mayıs 2024", "12.05.2024"]), "tr").to_list()
        ['12 m5 2024', '12 m5 2024']
    """
    words = (
        pl.DataFrame({"word": language.of(folding).typed(folded).str.split(" ")})
        .with_row_index("text")
        .explode("word")
    )
    # A portion has few different words: each is looked at once.
    known = words["word"].unique()
    found = pl.DataFrame(
        {"word": known, "signal": pl.Series(map(_reader(folding).read, known), dtype=pl.String)}
    )
    said = (
        words.join(found.filter(pl.col("signal") != ""), on="word", maintain_order="left")
        .group_by("text", maintain_order=True)
        .agg(pl.col("signal").str.join(" "))
    )
    texts = pl.DataFrame({"text": pl.int_range(len(folded), dtype=pl.UInt32, eager=True)})
    joined = texts.join(said, on="text", how="left", maintain_order="left")["signal"].fill_null("")
    if language.of(folding).PATTERNS.month_first:  # May 12 and 12 May
        joined = joined.str.replace_all(r"\b(m\d+) (\d\d?)( |$)", "${2} ${1}${3}")
    return joined


def _number(token: str, month_first: bool) -> str:
    """Write a number, a date or a time in one way, whatever the separators."""
    parts = [int(part) for part in re.split(r"[.,:/\-]", token)]
    separators = re.sub(r"\d", "", token)
    if len(parts) == 3 and len(set(separators)) == 1:
        day, month, year = parts[::-1] if parts[0] > 31 else parts
        if month_first and parts[0] <= 12:
            day, month = month, day
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
