"""`python -m localhub --root DIR`: serve until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import ctypes
import os
import re
import signal
import sys
from pathlib import Path
from typing import NoReturn

from localhub.users import User, Users, parse_user

# Where a parent process passes users, one a line: an argument can be read by everyone on the machine.
USERS_VARIABLE = "LOCALHUB_USERS"
PART_BYTES = 64 * 1024 * 1024


class Arguments(argparse.ArgumentParser):
    """A parser that says what is wrong in one line and exits with 1."""

    def error(self, message: str) -> NoReturn:
        """Print the message and leave; it repeats what was typed, so tokens are taken out."""
        fail(re.sub(r":(read|write):\S+", r":\1:<token>", message))


def fail(message: str) -> NoReturn:
    """Leave with one clear line and exit code 1."""
    print(f"localhub: {message}", file=sys.stderr)
    raise SystemExit(1)


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to stop."""
    options = _parser().parse_args(arguments)
    if options.parent is not None:
        _end_with_parent(options.parent)
    try:
        users = Users(_users(options.user))
    except ValueError as error:
        fail(str(error))
    # Not before: to import the server takes longer than to see that an argument is wrong.
    from localhub import server

    try:
        server.run(
            options.root,
            users,
            options.host,
            options.port,
            part_bytes=options.part_bytes,
            show_private=options.show_private,
        )
    except server.CannotStart as error:
        fail(str(error))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Arguments(
        prog="python -m localhub", description="Serve a Hub from a folder.", allow_abbrev=False
    )
    parser.add_argument("--root", type=Path, required=True, help="the folder of the repos; made if missing")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=_port, default=0, help="the port; 0, the default, takes a free one")
    parser.add_argument(
        "--user",
        action="append",
        default=[],
        metavar="NAME:ROLE:TOKEN",
        help=f"a user with the role read or write; may be given again. {USERS_VARIABLE} in the environment "
        "takes the same, one a line, and hides the tokens from the list of processes",
    )
    parser.add_argument(
        "--show-private", action="store_true", help="show private repos on the web page, to whoever opens it"
    )
    parser.add_argument(
        "--part-bytes",
        type=_positive,
        default=PART_BYTES,
        metavar="N",
        help="larger files arrive in parts of this size (default: %(default)s)",
    )
    parser.add_argument("--parent", type=int, help=argparse.SUPPRESS)
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"must be a number from 0 to 65535, got {text!r}")
    return int(text)


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"must be a whole number above 0, got {text!r}")
    return int(text)


def _users(arguments: list[str]) -> list[User]:
    lines = os.environ.pop(USERS_VARIABLE, "").splitlines()
    return [parse_user(text) for text in [*arguments, *lines] if text]


def _end_with_parent(parent: int) -> None:
    # PR_SET_PDEATHSIG: a parent that is killed takes the server with it. The parent may have died
    # before the call; then the process has another one by now.
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGTERM)
        if os.getppid() != parent:
            raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
