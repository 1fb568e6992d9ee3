"""Run one step of the pipeline: `python -m pipeline STEP [--workspace DIR]`."""

import argparse
import errno
import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from pipeline.errors import InvalidWorkspace, PipelineError
from pipeline.params import load
from pipeline.workspace.lineage import NAMES

STEPS = {
    "check": "find what is wrong before the first step starts",
    "refresh": "ask the Hub for newer revisions and write them into params.yaml",
    "pin": "download data set, models and probes at their commits, checked file by file",
    "audit": "check every row and reject the bad ones, each with its reason",
    "train": "fine-tune the base on the clean rows",
    "evaluate": "score base, candidate, live model and best release at every width",
    "gate": "judge the candidate",
    "card": "write the model card",
    "approve": "let a judged candidate through that waits for a person",
    "release": "put the candidate on the Hub, if the gate let it pass",
    "rollback": "put an earlier release's files on main again: rollback --to vN",
    "releases": "list what was released, and what runs",
    "verify": "check a release on the Hub against its provenance, signature and receipt: verify REPO@REV",
    "deployed": "say which release your service runs: deployed vN",
}


ARGUMENTS = {
    "approve": ("name", "reason"),
    "deployed": ("version",),
    "rollback": ("to",),
    "verify": ("what",),
}


def main(arguments: list[str] | None = None) -> int:
    """Run one step and give its exit code: 0, or 1 after one message."""
    parser = argparse.ArgumentParser(prog="python -m pipeline", description=__doc__)
    steps = parser.add_subparsers(dest="step", required=True, metavar="STEP")
    for name, what in STEPS.items():
        step = steps.add_parser(name, help=what, description=what)
        step.add_argument("--workspace", type=Path, default=Path(), help="its folder (default: here)")
        if name == "deployed":
            step.add_argument("version", help="a release, like v2")
        if name == "rollback":
            step.add_argument("--to", required=True, help="a release, like v2")
        if name == "verify":
            step.add_argument("what", metavar="REPO@REV", help="like owner/name@v2")
        if name == "approve":
            step.add_argument("--name", required=True, help="who approves")
            step.add_argument("--reason", required=True, help="why; it stands in the receipt")
    chosen = parser.parse_args(arguments)
    workspace = chosen.workspace.resolve()
    try:
        _refuse_foreign_code(workspace)
        params = load(workspace)
        # A step imports what it needs and no more: torch alone takes seconds.
        run = importlib.import_module(module_of(chosen.step)).run
        extra = ARGUMENTS.get(chosen.step, ())
        report(chosen.step, run(workspace, params, *(getattr(chosen, name) for name in extra)))
    except PipelineError as error:
        print(f"{chosen.step}: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            raise
        where = f" at {error.filename}" if error.filename else ""
        print(f"{chosen.step}: the disk is full{where}; free some space, then run it again", file=sys.stderr)
        return 1
    return 0


def _refuse_foreign_code(workspace: Path) -> None:
    code = Path(__file__).resolve().parent.parent
    if code != workspace:
        raise InvalidWorkspace(
            f"this code stands in {code} and the workspace is {workspace}; wanted one folder, because the "
            f"card states the commit of the workspace's code. Run it there: cd {workspace}"
        )


def module_of(step: str) -> str:
    """Name the module of a step: a stage's, or a command's."""
    return f"pipeline.stages.{step}.step" if step in NAMES else f"pipeline.commands.{step}"


def report(step: str, result: Any) -> None:
    """Print in a few lines what a step did."""
    match step:
        case "check" | "refresh" | "verify":
            for key, value in result.items():
                print(f"{key:<18} {value}")
            if step == "refresh" and not result:
                print("nothing moved")
        case "pin":
            for name, split in result.splits.items():
                held = f", {split.moved_in} held here by the ledger" if split.moved_in else ""
                print(f"{name:<6} {split.rows} rows from {split.source}{', cut' if split.cut else ''}{held}")
        case "audit":
            for name, split in result.splits.items():
                found = {reason: count for reason, count in split.found.items() if count}
                print(f"{name:<6} {split.kept} of {split.rows} rows kept; found {json.dumps(found)}")
        case "train":
            speed = result.speed
            print(f"{result.steps} steps, {speed.triplets_per_second:.1f} triplets/s on {speed.device}")
        case "evaluate":
            for model, splits in result.models.items():
                for name, dims in splits.items():
                    line = "  ".join(f"{dim}: {score.accuracy:.4f}" for dim, score in dims.items())
                    print(f"{model:<10} {name:<5} {line}")
        case "gate":
            for name, check in result.checks.items():
                print(
                    f"{'pass' if check.passed else 'FAIL'}  {name}: {check.value} {check.rule} {check.wanted}"
                )
            print("verdict: " + ("passed" if result.passed else f"refused ({result.outcome})"))
            if result.passed and result.needs_human:
                print("a new vector space: a person must approve it before the release")
        case "card":
            print(f"card/README.md for {result.version}")
        case "approve":
            candidate, approval = result
            print(f"candidate {candidate[:12]}: approved by {approval.name} ({approval.approved_at})")
        case "release":
            receipt, before = result
            said = "already released" if before else "released"
            print(f"{said}: {receipt.repo} {receipt.version} at {receipt.commit} ({receipt.released_at})")
        case "rollback":
            receipt, meaning = result
            print(
                f"rolled back: {receipt.repo} {receipt.version} at {receipt.commit} ({receipt.released_at})"
            )
            print(meaning)
        case "releases":
            for line in result:
                print(line)
        case "deployed":
            print(f"the service runs {result}")


if __name__ == "__main__":
    # A closed pipe behind `| head` is no error of ours.
    try:
        code = main()
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    sys.exit(code)
