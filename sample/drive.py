"""The sample's two stories: a first release, and what happens when the data moves."""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.params.document import read_yaml
from pipeline.params.rewrite import rewrite
from sample import drive_flow, drive_hub, report, workspace
from sample.drive_room import Room
from sample.drive_screen import Screen
from sample.report import Figures
from sample.workspace import PROJECT, SampleError

PARAMS = Path(__file__).with_name("params.yaml")


def first(room: Room) -> None:
    """Start afresh: put model and data on a Hub, run the flow, check what was released, and say so.

    Raises:
        SampleError: A step failed.
    """
    begun = time.monotonic()
    base = drive_hub.base_folder()
    for path in room.folder.iterdir():
        if path.name != "lock":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    print("katman's sample: the whole line on this machine, in .sample, reaching nothing but 127.0.0.1\n")
    screen = Screen()
    with drive_flow.server(room) as prefect, drive_hub.running(room, 0) as hub:
        screen.begin("hub", "base model and data set go onto a Hub of their own")
        revisions = {
            "base.revision": drive_hub.put_base(hub.endpoint, room, base),
            "dataset.revision": drive_hub.put_dataset(hub.endpoint, room, edition=1),
        }
        screen.end(f"{hub.endpoint}: base model and data set are there")
        screen.begin("workspace", "this project's files, in a git repository of their own, started by `init`")
        workspace.make(room.work, room.environment())
        names = {"dataset": drive_hub.DATASET, "base": drive_hub.BASE, "release": drive_hub.RELEASE}
        asked = [one for name, repo in names.items() for one in (f"--{name}", repo)]
        _pipeline(room, "init", *asked, HF_ENDPOINT=hub.endpoint)
        params = on_top(room.work / "params.yaml", {"hub.endpoint": hub.endpoint, **revisions})
        commit = workspace.start(room.work, params, room.environment())
        screen.end(f".sample/work at commit {commit[:12]}")
        screen.begin("prefect", "its server starts")
        prefect.wait()
        screen.end(f"{prefect.url.removesuffix('/api')}, for this run")
        ended = drive_flow.retrain(room, prefect, hub.endpoint, screen, room.logs / "retrain.txt")
        found = _end(room, hub.endpoint, screen, ended.outcome)
    report.write(room.folder / "report.json", found.model_dump(mode="json"))
    print(f"\nAccuracy on the test split: {found.verdict}\n")
    print(report.table(found.accuracies))
    _facts(found, room)
    print(f"\n  {time.monotonic() - begun:.0f} s in all; figures in .sample/report.json, logs in .sample/log")
    print("\nNext:")
    print("  make hub           look at the released model in a browser")
    print("  make sample-next   the data moves: a second release, and a candidate that is refused")
    if found.verdict != "passed":
        raise SampleError("the sample's candidate did not pass the gate, and it should have")
    if outside := report.outside_bands(found.accuracies):
        raise SampleError("; ".join(outside))


def after(room: Room) -> None:
    """Go on from `first`: new data and a release judged against the live model, then spoiled data.

    Raises:
        SampleError: There is nothing to go on from, or a step failed.
    """
    before = _before(room)
    shutil.rmtree(room.folder / "next", ignore_errors=True)
    print("katman's sample goes on: v1 is what the service runs, and the data moves\n")
    port = int(before.endpoint.rpartition(":")[2])
    with drive_flow.server(room) as prefect, drive_hub.running(room, port) as hub:
        screen = Screen()
        _point_to(hub.endpoint, room)
        screen.begin("deployed", "the service runs v1 from here on")
        _pipeline(room, "deployed", str(before.tag))
        screen.end(f"tag `deployed` of {before.repo} is at {before.tag}")
        screen.begin("prefect", "its server starts")
        prefect.wait()
        screen.end(f"{prefect.url.removesuffix('/api')}, for this run")
        screen.begin("data", "edition 2 goes onto the Hub")
        commit = drive_hub.put_dataset(hub.endpoint, room, edition=2)
        screen.end(f"edition 2 of {drive_hub.DATASET} is commit {commit[:12]}")
        ended = drive_flow.retrain(room, prefect, hub.endpoint, screen, room.logs / "next.txt")
        if ended.waits:
            screen.begin("approve", "the new vector space waits for a person")
            _pipeline(room, "approve", "--name", "the sample", "--reason", "its index is made anew each time")
            screen.end("approved: stored vectors are made anew")
            ended = drive_flow.retrain(room, prefect, hub.endpoint, screen, room.logs / "approved.txt")
        second = _end(room, hub.endpoint, screen, ended.outcome)
        print(f"\nAccuracy on the test split, judged against {before.tag} as live: {second.verdict}\n")
        print(report.table(second.accuracies))
        _facts(second, room)

        print("\nNow somebody exports the data with positives and negatives mixed up\n")
        screen = Screen()
        screen.begin("data", "the spoiled edition goes onto the Hub")
        commit = drive_hub.put_dataset(hub.endpoint, room, edition=2, spoiled=True)
        screen.end(f"spoiled edition of {drive_hub.DATASET} is commit {commit[:12]}")
        ended = drive_flow.retrain(room, prefect, hub.endpoint, screen, room.logs / "spoiled.txt")
        third = _end(room, hub.endpoint, screen, ended.outcome)
    both = {"released": second.model_dump(mode="json"), "spoiled": third.model_dump(mode="json")}
    report.write(room.folder / "report-next.json", both)
    print(f"\nAccuracy on the test split, spoiled candidate: {third.verdict}\n")
    print(report.table(third.accuracies))
    _facts(third, room)
    print(f"  on the Hub   the newest is {third.tag} of {third.repo}, {str(third.commit)[:12]}")
    print("\nNext:")
    print("  make hub           look at both releases in a browser")
    print("  make sample        start afresh")
    if (second.verdict, third.verdict) != ("passed", "refused") or third.commit != second.commit:
        raise SampleError("edition 2 should have been released and the spoiled one refused; see the tables")


