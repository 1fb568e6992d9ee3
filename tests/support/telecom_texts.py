"""Texts of the sample's data set, folded, and small changes of them."""

import random

import polars as pl

from pipeline.dataset.languages.tr import folded

FILLERS = ("ayrıca", "genel olarak", "özellikle", "elbette", "bugün", "tabii", "artık", "öncelikle")


def fold(texts: list[str]) -> pl.Series:
    """Fold texts as Turkish."""
    return pl.DataFrame({"text": texts}, schema={"text": pl.String}).select(folded(pl.col("text")))["text"]


def insert(text: str, draw: random.Random) -> str:
    """Put a word that says nothing somewhere into a text."""
    words = text.split()
    words.insert(draw.randrange(len(words) + 1), draw.choice(FILLERS))
    return " ".join(words)
