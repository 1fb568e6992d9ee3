"""Every way in which a step says no.

```
PipelineError            one clear message: value found, value wanted, what to do
├── InvalidParams        params.yaml says something that cannot be meant
├── InvalidWorkspace     the folder, its git state or its stage list is not what a step needs
├── InvalidData          the data set or a model is not what params.yaml promises
├── HubError             the Hub could not be asked, or said no
│   ├── HubUnreachable   nothing answered, or not in time
│   ├── HubDenied        no token, a wrong one, or one without the right
│   ├── HubMoved         somebody else committed meanwhile
│   └── HubNotFound      no such repository, revision or file
├── TrainingFailed       training stopped before its last step
├── BrokenChain          a file is not the one that its record names
├── UnmeasuredCheck      the gate was told to check what evaluate never measured
└── ReleaseRefused       this candidate may not be released
```
"""


def first_line(error: BaseException) -> str:
    """Give the first line of what an exception says, or its name where it says nothing."""
    said = str(error).strip()
    return said.splitlines()[0] if said else type(error).__name__


class PipelineError(Exception):
    """A step cannot go on; the message says what was found, what was wanted and what to do."""


class InvalidParams(PipelineError):
    """`params.yaml` says something that cannot be meant."""


class InvalidWorkspace(PipelineError):
    """The folder, its git state or its stage list is not what a step needs."""


class InvalidData(PipelineError):
    """The data set or a model is not what `params.yaml` promises."""


class HubError(PipelineError):
    """The Hub could not be asked, or said no."""


class HubUnreachable(HubError):
    """Nothing answered at the Hub's address, or not in time: nobody knows whether what was asked was done.

    Attributes:
        retry_after_seconds: What the Hub itself asked to wait; None where it did not.
        not_done: It was surely not done: no connection came about, or the Hub was too busy to take it.
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


class HubDenied(HubError):
    """No token, a wrong one, or one without the right."""


class HubMoved(HubError):
    """Somebody else committed meanwhile."""


class HubNotFound(HubError):
    """No such repository, revision or file on the Hub."""


class TrainingFailed(PipelineError):
    """Training stopped before its last step."""


class BrokenChain(PipelineError):
    """A file is not the one that its record names."""


class UnmeasuredCheck(PipelineError):
    """The gate was told to check what `evaluate` never measured."""


class ReleaseRefused(PipelineError):
    """This candidate may not be released."""
