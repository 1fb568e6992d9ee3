"""The sample's data set: Turkish telecom triplets, written from frames and a seed.

The tables under `facts/` hold, for each split, *facts*: what one could know of a tariff, a bill, a campaign.
A fact has several *frames*, sentences that say the same in other words, and two *sides* that contradict each
other. In a frame, `[a|b]` gives the words of either side, `{slot:case}` is filled from `words.toml` and
inflected; the sides of a fact with `vary` differ in the value of that slot instead.

Each drawing of a fact gives two triplets, one for each side, and the positive of one is the negative of the
other: nothing in a negative tells it from a positive unless the query is read.
"""

import random
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from itertools import product
from pathlib import Path

import polars as pl

from sample.telecom_turkish import Phrase, capitalise

SPLITS = ("train", "validation", "test")
EDITIONS = (1, 2)
ROWS = {"train": 4400, "validation": 500, "test": 500}
FACTS = Path(__file__).parent / "facts"

# How the frames of a drawing are chosen, and how often. A negative that echoes the frame of its query shares
# more words with it than the positive does; a twin differs from the positive in the decisive detail only.
# Of each 20 drawings so many are of a kind, in any order: so the figures hold for small splits and any seed.
KINDS = {"echo": 3, "twin": 6, "free": 7, "unrelated": 4}
# Without `vary` a fact is a plain yes or no, which a small model hardly learns: it is drawn in few turns.
DENIAL_SHARE = 0.2
DROPPED_SHARE = 0.05  # of the train facts of edition 1 that edition 2 leaves out
ADDED_SHARE = 0.2  # of new train rows in edition 2, measured against edition 1
SPOILED_SHARE = 0.8  # of train rows whose positive and negative change places in a spoiled data set


@dataclass(frozen=True)
class Triplet:
    """One row; `fact` names the drawing of the query's fact, as in "bill-paper-fee/17"."""

    query: str
    positive: str
    negative: str
    topic: str
    fact: str


@dataclass(frozen=True)
class Fact:
    """One entry of a table under `facts/`; a frame that ends in a question mark is only ever a query."""

    id: str
    topic: str
    frames: tuple[str, ...]
    vary: str | None = None

    @property
    def statements(self) -> list[str]:
        """The frames that may be a positive or a negative."""
        return [frame for frame in self.frames if not frame.endswith("?")]

    @property
    def slots(self) -> list[str]:
        """The slots that both sides share, and that therefore name one drawing of the fact."""
        return sorted(set(re.findall(r"{(\w+)", self.frames[0])) - {self.vary})


@dataclass(frozen=True)
class Drawing:
    """One fact with its slots filled, once for each side."""

    fact: Fact
    number: int
    sides: tuple[Mapping[str, Phrase], Mapping[str, Phrase]]

    def say(self, frame: str, side: int) -> str:
        """Return `frame` as a sentence that states `side`, 0 or 1."""
        chosen = re.sub(r"\[([^|]*)\|([^]]*)]", lambda options: options[side + 1], frame)
        return capitalise(chosen.format_map(self.sides[side]))

    def triplet(self, query: str, positive: str, negative: str) -> Triplet:
        """Return a row on this drawing's fact."""
        return Triplet(query, positive, negative, self.fact.topic, f"{self.fact.id}/{self.number}")


def read_facts(table: str) -> list[Fact]:
    """Read one table of facts: train, validation, test, or next (what edition 2 adds to train)."""
    entries = tomllib.loads((FACTS / f"{table}.toml").read_text(encoding="utf-8"))["fact"]
    return [Fact(**{**entry, "frames": tuple(entry["frames"])}) for entry in entries]


@cache
def read_words() -> dict[str, list[str]]:
    """Read the words for each slot."""
    return tomllib.loads((FACTS / "words.toml").read_text(encoding="utf-8"))


def drawings(fact: Fact, seed: str) -> Iterator[Drawing]:
    """Yield drawings of a fact, each with other words in the shared slots."""
    rng = random.Random(f"{seed}/{fact.id}")
    words = read_words()
    combinations = list(product(*(words[slot] for slot in fact.slots)))
    rng.shuffle(combinations)
    for number, shared in enumerate(combinations, start=1):
        values = {slot: Phrase(word) for slot, word in zip(fact.slots, shared, strict=True)}
        sides = rng.sample(words[fact.vary], 2) if fact.vary else ("", "")
        left, right = ({**values, fact.vary or "": Phrase(side)} for side in sides)
        yield Drawing(fact, number, (left, right))


