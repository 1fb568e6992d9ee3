"""The parts of a card, each a table or some sentences from a record."""
