"""One frozen record per step, kept as JSON in `records/` and in git."""

from pipeline.records.approval import Approval
from pipeline.records.audit import Audit, Lengths, Shortcut, SplitAudit
from pipeline.records.card import Card
from pipeline.records.metrics import (
    Accuracy,
    Cosines,
    EncodedTexts,
    Example,
    Machine,
    Metrics,
    Mistakes,
    ModelScores,
    MtebScore,
    ProbeSet,
    Retrieval,
    Soundness,
    SplitScores,
    StoredVectors,
)
from pipeline.records.names import HeldOut, Metric, ModelName, Precision, ProbeMeasure, Rival, RowKind
from pipeline.records.pin import BaseTrial, MtebTask, Pin, PinnedFile, PinnedRepo, PinnedSplit, RepoRef
from pipeline.records.receipt import Adoption, Judged, LogState, Receipt
from pipeline.records.record import Document, Part, Record
from pipeline.records.reembed import Reembed
from pipeline.records.training import CurvePoint, Speed, Training
from pipeline.records.verdict import (
    Check,
    Comparison,
    Difference,
    Outcome,
    Pattern,
    Rule,
    Summary,
    Verdict,
)

__all__ = [
    "Accuracy",
    "Adoption",
    "Approval",
    "Audit",
    "BaseTrial",
    "Card",
    "Check",
    "Comparison",
    "Cosines",
    "CurvePoint",
    "Difference",
    "Document",
    "EncodedTexts",
    "Example",
    "HeldOut",
    "Judged",
    "Lengths",
    "LogState",
    "Machine",
    "Metric",
    "Metrics",
    "Mistakes",
    "ModelName",
    "ModelScores",
    "MtebScore",
    "MtebTask",
    "Outcome",
    "Part",
    "Pattern",
    "Pin",
    "PinnedFile",
    "PinnedRepo",
    "PinnedSplit",
    "Precision",
    "ProbeMeasure",
    "ProbeSet",
    "Receipt",
    "Record",
    "Reembed",
    "RepoRef",
    "Retrieval",
    "Rival",
    "RowKind",
    "Rule",
    "Shortcut",
    "Soundness",
    "Speed",
    "SplitAudit",
    "SplitScores",
    "StoredVectors",
    "Summary",
    "Training",
    "Verdict",
]
