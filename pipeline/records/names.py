"""The words of the records that are one of a few: models, splits, metrics, precisions."""

from typing import Literal

ModelName = Literal["base", "candidate", "live", "anchor"]
# The models that a candidate must not fall behind.
Rival = Literal["live", "anchor"]
HeldOut = Literal["dev", "test"]
# What two models are compared in: nDCG@10 of own queries, triplet accuracy, and that of the hard subset.
Metric = Literal["ndcg", "accuracy", "hard"]
Precision = Literal["float32", "int8", "binary"]
# Whether positive and negative of a row differ in a number, a date or a negation.
RowKind = Literal["signal", "other"]
# Of `mteb` it is the main score that mteb gives the task.
ProbeMeasure = Literal["spearman", "ndcg10", "mteb"]

# How texts were folded whose hashes stand in ledgers and releases of before each named its folding.
UNNAMED_FOLDING = "tr"
