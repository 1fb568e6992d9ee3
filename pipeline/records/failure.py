"""What a step that failed says to the process that started it; kept nowhere."""

from pathlib import Path

from pydantic import ValidationError

from pipeline.errors import ExitCode
from pipeline.records.record import Part

FAILURE_FILE = "KATMAN_FAILURE"  # the variable that names the file, set by whoever wants to know


class Failure(Part):
    """How a step failed.

    Attributes:
        step: Name of the step.
        error: The class of its error.
        message: Value found, value wanted, what to do; whole, as the step printed it after its name.
        passing: The step can end otherwise in a while, though nobody changed anything.
    """

    step: str
    error: str
    exit_code: ExitCode
    message: str
    passing: bool


def read(path: Path) -> Failure | None:
    """Return what a step said of its failure; None where the step broke off before it could."""
    try:
        return Failure.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
