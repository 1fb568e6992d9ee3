"""Run one step: `katman STEP …`, or `python -m pipeline STEP …` in the workspace's own folder."""

import contextlib
import errno
import importlib
import os
import sys
import traceback
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Protocol, cast

from pipeline.device import privileges

if __name__ == "__main__":
    # Before an import starts a thread: a process of several cannot leave its network.
    privileges.give_up(next(iter(sys.argv[1:]), None), Path(__file__).resolve().parent.parent)

from pipeline.device import parent_process, turns
from pipeline.errors import (
    DISK_FULL,
    ExitCode,
    InvalidParams,
    InvalidWorkspace,
    PipelineError,
    of_full_disk,
    printable,
)
from pipeline.params import Params, load
from pipeline.preflight import feasibility
from pipeline.records.failure import FAILURE_FILE, Failure
from pipeline.workspace import backup, lineage, live, locks

# What a machine, and no code, can have wrong. A file that is not there is none of it: who needs it says so.
_OF_THE_MACHINE = DISK_FULL | {
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.ENAMETOOLONG,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOMEM,
    errno.EIO,
}


class Step(NamedTuple):
    """A verb: the module that does it, a line of help, and whether params.yaml must hold before it starts."""

    name: str
    module: str
    help: str
    needs_params: bool = True


STEPS = (
    Step("init", "pipeline.commands.init", "write params.yaml for a data set, a base and a release", False),
    Step("check", "pipeline.commands.check", "find what is wrong before the first step starts"),
    Step("plan", "pipeline.commands.plan", "show what the pinned data set allows before it is trained on"),
    Step("upgrade", "pipeline.commands.upgrade", "give params.yaml the keys of a newer katman", False),
    Step("refresh", "pipeline.commands.refresh", "write the Hub's newer revisions into params.yaml"),
    Step("pin", "pipeline.stages.pin.step", "download data and models at their commits, checked"),
    Step("audit", "pipeline.stages.audit.step", "reject bad rows, each with its reason"),
    Step("train", "pipeline.stages.train.step", "fine-tune the base on the clean rows"),
    Step("join", "pipeline.commands.join", "lend this machine to a training that another one runs"),
    Step("evaluate", "pipeline.stages.evaluate.step", "score base, candidate, live model and best release"),
    Step("gate", "pipeline.stages.gate.step", "judge the candidate"),
    Step("card", "pipeline.stages.card.step", "write the model card"),
    Step("track", "pipeline.commands.track", "tell an experiment tracker of the judged candidate"),
    Step("looks", "pipeline.commands.looks", "show how often the test rows were looked at, and what is left"),
    Step(
        "approve",
        "pipeline.commands.approve",
        "let a candidate through that waits for a person, and release it",
    ),
    Step("reject", "pipeline.commands.reject", "say no to a candidate that waits for a person"),
    Step("release", "pipeline.commands.release", "put the candidate on the Hub, if the gate let it pass"),
    Step("rollback", "pipeline.commands.rollback", "put an earlier release's files on main again"),
    Step("releases", "pipeline.commands.releases", "list what was released, and what runs"),
    Step("verify", "pipeline.commands.verify", "check a release on the Hub against what vouches for it"),
    Step("deployed", "pipeline.commands.deployed", "say which release your service runs"),
    Step("adopt", "pipeline.commands.adopt", "take in what your service runs, made by something else"),
    Step("restore", "pipeline.commands.restore", "bring log, models and data to a fresh clone"),
    Step("clean", "pipeline.commands.clean", "show what only takes up disk, and remove it"),
    Step("retrain", "flows.retrain", "run what is needed of refresh to release, as the schedule does"),
    Step("status", "flows.status", "show how the workspace stands, and whether a run is overdue"),
    Step("alerts", "flows.alerts", "have Prefect's server tell somebody what asks for a person", False),
    Step("worker", "flows.worker", "run what is scheduled for this workspace, one run at a time", False),
)


class StepModule(Protocol):
    """What a step's module gives.

    Also `arguments(parser)` where the step has arguments of its own, `exit_code(found)` where that is not
    always 0, `usable_params(workspace)` where a params.yaml that cannot be used must not hold it up, and
    `then(found)` where it names the words of a step that follows, or none.

    Attributes:
        run: Does the step; takes workspace, params (unless the table says that it needs none) and, by name,
            what `arguments` registered.
        summary: Returns the few lines that the user reads of what `run` returned.
    """

    run: Callable[..., Any]
    summary: Callable[[Any], str]


def _step(name: str) -> Step:
    return next(step for step in STEPS if step.name == name)


def load_module(name: str) -> StepModule:
    """Import the module of a step, when the step is called and no sooner: torch alone takes seconds."""
    return cast(StepModule, importlib.import_module(_step(name).module))


def main(arguments: list[str] | None = None) -> int:
    """Run one step and return its exit code; a step that fails says why in one message."""
    given = sys.argv[1:] if arguments is None else arguments
    if not given:
        _parser(given).print_help(sys.stderr)
        return ExitCode.USAGE
    try:
        return _run(given)
    except KeyboardInterrupt:
        _say(f"{given[0]}:", "ended by Ctrl-C before it was done. Run it again, which goes on or begins anew")
        return ExitCode.INTERRUPTED