def hub(room: Room) -> None:
    """Serve the sample's Hub in the foreground until Ctrl-C.

    Raises:
        SampleError: There is no sample yet.
    """
    before = _before(room, moved=True)
    with drive_hub.running(room, int(before.endpoint.rpartition(":")[2])) as served:
        print(f"The released model  {served.endpoint}/{before.repo}")
        print(f"The base model      {served.endpoint}/{drive_hub.BASE}")
        print(f"The data set        {served.endpoint}/datasets/{drive_hub.DATASET}")
        print("Ctrl-C ends it", flush=True)
        served.process.wait()


def _before(room: Room, moved: bool = False) -> Figures:
    """Read the report of `make sample`; `moved` accepts one that `make sample-next` went on from."""
    path = room.folder / "report.json"
    if not path.exists():
        raise SampleError("there is no sample to go on from: run `make sample` first")
    before = Figures.model_validate_json(path.read_bytes())
    newest = report.newest_receipt(room.work)
    if not moved and (newest is None or newest.commit != before.commit):
        raise SampleError("`make sample-next` went on from this sample already: `make sample` starts afresh")
    return before


def _point_to(endpoint: str, room: Room) -> None:
    """Tell the workspace where the Hub is now; its port may have been taken meanwhile."""
    path = room.work / "params.yaml"
    path.write_text(rewrite(path, {"hub.endpoint": endpoint}), "utf-8")


def on_top(started: Path, more: Mapping[str, object]) -> str:
    """Return a params.yaml that `init` wrote with the sample's own values on top.

    Args:
        started: The file.
        more: Values that only the driver knows, by dotted key.
    """
    return rewrite(started, {**_values(read_yaml(PARAMS)), **more})


def _values(section: Mapping[Any, Any], above: str = "") -> dict[str, object]:
    """Name each value of a params.yaml by its dotted key; widths are no keys of their own."""
    found: dict[str, object] = {}
    for key, value in section.items():
        if isinstance(value, Mapping) and value and all(isinstance(one, str) for one in value):
            found |= _values(value, f"{above}{key}.")
        else:
            found[f"{above}{key}"] = value
    return found


def _pipeline(room: Room, *arguments: str, **env: str) -> None:
    command = [sys.executable, "-m", "pipeline", *arguments]
    done = subprocess.run(
        command, cwd=room.work, env=room.environment(**env), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise SampleError(done.stderr.strip())


def _end(room: Room, endpoint: str, screen: Screen, outcome: str) -> Figures:
    """Check the newest release on the Hub and gather the figures."""
    receipt = report.newest_receipt(room.work)
    if receipt is not None:
        screen.begin("verify", "downloading the release into an empty cache")
        with tempfile.TemporaryDirectory(dir=room.folder) as cache:
            count = report.verify(receipt, endpoint, Path(cache))
        screen.end(f"{count} files of {receipt.version} came back as the receipt says")
    return report.gather(room.work, endpoint, outcome, screen.seconds)


def _facts(found: Figures, room: Room) -> None:
    """Say what was released and where to look."""
    work = room.work.relative_to(PROJECT) if room.work.is_relative_to(PROJECT) else room.work
    print()
    if found.verdict == "passed":
        print(f"  verdict      passed; released as {found.tag}")
        print(f"  on the Hub   {found.repo} at {found.commit}")
        print(f"  its page     {found.endpoint}/{found.repo} (while `make hub` runs)")
    else:
        _refusal(found)
    print(f"  the card     {work}/card/README.md")
    for picture in sorted((room.work / "card" / "pictures").iterdir()):
        print(f"  a plot       {work}/{picture.relative_to(room.work)}")


def _refusal(found: Figures) -> None:
    """Say why a candidate did not pass, and which checks do not hold."""
    print(f"  verdict      {found.verdict}; nothing was released")
    print(f"               {found.sentence}")
    for line in found.failed_checks.values():
        print(f"               {line}")
