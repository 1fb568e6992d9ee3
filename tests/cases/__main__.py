"""Run the line on every case of a folder: `python -m tests.cases FOLDER [CASE…]`.

One line each: the case, what is wanted, the step at which it ended, its exit code and the first line of what
was said; of a released one, what the release is. A traceback is said to be one.
"""

import os

# huggingface_hub reads these when it is imported.
os.environ["HF_HUB_DISABLE_XET"] = "1"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"

import json
import re
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, snapshot_download

from localhub.process import User, serve
from pipeline.params.key_changes import complete
from pipeline.records import Training
from pipeline.workspace import paths
from tests.cases.found import COMMON, Case, cases
from tests.support import workspaces
from tests.support.workspaces import SMALL

_LINE = Path(__file__).with_name("line.py")
_STEPS = ("check", "pin", "audit", "train", "evaluate", "gate", "card")
_NEWEST = "0" * 40


def main(arguments: list[str] | None = None) -> int:
    """Print a line per case, and exit with 1 where one ended in a traceback."""
    parser = ArgumentParser(prog="python -m tests.cases", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("case", nargs="*", help="only cases whose name begins so")
    parser.add_argument("--keep", type=Path, help="leave the workspaces in this folder")
    chosen = parser.parse_args(arguments)
    traced = 0
    with tempfile.TemporaryDirectory(prefix="katman-cases-") as room:
        for case, came in run(chosen.folder, tuple(chosen.case), chosen.keep or Path(room)):
            traced += "traceback" in came
            print(f"{case.name} | wanted: {case.wanted} | came: {came}", flush=True)
    return 1 if traced else 0


def run(folder: Path, names: tuple[str, ...], room: Path) -> Iterator[tuple[Case, str]]:
    """Put each case on a Hub of its own names, run the line on it, and give what came."""
    room.mkdir(parents=True, exist_ok=True)
    with serve(room / "hub", [User("tester", "write", workspaces.TOKEN)], log=room / "hub.log") as hub:
        for case in cases(folder):
            if not names or case.name.startswith(names):
                yield case, _came(case, folder / COMMON, hub.endpoint, room / case.name.replace("/", "-"))


def _came(case: Case, common: Path, endpoint: str, room: Path) -> str:
    """Run one case."""
    room.mkdir(parents=True)
    short = case.name.replace("/", "-")
    base, data = f"tester/{short}-base", f"tester/{short}-data"
    repo = f"tester/{short}-tuned"
    commits = {
        "base.revision": workspaces.put(endpoint, base, "model", case.base or common / "base"),
        "dataset.revision": workspaces.put(endpoint, data, "dataset", case.dataset or common / "dataset"),
    }
    newest = {name: workspaces.put(endpoint, name, "dataset", path) for name, path in case.others.items()}
    asked = _newest(case.changes, newest)
    named = {"base.repo": base, "dataset.repo": data, "live.repo": repo, "release.repo": repo}
    work = workspaces.make(room / "work", SMALL | named | commits | asked)
    # Cases that were collected for an older version set keys that are gone: as `katman upgrade` does.
    params = work / paths.PARAMS
    params.write_text(complete(params.read_text(encoding="utf-8")), encoding="utf-8")
    env = workspaces.environment(endpoint, room / "home") | {"PYTHONPATH": str(work)}
    said = _run(work, env, *_STEPS)
    if said is None:
        with redirect_stdout(sys.stderr):  # DVC says which files it writes
            workspaces.commit(work)
        said = _run(work, env, "release")
    return said or f"released: {_release(endpoint, repo, room / 'released', work)}"


def _newest(value: Any, newest: Mapping[str, str]) -> Any:
    """Put the commits of repositories in where zeros stand."""
    if not isinstance(value, dict):
        return value
    found = {key: _newest(one, newest) for key, one in value.items()}
    if found.get("revision") == _NEWEST:
        found["revision"] = newest[found["repo"]]
    return found


def _run(work: Path, env: Mapping[str, str], *steps: str) -> str | None:
    """Run steps in a child; None where all ended well, else where it ended, how, and what it said."""
    command = [sys.executable, str(_LINE), *steps]
    ran = subprocess.run(command, cwd=work, env=dict(env), capture_output=True, text=True, check=False)
    if not ran.returncode:
        return None
    lines = [line for line in ran.stderr.splitlines() if line.strip()]
    step = next((line[3:] for line in reversed(lines) if line.startswith("at ")), steps[0])
    if any(line.startswith("Traceback") for line in lines):
        raised = [line for line in lines if re.match(r"[A-Za-z_][\w.]*: ", line)]
        return f"{step}, exit {ran.returncode}, traceback: {(raised or lines)[-1]}"
    begin = next((place for place, line in enumerate(lines) if line.startswith(f"{step}: ")), len(lines) - 1)
    return f"{step}, exit {ran.returncode}: {' '.join(lines[begin:-1] or lines[-1:])}"


def _release(endpoint: str, repo: str, folder: Path, work: Path) -> str:
    """Say what a release is: its modules, its similarity, its licence, the rows that it was trained on."""
    snapshot_download(repo, endpoint=endpoint, token=workspaces.TOKEN, local_dir=folder)
    config = json.loads((folder / "config_sentence_transformers.json").read_bytes())
    modules = json.loads((folder / "modules.json").read_bytes())
    training = Training.load(work / paths.RECORDS["train"])
    card = HfApi(endpoint=endpoint, token=workspaces.TOKEN).model_info(repo).card_data
    kinds = "+".join(one["type"].rpartition(".")[2] for one in modules)
    licence = getattr(card, "license", None)
    return (
        f"{kinds}, {config['similarity_fn_name']}, default prompt {config['default_prompt_name']}, "
        f"licence {licence}, {training.trained_on} rows trained on"
    )


if __name__ == "__main__":
    sys.exit(main())
