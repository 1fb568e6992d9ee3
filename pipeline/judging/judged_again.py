"""The gate asked again: whether its record says what the gate makes of the records and tables it rests on.

Digests only say that nothing was changed since DVC looked; `dvc commit` makes it look again at anything.
"""

import math
from pathlib import Path
from typing import Any

from pipeline.errors import ReleaseRefused
from pipeline.judging.evidence import read
from pipeline.judging.verdict import gate
from pipeline.params import Params
from pipeline.records import Record, Verdict
from pipeline.workspace import paths

_AGAIN = "Run `dvc repro --force --single-item gate`, then `dvc repro`"
# The last digits of a mean hang on the processor, and the release may run on another machine than the gate.
_ROUNDING = 1e-9


def demand(workspace: Path, params: Params, verdict: Verdict) -> None:
    """Judge the candidate again, with the log as it was at its look, and compare.

    Raises:
        ReleaseRefused: The log holds no look of this candidate at these rows, or the record says something
            else than the gate; the first field is named.
        BrokenChain: A record or a table is not what its step writes.
        UnmeasuredCheck: The gate was never asked about these tables: something that it checks is missing.
    """
    evidence, place = read(workspace, params)
    if place.first is None:
        raise ReleaseRefused(
            f"the log holds no look of candidate {verdict.candidate[:12]} at these rows of "
            f"{params.gate.split}; wanted the one that the gate writes with its verdict. {_AGAIN}"
        )
    found = difference(_said(verdict), _said(gate(evidence, params.gate)))
    if found is not None:
        field, here, wanted = found
        raise ReleaseRefused(
            f"{paths.RECORDS['gate']} says {field} is {here!r}, and the gate, asked again, says {wanted!r}; "
            f"wanted its own verdict. {_AGAIN}"
        )


def difference(here: Any, wanted: Any, field: str = "") -> tuple[str, Any, Any] | None:
    """Return the first field in which two JSON values differ by more than rounding, dotted, with both values.

    >>> difference({"checks": {"look": 1}}, {"checks": {"look": 2}})
    ('checks.look', 1, 2)
    """
    if isinstance(here, dict) and isinstance(wanted, dict):
        for key in [*here, *(key for key in wanted if key not in here)]:
            below = difference(here.get(key), wanted.get(key), f"{field}.{key}" if field else key)
            if below is not None:
                return below
        return None
    if isinstance(here, float) and isinstance(wanted, float):
        same = math.isclose(here, wanted, rel_tol=_ROUNDING, abs_tol=_ROUNDING)
    else:
        same = type(here) is type(wanted) and here == wanted
    return None if same else (field, here, wanted)


def _said(verdict: Verdict) -> Any:
    """Return a verdict without what sealing added."""
    return verdict.model_dump(mode="json", exclude=set(Record.model_fields))
