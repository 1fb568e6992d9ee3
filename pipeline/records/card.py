"""`records/card.json`: what the card says of itself."""

from pipeline.records.record import Record


class Card(Record):
    """The version that the card bears, and the commit of the code that wrote it."""

    version: str
    candidate: str
    code_commit: str | None