def contradict(drawing: Drawing, kind: str, rng: random.Random) -> list[Triplet]:
    """Write the two triplets of one drawing whose sides are each other's negatives."""
    first, second = rng.sample(drawing.fact.statements, 2)
    if kind == "twin":
        second = first
    others = [frame for frame in drawing.fact.frames if frame not in (first, second)]
    asked = [second, first] if kind == "echo" else rng.sample(others, 2)
    told = [first, second]
    texts = [drawing.say(told[side], side) for side in (0, 1)]
    return [drawing.triplet(drawing.say(asked[side], side), texts[side], texts[1 - side]) for side in (0, 1)]


def relate(drawing: Drawing, other: Drawing, rng: random.Random) -> list[Triplet]:
    """Write two triplets, one on each drawing, whose positives are each other's negatives."""
    pairs = []
    for told in (drawing, other):
        side = rng.randrange(2)
        positive = rng.choice(told.fact.statements)
        query = rng.choice([frame for frame in told.fact.frames if frame != positive])
        pairs.append((told.say(query, side), told.say(positive, side)))
    (query, positive), (other_query, other_positive) = pairs
    return [
        drawing.triplet(query, positive, other_positive),
        other.triplet(other_query, other_positive, positive),
    ]


def write_rows(facts: Sequence[Fact], count: int, seed: str) -> list[Triplet]:
    """Write `count` triplets, taking the facts in turn.

    Raises:
        ValueError: The facts and words do not suffice for so many rows.
    """
    rng = random.Random(seed)
    sources = {fact: drawings(fact, seed) for fact in facts}
    rows: list[Triplet] = []
    left = list(facts)
    deck: list[str] = []
    while len(rows) < count:
        if not left:
            raise ValueError(f"{count} rows are wanted, the facts give {len(rows)}: add facts or words")
        for fact in rng.sample(left, len(left)):
            if not fact.vary and rng.random() > DENIAL_SHARE:
                continue
            drawing = next(sources[fact], None)
            if drawing is None:
                left.remove(fact)
                continue
            if not deck:
                deck = rng.sample(list(KINDS), sum(KINDS.values()), counts=list(KINDS.values()))
            kind = deck.pop()
            other = None
            if kind == "unrelated":
                other = next(sources[rng.choice([far for far in facts if far.topic != fact.topic])], None)
            rows += relate(drawing, other, rng) if other else contradict(drawing, kind, rng)
    return rows[:count]


def generate(
    edition: int = 1, seed: int = 42, rows: Mapping[str, int] | None = None
) -> dict[str, list[Triplet]]:
    """Write the three splits; the same arguments give the same rows, always.

    Args:
        edition: 1, or 2: validation and test as in 1, some train facts dropped and new ones added.
        seed: Of every choice.
        rows: Number of rows by split in edition 1, `ROWS` for a split that is not named.

    Raises:
        ValueError: There is no such edition, or more rows are wanted than the facts can give.
    """
    if edition not in EDITIONS:
        raise ValueError(f"edition is {edition}, wanted one of {EDITIONS}")
    counts = {**ROWS, **(rows or {})}
    splits = {split: write_rows(read_facts(split), counts[split], f"{seed}/{split}") for split in SPLITS}
    if edition == 2:
        splits["train"] = renew(splits["train"], seed)
    return splits


def renew(train: Sequence[Triplet], seed: int) -> list[Triplet]:
    """Drop a small share of the facts and add those of the table `next`, as a year of trade would."""
    rng = random.Random(f"{seed}/renew")
    dropped = {fact for fact in sorted({row.fact for row in train}) if rng.random() < DROPPED_SHARE}
    added = write_rows(read_facts("next"), round(ADDED_SHARE * len(train)), f"{seed}/next")
    return [row for row in train if row.fact not in dropped] + added


def spoil(train: Sequence[Triplet], seed: int) -> list[Triplet]:
    """Swap positive and negative in most rows: a candidate trained on them must not pass a gate."""
    rng = random.Random(f"{seed}/spoil")
    return [
        replace(row, positive=row.negative, negative=row.positive) if rng.random() < SPOILED_SHARE else row
        for row in train
    ]


def write_dataset(
    folder: Path,
    edition: int = 1,
    seed: int = 42,
    rows: Mapping[str, int] | None = None,
    spoiled: bool = False,
) -> None:
    """Write `data/{split}.parquet` and the data set's card under `folder`, ready for the Hub."""
    splits = generate(edition, seed, rows)
    if spoiled:
        splits["train"] = spoil(splits["train"], seed)
    (folder / "data").mkdir(parents=True, exist_ok=True)
    for split, triplets in splits.items():
        pl.DataFrame([asdict(triplet) for triplet in triplets]).write_parquet(
            folder / f"data/{split}.parquet"
        )
    card = (FACTS / "CARD.md").read_text(encoding="utf-8")
    table = "\n".join(f"| {split} | {len(triplets)} |" for split, triplets in splits.items())
    card = card.replace("{table}", table).replace("{edition}", str(edition)).replace("{seed}", str(seed))
    (folder / "README.md").write_text(card, encoding="utf-8")
