"""A pipeline that does nothing in no time: `pipeline/__main__.py` of the toy workspace.

The file `say` in the workspace tells it how to behave: `fail STEP`, `hang STEP`, or nothing.
"""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

RECORDS = {
    "pin": "pin",
    "audit": "audit",
    "train": "training",
    "evaluate": "metrics",
    "gate": "verdict",
    "card": "card",
}


def main(step: str) -> int:
    with Path("steps.txt").open("a", encoding="utf-8") as file:
        file.write(f"{step}\n")
    print(f"{step} says good day", flush=True)
    behaviour = Path("say").read_text("utf-8").strip() if Path("say").exists() else ""
    if behaviour == f"fail {step}":
        print(f"{step}: rows is 3, wanted 4 or more;\n  raise it in params.yaml", file=sys.stderr)
        return 1
    if behaviour == f"wait {step}":
        said = "candidate 0 passed the gate and waits for a person: nothing but code moved since v1"
        print(f"{step}: {said}", file=sys.stderr)
        return 1
    if behaviour == f"hang {step}":
        worker = subprocess.Popen(["sleep", "300"])
        Path("pids").write_text(f"{os.getpid()} {worker.pid}", "utf-8")
        worker.wait()
    data = Path("data.txt").read_text("utf-8").strip()
    candidate = hashlib.sha256(data.encode()).hexdigest()
    if step in RECORDS:
        Path("records").mkdir(exist_ok=True)
        Path("records", f"{RECORDS[step]}.json").write_text(
            json.dumps(record(step, data, candidate)), "utf-8"
        )
    if step == "release":
        receipt = {
            "repo": "toy/model",
            "commit": candidate[:40],
            "version": "v1",
            "candidate": candidate,
            "files": {},
        }
        Path("receipts").mkdir(exist_ok=True)
        Path("receipts", f"{candidate[:40]}.json").write_text(json.dumps(receipt), "utf-8")
    return 0


def record(step: str, data: str, candidate: str) -> dict[str, object]:
    if step == "evaluate":
        cell = {"accuracy": 0.8, "low": 0.75, "high": 0.85, "rows": 60}
        split = {"dev": {"16": cell}, "test": {"16": cell}}
        return {"data": data, "models": {"base": split, "candidate": split}}
    if step == "gate":
        check = {"value": 0.8, "rule": ">=", "wanted": 0.9, "passed": data != "bad"}
        return {
            "passed": data != "bad",
            "candidate": candidate,
            "checks": {"floor.test.16": check},
            "comparisons": {},
            "needs_human": data == "new space",
        }
    return {"data": data}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
