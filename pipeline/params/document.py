"""The whole of params.yaml."""

import re
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from pipeline.errors import InvalidParams
from pipeline.params import explain
from pipeline.params.approve import ApproveParams
from pipeline.params.audit import AuditParams
from pipeline.params.card import CardParams
from pipeline.params.evaluate import EvaluateParams
from pipeline.params.gate import GateParams
from pipeline.params.machine import HardwareParams, HubParams, TrackingParams
from pipeline.params.model import ModelParams
from pipeline.params.pin import (
    AnchorParams,
    BaseParams,
    DatasetParams,
    LiveParams,
    PinParams,
    Probe,
    RefreshParams,
    RetrievalFiles,
)
from pipeline.params.release import ReleaseParams
from pipeline.params.section import Section
from pipeline.params.train import TrainParams


class Params(Section):
    """Every section of params.yaml, and the rules that hold between them."""

    dataset: DatasetParams
    base: BaseParams
    live: LiveParams
    anchor: AnchorParams
    retrieval: RetrievalFiles | None
    probes: dict[str, Probe]
    model: ModelParams
    pin: PinParams
    audit: AuditParams
    train: TrainParams
    evaluate: EvaluateParams
    gate: GateParams
    card: CardParams
    approve: ApproveParams
    release: ReleaseParams
    refresh: RefreshParams
    hardware: HardwareParams
    hub: HubParams
    tracking: TrackingParams | None

    @model_validator(mode="after")
    def _sections_agree(self) -> "Params":
        faults = []
        dims = self.model.dims
        weights = self.train.loss.matryoshka_weights
        if len(weights) != len(dims):
            faults.append(
                f"train.loss.matryoshka_weights has {len(weights)} numbers; wanted one per width of "
                f"model.dims, which has {len(dims)}"
            )
        if set(self.gate.floors) != set(dims):
            faults.append(
                f"gate.floors names the widths {sorted(self.gate.floors)}; wanted those of model.dims, "
                f"{sorted(dims)}: every width that is promised has a floor, and 0 is one"
            )
        if self.gate.split not in self.evaluate.splits:
            faults.append(
                f"gate.split is {self.gate.split!r}, which evaluate.splits {list(self.evaluate.splits)} "
                "does not score; add it there"
            )
        if self.gate.cluster != "component" and self.gate.cluster not in self.dataset.slices:
            faults.append(
                f"gate.cluster is {self.gate.cluster!r}; wanted 'component' (near-duplicates together) or "
                f"one of dataset.slices {list(self.dataset.slices)}"
            )
        odd = [name for name in self.probes if not re.fullmatch(r"[a-z0-9_]+", name)]
        if odd:
            faults.append(f"probes: {odd} are no names; wanted small letters, digits and underscores")
        if "service" in self.probes and self.retrieval is not None:
            faults.append(
                "probes has one called 'service', which is what the measures of `retrieval` are called; "
                "wanted another name for it"
            )
        if faults:
            raise ValueError("\n  ".join(faults))
        return self


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file as plain values.

    Raises:
        InvalidParams: The file is missing, is no YAML, or holds no mapping.
    """
    try:
        return parse_yaml(path.read_text(encoding="utf-8"), path)
    except FileNotFoundError:
        raise InvalidParams(f"{path} is missing; wanted a workspace with a params.yaml") from None
    except UnicodeDecodeError as error:
        raise InvalidParams(explain.not_utf8(path, error)) from None


def parse_yaml(text: str, path: Path) -> dict[str, Any]:
    """Return the plain values of a text that stands in a YAML file, or will.

    Raises:
        InvalidParams: The text is no YAML, or holds no mapping.
    """
    try:
        content = deepcopy(_parsed(text))
    except (YAMLError, ValueError, RecursionError) as error:
        raise InvalidParams(explain.not_yaml(path, text, error)) from None
    if not isinstance(content, dict):
        raise InvalidParams(f"{path} holds {explain.kind(content)}; wanted sections, like `train:`")
    if _holds_itself(content, ()):
        raise InvalidParams(
            f"{path} has an `*alias` inside of what it stands for; wanted each value "
            "written out. Write it out"
        )
    return content


def _holds_itself(value: Any, around: tuple[int, ...]) -> bool:
    """Return whether a value stands inside of itself, as YAML's aliases allow."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if id(value) in around:
        return True
    return any(_holds_itself(one, (*around, id(value))) for one in inside if isinstance(one, dict | list))


@lru_cache(maxsize=16)
def _parsed(text: str) -> Any:
    """Return what a YAML text holds.

    One release asks sixty times for the same two files, and ruamel.yaml takes 12 ms for each.
    """
    return YAML(typ="safe", pure=True).load(text)


def load(workspace: Path) -> Params:
    """Read and check `params.yaml` of a workspace.

    Raises:
        InvalidParams: One line per fault: the key, the value found, what was wanted.
    """
    path = workspace / "params.yaml"
    return check(read_yaml(path), path, "If katman is newer than this file, run `katman upgrade`")


def check(content: dict[str, Any], path: Path, missing: str) -> Params:
    """Check the content of a `params.yaml`.

    Args:
        content: Plain values of the document.
        path: Named in the message.
        missing: What to do where keys are missing, or unknown.

    Raises:
        InvalidParams: One line per fault: the key, the value found, what was wanted.
    """
    try:
        params = Params.model_validate(_tuples(content))
    except ValidationError as error:
        faults = error.errors()
        lines = [f"{path} cannot be used:", *(f"  {explain.fault(fault)}" for fault in faults)]
        if {"missing", "extra_forbidden"} & {fault["type"] for fault in faults}:
            lines.append(missing)
        raise InvalidParams("\n".join(lines)) from None
    if large := explain.large_numbers(content):
        raise InvalidParams("\n  ".join([f"{path} cannot be used:", *large]))
    return params


def _tuples(value: Any) -> Any:
    """Make every list of a YAML document a tuple, as frozen sections hold them."""
    if isinstance(value, dict):
        return {key: _tuples(one) for key, one in value.items()}
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
