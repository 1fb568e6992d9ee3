"""`records/card.json`: what the card says of itself."""

from pipeline.records.record import Record


class Card(Record):
    """The version that the card bears, and what it was written by.

    Attributes:
        code_commit: The commit of the code; None where git knew none, and then nothing is released.
        params_file: sha256 of the whole of params.yaml, as it stood then; None in cards of before this was
            kept. `params` digests only what this step depends on.
    """

    version: str
    candidate: str
    code_commit: str | None
    params_file: str | None = None
