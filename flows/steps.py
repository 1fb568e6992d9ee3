"""One Prefect task per step; DVC decides whether a stage runs."""

import contextlib
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

from dvc.exceptions import DvcException
from dvc.lock import LockError
from dvc.repo import Repo
from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas import State
from prefect.exceptions import CancelledRun, CrashedRun, FailedRun
from prefect.logging import get_run_logger
from prefect.states import Cancelled, Completed, Crashed, Failed

from flows import lifelines, patience, process, server
from flows.output import Line
from flows.views import live_bar, progress, terminal
from pipeline import errors
from pipeline.errors import ExitCode, StepBrokeOff, StepFailed


class Work:
    """What the steps of one run share.

    Attributes:
        workspace: The folder they run in.
        held: The open file of the workspace's lock, and its token.
        watch: Says whether somebody wants the run to end.
        life: Told which step begins.
    """

    def __init__(
        self, workspace: Path, held: tuple[int, str], watch: server.Watch, life: lifelines.Lifeline
    ) -> None:
        self.workspace = workspace
        self.held = held
        self.watch = watch
        self.life = life


Step = Task[[Work], State[None]]


def _is_news(record: logging.LogRecord) -> bool:
    """Return False of a state that was returned, which Prefect also logs as if somebody had raised it.

    A task's then stands above "NoneType: None", a flow's above a traceback of Prefect's own. The line that
    tells the state stands beside it.
    """
    if not record.exc_info:
        return True
    raised = record.exc_info[0]
    return raised is not None and not issubclass(raised, (FailedRun, CrashedRun, CancelledRun))


for _name in ("prefect.task_runs", "prefect.flow_runs"):
    logging.getLogger(_name).addFilter(_is_news)

UNCHANGED = "unchanged, skipped"
SKIPPED = "Skipped"
WAITING = "Waiting"
# A task's: what the step needs is away, or busy, and was waited for as long as anybody waits.
UNAVAILABLE = "Unavailable"
# Before a step that broke off is tried again.
_SECONDS_BEFORE_TRIES = (5.0, 30.0)
RECOVERY = (
    "its earlier files were removed before it ran; to get them back: git checkout records && dvc checkout"
)


def stale(workspace: Path, stage: str) -> bool:
    """Ask DVC, in this process, whether a stage has to run.

    Args:
        workspace: The folder with `dvc.yaml`.
        stage: The stage's name.

    Returns:
        True where a dependency, a parameter, an output or the command is not what `dvc.lock` says.

    Raises:
        DvcException: DVC cannot say, for example because `dvc.yaml` is not valid.
    """
    with Repo(str(workspace)) as repo:
        return bool(repo.status(targets=[f"{workspace / 'dvc.yaml'}:{stage}"]))


def of_full_disk(error: OSError) -> str:
    """Return what a full disk is as a message; raise what is none."""
    said = errors.of_full_disk(error)
    if said is None:
        raise error
    return said


def _task(name: str, kind: process.StepKind, *, asks_hub: bool = False) -> Step:
    """Make the task of one step.

    Args:
        name: The step, and the name of the task and its runs.
        kind: Whether it is a DVC stage.
        asks_hub: It is tried twice more where it broke off without a word: what the Hub sends can do that.

    Returns:
        A task that ends Completed, Completed under the name "Skipped" or "Waiting", Failed with the step's
        own message, under the name "Unavailable" where the same step can succeed in a while, Crashed where a
        SIGTERM ended the step alone, or Cancelled
        where somebody wants the run to end.
    """

    @task(name=name, task_run_name=name, cache_policy=NO_CACHE, persist_result=False)
    def run(work: Work) -> State[None]:
        logger = get_run_logger()
        waits, tries = patience.pauses(work.workspace), iter(_SECONDS_BEFORE_TRIES if asks_hub else ())
        work.life.at(name)
        while True:
            try:
                if kind == "stage" and not stale(work.workspace, name):
                    logger.info("%s: %s", name, UNCHANGED)
                    terminal.skipped(name)
                    return Completed(name=SKIPPED, message=UNCHANGED)
                with terminal.step(name), _heard(name, work.workspace) as hear:
                    process.run(
                        kind, name, work.workspace, work.held, logger.info, work.watch.stop, hear=hear
                    )
                return Completed(message=f"{name}: done")
            except process.StepStopped:
                return Cancelled(message=f"{name}: ended, because somebody ended the run. {server.GOES_ON}")
            except (StepFailed, DvcException) as error:
                if isinstance(error, StepFailed) and error.exit_code == ExitCode.WAITS_FOR_PERSON:
                    return Completed(name=WAITING, message=str(error))  # no failure, so no second try
                if isinstance(error, StepFailed) and error.exit_code == ExitCode.ENDED:
                    return Crashed(message=f"{name}: {error}")
                passing = error.passing if isinstance(error, StepFailed) else isinstance(error, LockError)
                pause = _pause(error, passing, waits, tries)
                if pause is None:
                    if kind == "stage":
                        logger.info("%s", RECOVERY)
                    return Failed(name=UNAVAILABLE if passing else None, message=f"{name}: {error}")
                logger.warning("%s: %s\n%s is tried again in %s", name, error, name, _said(pause))
            except OSError as error:
                return Failed(message=f"{name}: {of_full_disk(error)}")
            try:
                work.watch.sleep(pause)
            except process.StepStopped:
                return Cancelled(message=f"{name}: ended, because somebody ended the run")

    return run


@contextlib.contextmanager
def _heard(name: str, workspace: Path) -> Iterator[Callable[[Line], None]]:
    """Show how far a step is, where it says so, on the run's page and on a terminal, as the block runs."""
    reader = progress.Reader(name, progress.scores(workspace) if name == "evaluate" else 0)
    bar = live_bar.LiveBar(name)

    def hear(line: Line) -> None:
        if reader.feed(line) and reader.newest is not None:
            terminal.show(str(reader.newest))
            bar.show(reader.newest)
        elif reader.newest is None and not line.bar:
            terminal.show(f"{name}: {line.text.removeprefix(f'{name}: ')}")

    try:
        yield hear
    finally:
        bar.close()


def _pause(
    error: StepFailed | DvcException, passing: bool, waits: Iterator[float], tries: Iterator[float]
) -> float | None:
    """Return the seconds to wait before a step is tried again; None where it is not."""
    if passing:
        return next(waits, None)
    return next(tries, None) if isinstance(error, StepBrokeOff) else None


def _said(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} seconds"


CHECK = _task("check", "step", asks_hub=True)
REFRESH = _task("refresh", "step", asks_hub=True)
STAGES = [
    _task("pin", "stage", asks_hub=True),
    _task("audit", "stage"),
    _task("train", "stage"),
    _task("evaluate", "stage"),
    _task("gate", "stage"),
    _task("card", "stage"),
]
TRACK = _task("track", "step")
RELEASE = _task("release", "step", asks_hub=True)  # it looks first whether the commit is there
