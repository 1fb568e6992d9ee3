"""In which language texts are, where their card does not say: by the commonest words of a few languages."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

_WORDS = {
    "tr": "ve bir bu için ne ile nasıl mı mi çok daha olarak var yok ama",
    "en": "the of and to is in that for it with how what you are on",
    "de": "der die und das ist nicht ein eine den von mit wie zu auf für",
    "fr": "le la les de des et est un une que pour dans qui sur comment",
    "es": "el la los que de y en un una es por con para las cómo",
    "it": "il di che la è un per una non sono come con del gli",
    "pt": "o que de e do da em um para com não uma os como",
    "nl": "de het een en van is dat op te in voor niet met hoe",
    "pl": "w i na z do nie się jest to jak że",
}
_CODE = re.compile(r"[a-z]{2,3}")
_LEAST_SHARE = 0.04


def stated(languages: Iterable[object]) -> list[str]:
    """Return the codes among the languages that a card states."""
    return [one for one in map(str, languages) if _CODE.fullmatch(one)]


def of(texts: Sequence[str]) -> str:
    """Return the language whose commonest words these texts have the most of; `und` where that is few.

    >>> of(["Wie kündige ich den Vertrag?", "Das ist nicht für die Tarife."])
    'de'
    >>> of(["4711 0815"])
    'und'
    """
    words = Counter(re.findall(r"\w+", " ".join(texts).lower()))
    total = sum(words.values())
    hits = {code: sum(words[word] for word in known.split()) for code, known in _WORDS.items()}
    best = max(hits, key=lambda code: hits[code])
    return best if total and hits[best] / total >= _LEAST_SHARE else "und"
