"""One frozen record per step, kept as JSON in `records/` and in git."""

from pipeline.records.audit import Audit, Lengths, SplitAudit
from pipeline.records.card import Card
from pipeline.records.metrics import Accuracy, Metrics
from pipeline.records.pin import Pin, PinnedFile, PinnedRepo, PinnedSplit
from pipeline.records.receipt import Receipt
from pipeline.records.record import Part, Record
from pipeline.records.training import CurvePoint, Speed, Training
from pipeline.records.verdict import Check, Verdict

__all__ = [
    "Accuracy",
    "Audit",
    "Card",
    "Check",
    "CurvePoint",
    "Lengths",
    "Metrics",
    "Part",
    "Pin",
    "PinnedFile",
    "PinnedRepo",
    "PinnedSplit",
    "Receipt",
    "Record",
    "Speed",
    "SplitAudit",
    "Training",
    "Verdict",
]
