"""What is guessed: values of params.yaml by dotted key, each with the reason that its comment gives."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Guesses:
    """Values of params.yaml that nobody was asked for.

    Attributes:
        values: By dotted key.
        why: What each rests on, where that is no fact; the file marks these.
    """

    values: dict[str, Any] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)

    def known(self, values: Mapping[str, Any]) -> None:
        """Set what is a fact."""
        self.values |= values

    def guess(self, key: str, value: Any, why: str) -> None:
        """Set what is likely, with the reason."""
        self.values[key] = value
        self.why[key] = why
