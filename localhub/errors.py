"""Every refusal the server makes: its status, its `X-Error-Code`, its words.

```
Refusal
├── Moved                307                        the repo has another name now
├── BadRequest           400  BadRequest
├── InvalidCredentials   401  InvalidCredentials    a token this server does not know
├── LoginRequired        401  LoginRequired         a write without a token
├── Forbidden            403  Forbidden             a read token that wants to write
├── GatedRepo            403  GatedRepo             (401 without a token)
├── RepoNotFound         404  RepoNotFound          (401 without a token: it may be private)
├── RevisionNotFound     404  RevisionNotFound
├── EntryNotFound        404  EntryNotFound
├── DiscussionNotFound   404  DiscussionNotFound
├── NotAsked             404  NotAsked              about access to a gated repo
├── TooSlow              408  TooSlow
├── AlreadyExists        409  AlreadyExists
├── Conflict             409  Conflict              what a discussion's status forbids
│   └── MergeConflict    409  MergeConflict         both sides changed a path
├── HeadMoved            412  HeadMoved
├── TooLarge             413  TooLarge
└── Unprocessable        422  UnprocessableEntity   a path that no download could write
```

The client turns GatedRepo, RepoNotFound, RevisionNotFound and EntryNotFound into exceptions of their
own; the other codes are this server's, for people who read its answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response


class Refusal(Exception):
    """A request that the server will not fulfil, with what the client is told."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = ""

    def __init__(self, message: str, *, body: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.body: Mapping[str, object] = body or {}
        self.headers: dict[str, str] = {}
        self.answered_status = self.status


class Moved(Refusal):
    """The repo has another name now, or this one in other letters; the client asks again there."""

    status = 307

    def __init__(self, location: str) -> None:
        super().__init__(f"Temporary Redirect. Redirecting to {location}")
        # Without the host: of a HEAD the client follows no other redirects.
        self.headers = {"Location": location}


class BadRequest(Refusal):
    """The request itself is wrong."""

    status = 400
    code = "BadRequest"


class InvalidCredentials(Refusal):
    """The token belongs to nobody here."""

    status = 401
    code = "InvalidCredentials"

    def __init__(self) -> None:
        # The client compares this text, so as not to take the 401 for a missing repo.
        super().__init__("Invalid credentials in Authorization header")


class LoginRequired(Refusal):
    """The request needs a token and has none."""

    status = 401
    code = "LoginRequired"


class Forbidden(Refusal):
    """The token is known, but may not do this."""

    status = 403
    code = "Forbidden"


class GatedRepo(Refusal):
    """The files of a gated repo, asked for by someone without access."""

    status = 403
    code = "GatedRepo"

    def __init__(self, repo: str, page: str, *, anonymous: bool) -> None:
        super().__init__(
            f"Access to {repo} is restricted and you are not in the authorized list. "
            f"Visit {page} to ask for access."
        )
        self.answered_status = 401 if anonymous else 403


class RepoNotFound(Refusal):
    """The repo does not exist, or may not be seen; the answer does not say which."""

    status = 404
    code = "RepoNotFound"

    def __init__(self, *, anonymous: bool) -> None:
        super().__init__("Invalid username or password." if anonymous else "Repository not found")
        self.answered_status = 401 if anonymous else 404


class RevisionNotFound(Refusal):
    """No branch, tag, pull request ref or commit has this name."""

    status = 404
    code = "RevisionNotFound"

    def __init__(self, revision: str) -> None:
        super().__init__(f"Invalid rev id: {revision}")


class EntryNotFound(Refusal):
    """The revision has no such file or folder."""

    status = 404
    code = "EntryNotFound"

    def __init__(self, message: str, *, commit: str = "") -> None:
        super().__init__(message)
        # The client caches a file's absence under the commit it is told here.
        self.headers = {"X-Repo-Commit": commit} if commit else {}


class AlreadyExists(Refusal):
    """The repo, branch or tag is there already."""

    status = 409
    code = "AlreadyExists"


class DiscussionNotFound(Refusal):
    """The repo has no discussion or pull request of this number, or that has no such comment."""

    status = 404
    code = "DiscussionNotFound"

    def __init__(self, num: int | str, detail: str = "no discussion or pull request of this number") -> None:
        super().__init__(f"Discussion {num} not found: {detail}")


class NotAsked(Refusal):
    """Nobody of this name is here, or has asked for access, or not with another answer."""

    status = 404
    code = "NotAsked"


class Conflict(Refusal):
    """A discussion or pull request is not in a state for this."""

    status = 409
    code = "Conflict"


class MergeConflict(Conflict):
    """A pull request and its branch changed the same paths, and not alike."""

    code = "MergeConflict"

    def __init__(self, num: int, paths: Sequence[str]) -> None:
        super().__init__(
            f"Pull request {num} has conflicts and cannot be merged: {', '.join(paths)}",
            body={"filesWithConflicts": list(paths)},
        )


class TooSlow(Refusal):
    """The body came too slowly; the connection ends."""

    status = 408
    code = "TooSlow"

    def __init__(self, came: int) -> None:
        super().__init__(f"The body came too slowly: {came} bytes so far")


class TooLarge(Refusal):
    """The body is larger than anything this address takes."""

    status = 413
    code = "TooLarge"

    def __init__(self, max_bytes: int) -> None:
        super().__init__(f"The body is larger than the {max_bytes} bytes that this address takes")


class Unprocessable(Refusal):
    """What is asked for could be kept but not be got back."""

    status = 422
    code = "UnprocessableEntity"


class HeadMoved(Refusal):
    """The branch is no longer at the commit the client built on."""

    status = 412
    code = "HeadMoved"

    def __init__(self, branch: str, head: str, wanted: str) -> None:
        super().__init__(
            "The branch was updated since you opened this page. Please refresh and try again. "
            f"({branch} is at {head}, parentCommit was {wanted})"
        )


def answer(request: Request, error: Exception) -> Response:
    """Turn a refusal into the answer the client understands."""
    assert isinstance(error, Refusal)
    headers = {
        **({"X-Error-Code": error.code} if error.code else {}),
        # A header is one line of ASCII without blanks around it; the body has the text as it is.
        "X-Error-Message": quote(error.message, safe=" !\"#$&'()*+,/:;<=>?@[]^`{|}~-._").strip(),
        **error.headers,
    }
    return JSONResponse({"error": error.message, **error.body}, error.answered_status, headers)
