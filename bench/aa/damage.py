"""What is planted in the train split: each damage as a function of its columns."""

import math
from collections.abc import Callable, Mapping
from typing import Literal, get_args

import numpy as np

Columns = dict[str, list[str]]
Damage = Literal["none", "shuffled_10", "shuffled_30", "shuffled_100", "swapped", "a_tenth", "other_language"]
DAMAGES: tuple[Damage, ...] = get_args(Damage)

SAID: Mapping[Damage, str] = {
    "none": "nothing: another seed",
    "shuffled_10": "10% of the positives shuffled",
    "shuffled_30": "30% of the positives shuffled",
    "shuffled_100": "all positives shuffled",
    "swapped": "positives and negatives swapped",
    "a_tenth": "a tenth of the rows",
    "other_language": "rows of another language",
}

_PEOPLE = ("Ada", "Ben", "Cora", "Dan", "Eve", "Finn", "Grace", "Hugh", "Iris", "Jack", "Kate", "Liam")
_CITIES = ("Leeds", "Boston", "Dublin", "Perth", "Austin", "Cardiff", "Denver", "Bristol", "Salem", "York")
_GOODS = ("lamps", "chairs", "books", "coats", "bicycles", "pianos", "tents", "kettles", "mirrors", "clocks")


def plant(damage: Damage, train: Columns, seed: int) -> Columns:
    """Return the columns of a train split with a damage in them."""
    random = np.random.default_rng(seed)
    planted: Mapping[Damage, Callable[[], Columns]] = {
        "none": lambda: train,
        "shuffled_10": lambda: _shuffled(train, 0.1, random),
        "shuffled_30": lambda: _shuffled(train, 0.3, random),
        "shuffled_100": lambda: _shuffled(train, 1.0, random),
        "swapped": lambda: _swapped(train),
        "a_tenth": lambda: _some(train, 0.1, random),
        "other_language": lambda: _english(train),
    }
    return planted[damage]()


def _shuffled(train: Columns, share: float, random: np.random.Generator) -> Columns:
    """Give a share of the rows each other's positives; none keeps its own."""
    positives = list(train["positive"])
    rows = random.permutation(len(positives))[: max(2, round(share * len(positives)))]
    for row, other in zip(rows, np.roll(rows, 1), strict=True):
        positives[row] = train["positive"][other]
    return {**train, "positive": positives}


def _swapped(train: Columns) -> Columns:
    return {**train, "positive": train["negative"], "negative": train["positive"]}


def _some(train: Columns, share: float, random: np.random.Generator) -> Columns:
    count = len(train["query"])
    rows = sorted(random.permutation(count)[: math.ceil(share * count)])
    return {name: [texts[row] for row in rows] for name, texts in train.items()}


def _english(train: Columns) -> Columns:
    """Return as many English triplets of the same kind: a paraphrase, and a negative of another number."""
    rows = [
        (person, city, goods, count)
        for count in range(2, 200)
        for person in _PEOPLE
        for city in _CITIES
        for goods in _GOODS
    ][: len(train["query"])]
    further = {name: texts for name, texts in train.items() if name not in ("query", "positive", "negative")}
    return {
        "query": [f"{person} bought {count} {goods} in {city}." for person, city, goods, count in rows],
        "positive": [
            f"In {city}, {count} {goods} were sold to {person}." for person, city, goods, count in rows
        ],
        "negative": [
            f"In {city}, {count + 3} {goods} were sold to {person}." for person, city, goods, count in rows
        ],
        **{name: [f"{one} were sold out." for _, _, one, _ in rows] for name in further},
    }
