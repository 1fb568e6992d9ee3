"""What a near-duplicate must agree in: numbers, dates and negation, which decide the meaning of a sentence.

"25,5 TL" and "35,5 TL" share almost all of their letters and mean two things; so do "yapılır" and "yapılmaz".
"""

import polars as pl

_NUMBER = r"\d+(?:[.,:/]\d+)*"
_THOUSANDS = r"^\d{1,3}(?:\.\d{3})+(?:,\d+)?$"
# Months and number words; not "bir", which is an article as well.
_WORDS = (
    r"\b(?:ocak|şubat|mart|nisan|mayıs|haziran|temmuz|ağustos|eylül|ekim|kasım|aralık"
    r"|pazartesi|salı|çarşamba|perşembe|cuma|cumartesi|pazar"
    r"|sıfır|iki|üç|dört|beş|altı|yedi|sekiz|dokuz|on|yirmi|otuz|kırk|elli|altmış|yetmiş|seksen|doksan"
    r"|yüz|bin|milyon|milyar|yarım|ilk|birinci|ikinci|üçüncü"
    r"|january|february|march|april|may|june|july|august|september|october|november|december"
    r"|two|three|four|five|six|seven|eight|nine|ten|hundred|thousand|million)\b"
)
# Negated verbs by their suffixes, adjectives on -siz, and words of negation. It takes too much rather than
# too little ("aramadan" is also "from the search"): both texts of a pair are read by the same rule.
_NEGATION = (
    r"\b(?:değil\w*|yok\w*|hayır|asla|hiç\w*|olmadan|olmaksızın|hariç|dışında|yasak\w*"
    r"|\w+m[ae](?:z|d[ıi]|m[ıi]ş|y[ae]|m[ae]|s[ıi]n|s[ae]|d[ae]n|kt)\w*|\w+m[ıiuü]yor\w*"
    r"|\w{2,}s[ıiuü]z(?:d[ıiuü]r|c[ae]|[ıiuü]n|[ae])?"
    r"|not|no|never|none|without|cannot|\w+n't|un\w{4,})\b"
)


def signals(folded: pl.Series) -> pl.Series:
    """Give each folded text's numbers, dates and count of negations as one string; equal strings agree."""
    return (
        pl.DataFrame({"text": folded.str.replace_all("ı", "i", literal=True)})
        .select(
            pl.concat_str(
                pl.col("text")
                .str.extract_all(_NUMBER)
                .list.eval(_plain(pl.element()))
                .list.sort()
                .list.join(" "),
                pl.col("text").str.extract_all(_dotted(_WORDS)).list.sort().list.join(" "),
                pl.col("text").str.count_matches(_dotted(_NEGATION)).cast(pl.String),
                separator="|",
            )
        )
        .to_series()
    )


def _dotted(pattern: str) -> str:
    """Read i for ı, because who writes capitals without Turkish rules confuses them."""
    return pattern.replace("ı", "i")


def _plain(number: pl.Expr) -> pl.Expr:
    """Write 1.000 as 1000, 25,50 as 25.5 and 07 as 7."""
    plain = (
        pl.when(number.str.contains(_THOUSANDS))
        .then(number.str.replace_all(".", "", literal=True))
        .otherwise(number)
        .str.replace(",", ".", literal=True)
    )
    trimmed = (
        pl.when(plain.str.contains(r"^\d+\.\d+$")).then(plain.str.replace(r"\.?0+$", "")).otherwise(plain)
    )
    return trimmed.str.replace(r"^0+(\d)", "$1")
