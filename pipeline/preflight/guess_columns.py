"""Which splits and columns of a data set are whose, by their names and by what they hold."""

import re
from collections.abc import Mapping, Sequence

import polars as pl

from pipeline.errors import InvalidData

# By how sure a name is; the first that a data set has is taken.
_QUERY = (
    "query",
    "anchor",
    "question",
    "q",
    "sentence1",
    "sentence_1",
    "text1",
    "premise",
    "title",
    "prompt",
)
_POSITIVE = (
    "positive",
    "pos",
    "positive_passage",
    "answer",
    "document",
    "passage",
    "context",
    "sentence2",
    "sentence_2",
    "text2",
    "hypothesis",
    "response",
    "text",
)
_NEGATIVE = re.compile(r"(hard_?)?neg(ative)?s?(_?(passage|document|answer)s?)?(_?\d+)?", re.IGNORECASE)
_DEV = ("validation", "dev", "val", "valid", "eval", "development")
_TEST = ("test", "testing", "heldout", "holdout")
_MOST_LABELS = 5
_TEXTS, _LISTS = pl.String, pl.List(pl.String)


def splits(rows: Mapping[str, int]) -> dict[str, str | None]:
    """Return our splits' names in a data set, None where one is cut out of train.

    Args:
        rows: Of each of its splits.

    Raises:
        InvalidData: It has no split to train on.
    """
    if not rows:
        raise InvalidData("the data set has no split; wanted one to train on")
    train = "train" if "train" in rows else max(rows, key=lambda name: rows[name])
    others = [name for name in rows if name != train]
    dev = next((name for name in _DEV if name in others), None)
    test = next((name for name in _TEST if name in others), None)
    return {"train": train, "dev": dev, "test": test}


def columns(table: pl.DataFrame, owner: str) -> tuple[dict[str, str | list[str] | None], str]:
    """Return the columns of query, positive and negatives, and what that rests on.

    Args:
        table: The first rows of the train split.
        owner: The data set's name, for the message.

    Raises:
        InvalidData: Fewer than two columns hold texts.
    """
    texts = [name for name, kind in table.schema.items() if kind == _TEXTS]
    lists = [name for name, kind in table.schema.items() if kind == _LISTS]
    kinds = ", ".join(f"{name} ({kind})" for name, kind in table.schema.items())
    if len(texts) < 2:
        parted = next((sign for sign in ";\t|" if any(sign in name for name in table.columns)), None)
        raise InvalidData(
            f"{owner} has the columns {kinds}; wanted two of texts at least, a query and what belongs to it"
            + (
                f". Its files part columns by {parted!r}: say so by `sep` in README's `configs`"
                if parted
                else ""
            )
        )
    negatives = [name for name in [*texts, *lists] if _NEGATIVE.fullmatch(name)]
    left = [name for name in texts if name not in negatives]
    query, positive = _named(left, _QUERY), _named(left, _POSITIVE)
    why = "by the names of the columns"
    if query is None or positive is None or query == positive:
        if len(left) < 2:
            raise InvalidData(
                f"{owner} has the columns {kinds}; wanted a query and a positive of texts among them"
            )
        rest = [name for name in left if name not in {query, positive}]
        query = query or rest[0]
        positive = next(name for name in [positive, *rest] if name is not None and name != query)
        why = "by the order of the columns that hold texts"
    if not negatives:
        negatives = _alike(table, [name for name in left if name not in {query, positive}], positive)
        if negatives:
            why += "; the negative is another column of texts of like length"
    negative = sorted(negatives, key=_numbered)
    chosen: str | list[str] | None = negative[0] if len(negative) == 1 else negative or None
    return {"query": query, "positive": positive, "negative": chosen}, why


def labels(table: pl.DataFrame, columns: Mapping[str, str | list[str] | None]) -> str:
    """Name the columns of few values beside the texts, with these values; nothing where there are none."""
    taken = [name for one in columns.values() for name in (one if isinstance(one, list) else [one])]
    found = []
    for name in table.columns:
        if name in taken or table.schema[name].is_nested():
            continue
        values = table[name].drop_nulls().unique().sort()
        if 1 <= len(values) <= _MOST_LABELS:
            found.append(f"{name} ({', '.join(str(one) for one in values)})")
    return ", ".join(found)


def _named(names: Sequence[str], known: Sequence[str]) -> str | None:
    lower = {name.lower(): name for name in reversed(names)}
    return next((lower[one] for one in known if one in lower), None)


def _alike(table: pl.DataFrame, names: Sequence[str], positive: str) -> list[str]:
    """Return the one column left whose texts are about as long as the positives, and others than they."""
    whole = table.select(pl.all().exclude(pl.List(pl.String)))
    length = {name: whole[name].str.len_chars().mean() for name in [*names, positive]}
    found = []
    for name in names:
        ours, theirs = length[name], length[positive]
        if isinstance(ours, float) and isinstance(theirs, float) and 1 / 3 < ours / max(theirs, 1.0) < 3:
            several = whole[name].n_unique() > max(1, whole.height // 20)  # else it is a label
            found += [name] if several and (whole[name] != whole[positive]).any() else []
    return found[:1]


def _numbered(name: str) -> tuple[str, int]:
    stem = name.rstrip("0123456789")
    return stem, int(name[len(stem) :] or 0)
