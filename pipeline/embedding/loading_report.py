"""What transformers found in a checkpoint: a weight that it lacks would be drawn at random, silently."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from transformers import PreTrainedModel

# Weights that no vector depends on: the pooler is BERT's head for pairs of sentences.
_HARMLESS = ("pooler.",)
# Of a checkpoint, what an encoder has no use for: heads of the task that it was trained on.
_HEADS = ("pooler.", "cls.", "lm_head.", "classifier.", "qa_outputs.", "vocab_", "mlm", "score.", "head.")
_SHOWN = 5


@dataclass
class LoadingReport:
    """Names of weights over all models that were loaded.

    Attributes:
        missing: Of the model, which the checkpoint lacks.
        unused: Of the checkpoint, which the model has no place for.
    """

    missing: set[str] = field(default_factory=set)
    unused: set[str] = field(default_factory=set)

    def needed(self) -> list[str]:
        """Return the missing weights that vectors depend on."""
        return sorted(name for name in self.missing if not name.removeprefix("model.").startswith(_HARMLESS))

    def left_out(self) -> list[str]:
        """Return the unused weights that are no head of another task."""
        return sorted(
            name
            for name in self.unused
            if not any(part in name for part in _HEADS) and not name.endswith((".position_ids", "inv_freq"))
        )


@contextmanager
def reported() -> Iterator[LoadingReport]:
    """Keep transformers' own loading report of every model that is loaded meanwhile, in this process."""
    report = LoadingReport()
    plain = PreTrainedModel.__dict__["from_pretrained"]

    def from_pretrained(cls: type[PreTrainedModel], *arguments: Any, **options: Any) -> Any:
        asked = options.pop("output_loading_info", False)
        model, found = plain.__func__(cls, *arguments, output_loading_info=True, **options)
        report.missing.update(map(str, found["missing_keys"]))
        report.unused.update(map(str, found["unexpected_keys"]))
        return (model, found) if asked else model

    setattr(PreTrainedModel, "from_pretrained", classmethod(from_pretrained))  # noqa: B010  (no plain method)
    try:
        yield report
    finally:
        setattr(PreTrainedModel, "from_pretrained", plain)  # noqa: B010


def stray_prefix(missing: Sequence[str], unused: Sequence[str]) -> str | None:
    """Return the prefix under which a checkpoint holds what is missing; None where there is no such."""
    for name in missing:
        for other in unused:
            if other.endswith(f".{name}"):
                return other.removesuffix(name)
    return None


def shown(names: Sequence[str]) -> str:
    """Return the first of many names, and how many there are beside them."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more}"
