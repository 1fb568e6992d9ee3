"""Every way in which a step says no, and the exit codes of every step.

```
PipelineError            one clear message: value found, value wanted, what to do
├── InvalidParams        params.yaml says something that cannot be meant
├── InvalidWorkspace     the folder, its git state or its stage list is not what a step needs
│   └── WorkspaceHeld    somebody else writes there now
├── InvalidData          the data set or a model is not what params.yaml promises
├── HubError             the Hub could not be asked, or said no
│   ├── HubUnreachable   nothing answered, or not in time
│   ├── HubDenied        no token, a wrong one, or one without the right
│   ├── HubMoved         somebody else committed meanwhile
│   └── HubNotFound      no such repository, revision or file
├── TrainingFailed       training stopped before its last step
├── EndedBySignal        a SIGTERM or Ctrl-C ended the step, which goes on when it runs again (exit code 143)
├── BrokenChain          a file is not the one that its record names
│   └── Contradicted     what the Hub gives is not what vouches for it (exit code 3)
├── Unvouched            nothing that is trusted speaks for what the Hub gives, and nothing against it
├── UnmeasuredCheck      the gate was told to check what evaluate never measured
├── ReleaseRefused       this candidate may not be released
│   └── WaitsForPerson   it may, as soon as a person approves it (exit code 4)
└── StepFailed           a step that a run started failed, with that step's own message and exit code
    └── StepBrokeOff     it was killed, or ended without a message of its own
```

Each but the marked ones ends a step with exit code 1.
"""

import errno
import re
from enum import IntEnum

# What an operating system says of a disk without room for more.
DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

# C0 but the line break and the tab, DEL, C1; what turns the direction of writing; further line breaks; halves
# of letters; letters that nobody sees. Joiners and marks that scripts need are none of it.
_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u202a-\u202e\u2028\u2029\u2066-\u2069\ud800-\udfff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)


class ExitCode(IntEnum):
    """How a step's process ended: the same numbers for every step.

    Attributes:
        DONE: What was asked for was done; also a gate's "no", which is a verdict.
        FAILED: Refused or failed, with one message.
        USAGE: The arguments are not those of the step; argparse's own number.
        CONTRADICTED: `verify` found something that speaks against a release.
        WAITS_FOR_PERSON: Nothing failed, and a person must approve the candidate first.
        OVERDUE: `status` found the model older than it may be.
        INTERRUPTED: Ctrl-C ended the step; as a shell counts that signal.
        ENDED: A SIGTERM, or Ctrl-C in a training or run, ended it where it can go on later; as a shell counts
            SIGTERM.
    """

    DONE = 0
    FAILED = 1
    USAGE = 2
    CONTRADICTED = 3
    WAITS_FOR_PERSON = 4
    OVERDUE = 5
    INTERRUPTED = 130
    ENDED = 143


def printable(text: str) -> str:
    r"""Return a text as terminals, logs, commit messages and pages may show it: each control as its escape.

    What strangers wrote can reach into a clipboard, a title or the lines before through a terminal.

    >>> print(printable("a\x1b]52;c;eA==\x07b"))
    a\x1b]52;c;eA==\x07b
    """
    return _CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def first_line(error: BaseException) -> str:
    """Give the first line of what an exception says, or its name where it says nothing."""
    said = str(error).strip()
    return said.splitlines()[0] if said else type(error).__name__


def of_full_disk(error: OSError) -> str | None:
    """Return what a full disk is as a message; None where the system refused something else."""
    if error.errno not in DISK_FULL:
        return None
    where = f" at {error.filename}" if error.filename else ""
    return f"the disk is full{where}; free some space, then run it again"


class PipelineError(Exception):
    """A step cannot go on; the message says what was found, what was wanted and what to do.

    Attributes:
        exit_code: How the step's process ends.
        passing: The same step can end otherwise in a while, though nobody changed anything.
    """

    exit_code = ExitCode.FAILED
    passing = False

    def __init__(self, message: str = "") -> None:
        super().__init__(printable(message))


class InvalidParams(PipelineError):
    """`params.yaml` says something that cannot be meant."""


class InvalidWorkspace(PipelineError):
    """The folder, its git state or its stage list is not what a step needs."""


class WorkspaceHeld(InvalidWorkspace):
    """Another process writes to this workspace now."""

    passing = True


class InvalidData(PipelineError):
    """The data set or a model is not what `params.yaml` promises."""


class HubError(PipelineError):
    """The Hub could not be asked, or said no."""


class HubUnreachable(HubError):
    """Nothing answered at the Hub's address, or not in time: nobody knows whether what was asked was done.

    Attributes:
        retry_after_seconds: What the Hub itself asked to wait; None where it did not.
        not_done: The request was surely not done: nothing was connected, or the Hub was too busy to take it.
        lasting: Asking again in a moment would give the same answer.
    """

    def __init__(
        self,
        message: str,
        *,
        retry_after_seconds: float | None = None,
        not_done: bool = False,
        lasting: bool = False,
    ) -> None:
        super().__init__(message)
        self.not_done = not_done
        self.retry_after_seconds = retry_after_seconds
        self.lasting = lasting
        self.passing = not lasting


class HubDenied(HubError):
    """No token, a wrong one, or one without the right."""


class HubMoved(HubError):
    """Somebody else committed meanwhile."""


class HubNotFound(HubError):
    """No such repository, revision or file on the Hub."""


class TrainingFailed(PipelineError):
    """Training stopped before its last step."""


class EndedBySignal(PipelineError):
    """A SIGTERM, or Ctrl-C in a run, ended the step where it can go on later."""

    exit_code = ExitCode.ENDED


class BrokenChain(PipelineError):
    """A file is not the one that its record names."""


class Contradicted(BrokenChain):
    """What the Hub gives is not what provenance, signature or receipt say of it."""

    exit_code = ExitCode.CONTRADICTED


class Unvouched(PipelineError):
    """Nothing that is trusted speaks for what the Hub gives, and nothing against it."""


class UnmeasuredCheck(PipelineError):
    """The gate was told to check what `evaluate` never measured."""


class ReleaseRefused(PipelineError):
    """This candidate may not be released."""


class WaitsForPerson(ReleaseRefused):
    """This candidate passed the gate, and a person must approve it before it may be released."""

    exit_code = ExitCode.WAITS_FOR_PERSON


class StepFailed(PipelineError):
    """A step that a run started ended with another exit code than 0; the message is that step's own."""

    def __init__(self, message: str, exit_code: ExitCode = ExitCode.FAILED, *, passing: bool = False) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.passing = passing


class StepBrokeOff(StepFailed):
    """A step was killed, or ended without a message of its own: nobody knows whether it would again."""
