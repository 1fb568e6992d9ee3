"""A pipeline that does nothing in no time: `pipeline/__main__.py` of the toy workspace.

The file `say` in the workspace tells it how to behave: `fail STEP`, `wait STEP`, `crash STEP`, `hang STEP`,
`tidy STEP` (hangs, and takes a second to end), `until STEP` (hangs until the file
`go` is there), `away STEP` (a Hub that does not answer), `ended STEP` (once, by a SIGTERM), `bar STEP` and
`die STEP` (both draw a bar without an end; one breaks off, one is killed), or nothing. What it writes are
the real records in `templates/`, with little changed.
"""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

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
        # A message may look like another one's first line.
        return fail(
            step, 1, f"rows is 3, wanted 4 or more;\n  raise it in params.yaml\n{step}: there are 2 more"
        )
    if behaviour == f"wait {step}":
        return fail(step, 4, "candidate 0 is a person's to let out")
    if behaviour == f"crash {step}":
        raise KeyError("passed the gate and waits for a person")
    if behaviour == f"away {step}":
        return fail(step, 1, "could not look at it: the Hub did not answer", passing=True)
    if behaviour == f"ended {step}":
        Path("say").unlink()
        return fail(step, 143, "stopped by SIGTERM behind step 7 of 9, at a checkpoint")
    if behaviour in {f"bar {step}", f"die {step}"}:
        sys.stderr.write("\rWriting model shards: 100%|##########| 1/1 [00:00<00:00, 44.20it/s]")
        sys.stderr.write(f"\r{step}:  33%|███   | 1/3 [00:01<00:02,  1.00it/s]\r{step}:  66%|██████")
        sys.stderr.flush()
        if behaviour == f"bar {step}":
            os._exit(3)
        os.kill(os.getpid(), 9)
    if behaviour == f"until {step}":
        Path("pids").write_text(f"{os.getpid()} {os.getpid()}", "utf-8")
        while not Path("go").exists():
            time.sleep(0.2)
    if behaviour in {f"hang {step}", f"tidy {step}"}:
        if behaviour == f"tidy {step}":
            signal.signal(signal.SIGTERM, tidy_up)
        worker = subprocess.Popen(["sleep", "300"])
        Path("pids").write_text(f"{os.getpid()} {worker.pid}", "utf-8")
        worker.wait()
    data = Path("data.txt").read_text("utf-8").strip()
    candidate = hashlib.sha256(data.encode()).hexdigest()
    if step in RECORDS:
        write(f"records/{RECORDS[step]}.json", record(step, data, candidate))
    if step in {"approve", "reject"}:  # of what was judged, whatever the data are by now
        candidate = json.loads(Path("records/verdict.json").read_text("utf-8"))["candidate"]
    if step == "reject":
        no = {"candidate": candidate, "name": "Ada", "reason": "no", "rejected_at": "2026-01-01"}
        write(f"approvals/{candidate}.rejected.json", no)
    if step == "approve":
        yes = {"candidate": candidate, "name": "Ada", "reason": "I looked", "approved_at": "2026-01-01"}
        write(f"approvals/{candidate}.json", yes)
    if step in {"approve", "release"}:
        commit = candidate[:40]
        write(f"receipts/{commit}.json", template("receipt") | {"candidate": candidate, "commit": commit})
    return 0


def tidy_up(signum: int, frame: object) -> None:
    """Write what a checkpoint is to a training; a second signal in that time ends it."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    Path("saved").unlink(missing_ok=True)
    time.sleep(1)
    Path("saved").touch()
    sys.exit(128 + signum)


def fail(step: str, code: int, message: str, *, passing: bool = False) -> int:
    """Say what went wrong, as the real pipeline does."""
    print(f"{step}: {message}", file=sys.stderr)
    said = {"step": step, "error": "ToyError", "exit_code": code, "message": message, "passing": passing}
    Path(os.environ["KATMAN_FAILURE"]).write_text(json.dumps(said), "utf-8")
    return code


def record(step: str, data: str, candidate: str) -> dict[str, Any]:
    if step == "evaluate":
        metrics = template("metrics")
        metrics["models"]["candidate"]["revision"] = candidate
        return metrics
    if step == "gate":
        verdict = template("verdict") | {"candidate": candidate, "passed": data != "bad"}
        verdict["outcome"] = "passed" if verdict["passed"] else "failed"
        verdict["checks"]["floor_16"]["passed"] = verdict["passed"]
        return verdict
    return {"data": data}


def template(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path("templates", f"{name}.json").read_text("utf-8"))
    return found


def write(path: str, content: dict[str, Any]) -> None:
    Path(path).parent.mkdir(exist_ok=True)
    Path(path).write_text(json.dumps(content), "utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
