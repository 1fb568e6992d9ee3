"""Turkish: dotted and dotless i, verbs that are negated by an ending, TCKN."""

import unicodedata

import polars as pl

from pipeline.dataset.languages.letters import collapsed, unmarked
from pipeline.dataset.languages.patterns import Patterns

COUNTRIES: tuple[str, ...] = ("TR",)
_CAPITALS = str.maketrans({"I": "ı", "İ": "i"})


def fold(text: str) -> str:
    """Fold one text, so that `KAMPANYASI ` and `kampanyası` are one.

    Python's lower() turns İ into i with a dot above and I into i; Turkish means i and ı.

    Example:
        >>> fold("  YURT DIŞI  PAKETİ")
        'yurt dışı paketi'
        >>> "YURT DIŞI".lower()
        'yurt dişi'
        >>> fold("KAMPANYASI ") == fold("kampanyası")
        True
    """
    text = unicodedata.normalize("NFKC", text).translate(_CAPITALS).lower()
    return " ".join(text.split())


def folded(column: pl.Expr) -> pl.Expr:
    """Fold a column of strings; equal to `fold` on every row, and many times as fast."""
    return collapsed(column.str.normalize("NFKC").str.replace_many(["I", "İ"], ["ı", "i"]).str.to_lowercase())


def typed(folded_texts: pl.Series) -> pl.Series:
    """Write folded texts as they are typed without a Turkish keyboard: ücretsiz and ucretsiz are one."""
    return unmarked(folded_texts).str.replace_all("ı", "i", literal=True)


PATTERNS = Patterns(
    counted={
        **{"sifir": "0", "iki": "2", "uc": "3", "dort": "4", "dord": "4", "bes": "5", "yedi": "7"},
        **{"sekiz": "8", "dokuz": "9", "yirmi": "20", "otuz": "30", "kirk": "40", "elli": "50"},
        **{"altmis": "60", "yetmis": "70", "seksen": "80", "doksan": "90"},
        **{"milyon": "million", "milyar": "billion"},
    },
    # Whole words only: onu, yüzden and binmek are no numbers. Not "bir", which is an article as well.
    whole={
        **{"birinci": "1", "alti": "6", "altinci": "6", "on": "10", "onuncu": "10", "yuz": "100"},
        **{"bin": "1000", "yarim": "half", "bucuk": "half", "two": "2", "three": "3", "four": "4"},
        **{"five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9", "ten": "10"},
        **{"hundred": "100", "thousand": "1000", "million": "million", "billion": "billion"},
        **{"half": "half", "may": "m5"},
    },
    months={
        **{"ocak": 1, "ocag": 1, "subat": 2, "mart": 3, "nisan": 4, "mayis": 5, "haziran": 6, "temmuz": 7},
        **{"agustos": 8, "eylul": 9, "ekim": 10, "kasim": 11, "aralik": 12, "aralig": 12},
        **{"january": 1, "february": 2, "march": 3, "april": 4, "june": 6, "july": 7, "august": 8},
        **{"september": 9, "october": 10, "november": 11, "december": 12},
    },
    days={
        **{"pazartesi": 1, "sali": 2, "carsamba": 3, "persembe": 4, "cuma": 5, "cumartesi": 6, "pazar": 7},
        **{"monday": 1, "tuesday": 2, "wednesday": 3, "thursday": 4, "friday": 5, "saturday": 6},
        "sunday": 7,
    },
    # Cases, ordinals and shares: ikinci, üçer, beşten, ocakta, mayısın.
    suffix=r"(?:[iu]?nc[iu]\w{0,5}|s?[ae]r|[sy]?[aeiu]|[dt][ae]n?|[dt][ae]k[iu]\w{0,4}"
    r"|n?[iu]n|l[iu][kg]?\w?|yl?[ae])?",
    negations=(
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
    ),
    # Words that often come and go, and only look like a negation.
    no_negation=r"tamam|hemen|mesela|memnun|lazim|cogunlukla|zaman|temel",
    without=r"s[iu]z",
    roman=True,
)
