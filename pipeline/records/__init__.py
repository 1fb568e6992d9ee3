"""One frozen record per step, kept as JSON in `records/` and in git."""

from pipeline.records.approval import Approval
from pipeline.records.audit import Audit, Lengths, Shortcut, SplitAudit
from pipeline.records.card import Card
from pipeline.records.looks import Looks
from pipeline.records.metrics import (
    Accuracy,
    Cell,
    Chosen,
    Cosines,
    Example,
    Metrics,
    Mistakes,
    Retrieval,
    Soundness,
)
from pipeline.records.pin import Pin, PinnedFile, PinnedRepo, PinnedSplit, RepoRef
from pipeline.records.receipt import Judged, Receipt
from pipeline.records.record import Part, Record
from pipeline.records.reembed import Reembed
from pipeline.records.training import CurvePoint, Speed, Training
from pipeline.records.verdict import Check, Comparison, Verdict

__all__ = [
    "Accuracy",
    "Approval",
    "Audit",
    "Card",
    "Cell",
    "Check",
    "Chosen",
    "Comparison",
    "Cosines",
    "CurvePoint",
    "Example",
    "Judged",
    "Lengths",
    "Looks",
    "Metrics",
    "Mistakes",
    "Part",
    "Pin",
    "PinnedFile",
    "PinnedRepo",
    "PinnedSplit",
    "Receipt",
    "Record",
    "Reembed",
    "RepoRef",
    "Retrieval",
    "Shortcut",
    "Soundness",
    "Speed",
    "SplitAudit",
    "Training",
    "Verdict",
]
