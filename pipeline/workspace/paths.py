"""Where everything of a workspace stands: each path once, as dvc.yaml, git and the records name it.

Every constant is a path inside the workspace: `workspace / paths.REEMBED` is the file.
"""

from pathlib import Path

PARAMS = "params.yaml"
STAGES = "dvc.yaml"
LOCK = "dvc.lock"
# The groups that are held out, see `pipeline.workspace.holdout`.
LEDGER = "splits.ledger"

# What `pin` brings.
RAW = "data/raw"
BASE = "data/base"
LIVE = "data/live"
ANCHOR = "data/anchor"
RETRIEVAL = "data/retrieval"
PROBES = "data/probes"

# What `audit` leaves of the raw splits.
CLEAN = "data/clean"
REJECTED = "data/rejected.parquet"
TRAITS = "data/traits.parquet"

# What `train` makes: the candidate.
MODEL = "model"
CURVES = "curves.csv"

# What `evaluate` measures, beside the record of it.
OUTCOMES = "outcomes.parquet"
RETRIEVED = "retrieved.parquet"
REEMBED = "reembed.json"
MODELS = {"base": BASE, "candidate": MODEL, "live": LIVE, "anchor": ANCHOR}

# What `card` writes.
CARD = "card"

# The record of each stage, in the order in which they run.
RECORDS = {
    "pin": "records/pin.json",
    "audit": "records/audit.json",
    "train": "records/training.json",
    "evaluate": "records/metrics.json",
    "gate": "records/verdict.json",
    "card": "records/card.json",
}
# The few numbers of a verdict that `dvc metrics` shows.
SUMMARY = "records/summary.json"

RECEIPTS = "receipts"
APPROVALS = "approvals"
# The candidate that was put up for a person's decision; its dot keeps it out of git.
WAITING = f"{APPROVALS}/.waiting.json"

# What steps write and git keeps; everything else that git tracks is code.
KEPT_IN_GIT = (PARAMS, LOCK, LEDGER, "records", REEMBED, APPROVALS, RECEIPTS, CURVES)

# The code that a card states the commit of: whatever can change what a step does.
CODE = ("pipeline", "flows", "localhub", STAGES, "requirements.lock")

# What only saves time, and may be removed.
VECTORS = ".vectors"
CHECKPOINTS = ".checkpoints"


def clean(workspace: Path, split: str) -> Path:
    """Return the file of one clean split."""
    return workspace / CLEAN / f"{split}.parquet"


def receipt(name: str) -> str:
    """Return the path of one receipt: a release's commit on the Hub, or an adopted model's version."""
    return f"{RECEIPTS}/{name}.json"


def approval(candidate: str) -> str:
    """Return the path of the approval of one candidate."""
    return f"{APPROVALS}/{candidate}.json"


def rejection(candidate: str) -> str:
    """Return the path of the rejection of one candidate."""
    return f"{APPROVALS}/{candidate}.rejected.json"


def unsigned_approval(candidate: str, signer: str = "") -> str:
    """Return the path of what a person shall sign; its dot keeps it out of git.

    Args:
        candidate: The one that is approved.
        signer: Tells the texts apart that were written for several persons.
    """
    return f"{APPROVALS}/.{candidate}{signer and f'.{signer}'}.unsigned.json"
