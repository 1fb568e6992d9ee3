"""`records/audit.json`: what was found in the splits."""

from pydantic import Field

from pipeline.records.record import Part, Record


class Lengths(Part):
    """Lengths of a column's texts in tokens of the base, prompt and special tokens with them.

    `texts` were measured (a sample where there are very many); `over_long` of the whole column are cut.
    """

    min: int
    mean: float
    max: int
    texts: int
    over_long: int


class SplitAudit(Part):
    """One split before and after.

    Attributes:
        found: Rows per finding, whatever its policy.
        dropped: Rows that left, by the first finding that made them.
        components: Near-duplicate components of the kept rows' queries; 0 for train, which is not asked.
    """

    rows: int = Field(ge=0)
    kept: int = Field(ge=0)
    groups: int = Field(ge=0)
    components: int = Field(ge=0)
    found: dict[str, int]
    dropped: dict[str, int]
    tokens: dict[str, Lengths]


class Shortcut(Part):
    """How often a method that cannot understand tells positive from negative, on one split's clean rows.

    Attributes:
        bag_of_words: A classifier over words that never sees the query, trained on train's clean rows.
        misled: How often that classifier takes a negative for the positive; a tie is neither.
        misled_by_chance: How often it would at most where it had learned nothing; above it, train calls
            positive what this split calls negative. Older records know of neither.
        bm25: The document that shares more rare words with the query.
        hard_rows: Rows that both miss.
        warn_above: Above it (from params), triplet accuracy partly measures style.
        warned: Whether one of the two is above it.
    """

    bag_of_words: float
    misled: float = 0.0
    misled_by_chance: float = 1.0
    bm25: float
    hard_rows: int
    warn_above: float
    warned: bool


class Audit(Record):
    """What was found, per split and between them.

    Attributes:
        shortcut: Per held-out split.
        personal_data: Rows per kind of personal data found, all splits together.
        near_train: Rows of each held-out split that are the same as, or near, a text that is trained on.
        test_digest: Names the test rows of a verdict: equal rows, equal digest, whatever the commit.
        rejected_share: Rows dropped, of all.
        languages_without_module: Of the data set: their texts are folded by Unicode's rules alone.
        repeated: Of each column of train's clean rows: how many texts stand there so many times, those that
            stand there at least twice and in more than one row of 4,096.
    """

    splits: dict[str, SplitAudit]
    shortcut: dict[str, Shortcut]
    personal_data: dict[str, int]
    near_train: dict[str, int]
    test_digest: str
    rejected_share: float = Field(ge=0, le=1)
    languages_without_module: tuple[str, ...] = ()
    repeated: dict[str, dict[int, int]] = Field(default_factory=dict)