def _run(given: list[str]) -> int:
    chosen = vars(_parser(given).parse_args(given))
    # The launcher has left the folder in which paths were typed.
    typed_in = Path(os.environ.pop("KATMAN_CWD", "."))
    for key, value in chosen.items():
        if isinstance(value, Path):
            chosen[key] = (typed_in / value).resolve()
        elif isinstance(value, list):  # an argument that may be given several times
            chosen[key] = [(typed_in / one).resolve() if isinstance(one, Path) else one for one in value]
    name, workspace = chosen.pop("step"), chosen.pop("workspace")
    parent_process.follow()
    try:
        _refuse_foreign_code(workspace)
        with ExitStack() as held:
            for kind in locks.TAKEN.get(name, ()):
                waiting = locks.saying(partial(_say, name)) if kind == "main" else None
                held.enter_context(locks.hold(workspace, name, kind, waiting))
            params = (_params(name, workspace),) if _step(name).needs_params else ()
            if name in backup.NEEDS_LOG:
                backup.demand_log(workspace, *params)
            if name in live.GUARDED:
                live.demand(workspace, *params)
            if name in lineage.NAMES:
                lineage.demand_deps(workspace, name)
            if name in feasibility.GUARDED:
                feasibility.demand(workspace, *params)
            if name in turns.STEPS:
                held.enter_context(turns.hold(name, workspace, partial(_say, name)))
            module = load_module(name)
            found = module.run(workspace, *params, **chosen)
            print(printable(module.summary(found)))
            if name in feasibility.COUNTED:
                print(printable(feasibility.lines(workspace, *params)))
    except PipelineError as error:
        return _fail(name, error)
    except OSError as error:
        if error.errno not in _OF_THE_MACHINE:
            raise
        return _fail(name, _explained(error))
    following: Callable[[Any], list[str]] = getattr(module, "then", lambda _: [])
    if words := following(found):
        return main([*words, "--workspace", str(workspace)])
    counted: Callable[[Any], ExitCode] | None = getattr(module, "exit_code", None)
    return ExitCode.DONE if counted is None else counted(found)


def _parser(given: list[str]) -> ArgumentParser:
    """Make the parser of every step's name, and of the arguments of the step that is called."""
    parser = ArgumentParser(prog="katman", description=__doc__, allow_abbrev=False)
    steps = parser.add_subparsers(dest="step", required=True, metavar="STEP")
    for step in STEPS:
        own = steps.add_parser(
            step.name,
            help=step.help,
            description=step.help,
            epilog=f"example:\n  katman {step.name}",
            formatter_class=RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        where = "the workspace (default: the one around you)"
        own.add_argument("--workspace", type=Path, default=Path.cwd(), metavar="DIR", help=where)
        if given[:1] == [step.name] and (register := getattr(load_module(step.name), "arguments", None)):
            register(own)
    return parser


def _params(name: str, workspace: Path) -> Params:
    """Return params.yaml; of a step that goes on without, what that step takes in its place."""
    try:
        return load(workspace)
    except InvalidParams:
        usable: Callable[[Path], Params] | None = getattr(load_module(name), "usable_params", None)
        if usable is None:
            raise
        return usable(workspace)


def _say(name: str, line: str) -> None:
    """Say a line to whoever waits for a step."""
    print(printable(f"{name} {line}"), file=sys.stderr, flush=True)


def _unexpected(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print what nobody foresaw as Python does, but for controls in it."""
    sys.stderr.write(printable("".join(traceback.format_exception(kind, error, trace))))


def _refuse_foreign_code(workspace: Path) -> None:
    code = Path(__file__).resolve().parent.parent
    if code != workspace:
        raise InvalidWorkspace(
            f"this code stands in {code} and the workspace is {workspace}; wanted one folder, because the "
            f"card states the commit of the workspace's code. Run it there: cd {workspace}"
        )


def _explained(error: OSError) -> InvalidWorkspace:
    """Say what the system refused, and of which file."""
    full = of_full_disk(error)
    if full is not None:
        return InvalidWorkspace(full)
    where = f" at {error.filename}" if error.filename else ""
    return InvalidWorkspace(
        f"the system refused{where}: {error.strerror}; wanted files and folders that this user may read and "
        "write. Correct that, then run it again"
    )


def _fail(name: str, error: PipelineError) -> int:
    """Say why a step failed, also to the process that started it, where that process asked."""
    print(f"{name}: {error}", file=sys.stderr)
    if asked := os.environ.get(FAILURE_FILE):
        said = Failure(
            step=name,
            error=type(error).__name__,
            exit_code=error.exit_code,
            message=str(error),
            passing=error.passing,
        )
        with contextlib.suppress(OSError):  # a full disk; what was printed still stands in the log
            Path(asked).write_text(said.model_dump_json(), encoding="utf-8")
    return error.exit_code


if __name__ == "__main__":
    sys.excepthook = _unexpected
    # A closed pipe behind `| head` is no error of ours.
    try:
        code = main()
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = ExitCode.FAILED
    sys.exit(code)
