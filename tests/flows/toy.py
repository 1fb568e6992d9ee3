"""A workspace with the real stage names and trivial commands."""

import shutil
from pathlib import Path

from tests.support import sealed
from tests.support.records import METRICS, receipt
from tests.support.workspaces import PROJECT, repository, set_params

CHECK = {"value": 0.8, "rule": ">=", "wanted": 0.9, "passed": True}
STAGES = {
    "pin": ("data.txt", "pin"),
    "audit": ("records/pin.json", "audit"),
    "train": ("records/audit.json", "training"),
    "evaluate": ("records/training.json", "metrics"),
    "gate": ("records/metrics.json", "verdict"),
    "card": ("records/verdict.json", "card"),
}


def make_toy(folder: Path, data: str = "good") -> Path:
    """Make a workspace whose steps do nothing."""
    (folder / "pipeline").mkdir(parents=True)
    (folder / "pipeline" / "__init__.py").touch()
    shutil.copy(Path(__file__).with_name("toy_pipeline.py"), folder / "pipeline" / "__main__.py")
    templates = folder / "templates"
    templates.mkdir()
    shutil.copy(METRICS, templates / "metrics.json")
    verdict = sealed.verdict("", checks={"floor_16": CHECK})
    (templates / "verdict.json").write_text(verdict.dump(), "utf-8")
    (templates / "receipt.json").write_text(receipt("v1", repo="toy/model").model_dump_json(), "utf-8")
    lines = ["stages:"]
    for stage, (read, wrote) in STAGES.items():
        lines += [
            f"  {stage}:",
            f"    cmd: python -m pipeline {stage}",
            f"    deps: [{read}]",
            f"    outs: [{{records/{wrote}.json: {{cache: false}}}}]",
        ]
    (folder / "dvc.yaml").write_text("\n".join(lines) + "\n", "utf-8")
    (folder / "data.txt").write_text(data, "utf-8")
    shutil.copy(PROJECT / "params.yaml", folder)
    set_params(folder, {"hub.backoff_seconds": 0.05, "hub.patience_hours": 0.1})
    repository(folder)
    return folder


def steps_run(folder: Path) -> list[str]:
    """The steps that ran, in order, and forget them."""
    path = folder / "steps.txt"
    names = path.read_text("utf-8").split() if path.exists() else []
    path.unlink(missing_ok=True)
    return names
