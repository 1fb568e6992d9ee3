"""The words of a language that stand for numbers, dates and negations, as its module gives them."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Patterns:
    """What near-duplicates must agree in, beside digits. All letters are `typed` ones: without marks.

    Attributes:
        counted: Numbers in words, with endings that `suffix` knows: `{"zwei": "2"}`.
        whole: The same, for whole words only, which could be other words with an ending.
        months: The number of each, by name; with endings.
        days: The number of each day of the week, from Monday on, by name; with endings.
        suffix: A regular expression of the endings, the empty one among them.
        negations: Regular expressions of whole words.
        no_negation: A regular expression of beginnings that only look like one of them.
        without: A regular expression: a negation in which it is found says "without", others say "not".
        roman: Whether `ii` and `xiv` are numbers.
        month_first: Whether 5/12/2024 is a day of May.
    """

    counted: Mapping[str, str] = field(default_factory=dict)
    whole: Mapping[str, str] = field(default_factory=dict)
    months: Mapping[str, int] = field(default_factory=dict)
    days: Mapping[str, int] = field(default_factory=dict)
    suffix: str = ""
    negations: tuple[str, ...] = ()
    no_negation: str = ""
    without: str = ""
    roman: bool = False
    month_first: bool = False
