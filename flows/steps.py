"""One Prefect task per step; DVC decides whether a stage runs."""

import logging
from pathlib import Path

from dvc.exceptions import DvcException
from dvc.lock import LockError
from dvc.repo import Repo
from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas import State, TaskRun
from prefect.logging import get_run_logger
from prefect.states import Completed, Failed

from flows import process
from pipeline.errors import ExitCode, StepFailed

Step = Task[[Path, int], State[None]]


def _without_empty_traceback(record: logging.LogRecord) -> bool:
    """Prefect logs a task's Failed state as if it were an exception: "NoneType: None" under each."""
    if record.exc_info and record.exc_info[0] is None:
        record.exc_info = None
    return True


logging.getLogger("prefect.task_runs").addFilter(_without_empty_traceback)

UNCHANGED = "unchanged, skipped"
SKIPPED = "Skipped"
WAITING = "Waiting"
REFUSED = "Refused"
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


def may_pass(task: Step, task_run: TaskRun, state: State[None]) -> bool:
    """Return whether a step that failed so is tried again; one that was refused says the same each time."""
    return state.name != REFUSED


def _task(name: str, kind: process.StepKind, retries: int = 0) -> Step:
    """Make the task of one step.

    Args:
        name: The step, and the name of the task and its runs.
        kind: Whether it is a DVC stage.
        retries: How often it is tried again, where that can help. Only steps that talk to the Hub are: the
            others fail the same way each time.

    Returns:
        A task that ends Completed, Completed under the name "Skipped" or "Waiting", or Failed with the step's
        own message, under the name "Refused" where trying again does not help.
    """

    @task(
        name=name,
        task_run_name=name,
        cache_policy=NO_CACHE,
        persist_result=False,
        retries=retries,
        retry_delay_seconds=[5, 30],
        retry_condition_fn=may_pass,
    )
    def run(workspace: Path, lock: int) -> State[None]:
        logger = get_run_logger()
        try:
            if kind == "stage" and not stale(workspace, name):
                logger.info("%s: %s", name, UNCHANGED)
                return Completed(name=SKIPPED, message=UNCHANGED)
            process.run(kind, name, workspace, lock, logger.info)
        except (StepFailed, DvcException) as error:
            if isinstance(error, StepFailed) and error.exit_code == ExitCode.WAITS_FOR_PERSON:
                return Completed(name=WAITING, message=str(error))  # no failure, so no retry
            if kind == "stage":
                logger.info("%s", RECOVERY)
            passing = error.passing if isinstance(error, StepFailed) else isinstance(error, LockError)
            return Failed(name="Failed" if passing else REFUSED, message=f"{name}: {error}")
        return Completed(message=f"{name}: done")

    return run


CHECK = _task("check", "step", retries=2)
REFRESH = _task("refresh", "step", retries=2)
STAGES = [
    _task("pin", "stage", retries=2),
    _task("audit", "stage"),
    _task("train", "stage"),
    _task("evaluate", "stage"),
    _task("gate", "stage"),
    _task("card", "stage"),
]
RELEASE = _task("release", "step", retries=2)  # safe to repeat: it looks first whether the commit is there
