"""What such a process does to itself first: it ends with its parent, leaves the network, and asks nobody.

Imported in the process, so that nothing but Python's own library is imported here.
"""

import ctypes
import fcntl
import os
import resource
import signal
import socket
import struct
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# Where a process that `child.ask` started leaves its answer, in its own folder.
ANSWER = "answer.json"
# The variable that names to such a process the files that it is to lose sight of.
UNSEEN = "KATMAN_UNSEEN"
# The variable that tells such a process how many bytes of memory, and of one file, it may write.
LIMITS = "KATMAN_LIMITS"
_PR_SET_PDEATHSIG = 1
# Of unshare(2), mount(2) and netdevice(7).
_NEW_MOUNTS, _NEW_USER, _NEW_NETWORK = 0x00020000, 0x10000000, 0x40000000
_BIND, _RECURSIVE, _SLAVE = 0x1000, 0x4000, 0x80000
_SET_FLAGS, _UP_AND_RUNNING = 0x8914, 0x41


def enter(parent: int) -> None:
    """Do all of it: `leave` the network where that can be, `follow` the parent, have `ask_nobody` called."""
    leave(files=[Path(one) for one in os.environ.pop(UNSEEN, "").split(os.pathsep) if one])
    follow(parent)
    limit(os.environ.pop(LIMITS, ""))
    sys.addaudithook(ask_nobody)


def limit(said: str) -> None:
    """Bound what this process may take, so that a file that unpacks without end fails here, with a message.

    Of memory what can be written to counts (RLIMIT_DATA): libraries map far more than they use.

    Args:
        said: Bytes of memory, and bytes of one file; nothing leaves both as they are.
    """
    kinds = (resource.RLIMIT_DATA, resource.RLIMIT_FSIZE)
    for kind, most in zip(kinds, map(int, said.split()), strict=False):
        _, hard = resource.getrlimit(kind)
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (bound, bound))


def leave(*, network: bool = True, files: Sequence[Path] = ()) -> bool:
    """Leave the network for one that holds this machine alone, and lose sight of files.

    Linux gives a process its own network and mounts where that process may make them: as root with the right
    to, else in a user namespace, which neither a container's usual filter nor every distribution allows, nor
    a process of several threads. Whatever the process starts stays in there with it.

    Args:
        network: Whether the network is left; loopback is there, with nobody on it.
        files: What is read as empty from now on.

    Returns:
        Whether all of it was done; else none of it was.
    """
    if sys.platform != "linux" or not (network or files):
        return not (network or files)
    # Some systems refuse half of it, and there is no way back from the other half.
    trial = os.fork()
    if trial == 0:
        try:
            _leave(network, files)
        except OSError:
            os._exit(1)
        os._exit(0)
    if os.waitpid(trial, 0)[1] != 0:
        return False
    _leave(network, files)
    return True


def _leave(network: bool, files: Sequence[Path]) -> None:
    libc = ctypes.CDLL(None, use_errno=True)

    def demand(result: int) -> None:
        if result != 0:
            raise OSError(ctypes.get_errno(), "refused")

    wanted = (_NEW_NETWORK if network else 0) | (_NEW_MOUNTS if files else 0)
    user, group = os.geteuid(), os.getegid()
    if user == 0:
        # A user namespace in which root is alone would take root's rights over all others' files.
        demand(libc.unshare(wanted))
    else:
        demand(libc.unshare(_NEW_USER | wanted))
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    if network:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sh", b"lo", _UP_AND_RUNNING))
    if files:
        demand(libc.mount(None, b"/", None, _RECURSIVE | _SLAVE, None))
    for path in files:
        demand(libc.mount(os.fsencode(os.devnull), os.fsencode(path.resolve()), None, _BIND, None))


def stored_tokens() -> list[Path]:
    """List the files in which `hf auth login` keeps tokens."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    home = Path(os.environ.get("HF_HOME") or cache / "huggingface").expanduser()
    named = os.environ.get("HF_TOKEN_PATH")
    files = {Path(named).expanduser() if named else home / "token", home / "token", home / "stored_tokens"}
    return sorted(path for path in files if os.access(path, os.R_OK) and path.is_file())


def follow(parent: int) -> None:
    """Arrange that this process is killed when its parent dies, however it dies.

    Args:
        parent: The parent's process id; it may be gone already.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise SystemExit(f"the step (process {parent}) ended before it was answered")


def ask_nobody(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse every connection that Python code of this process opens; an audit hook.

    Args:
        event: What is about to happen, in the names of `sys.audit`.
        arguments: Of that.
    """
    if event in {"socket.connect", "socket.getaddrinfo", "socket.sendto"}:
        raise PermissionError(f"{event}: reading files needs nobody's answer")


def ask_this_machine(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse every connection that Python code of this process opens to another machine; an audit hook.

    Args:
        event: What is about to happen, in the names of `sys.audit`.
        arguments: Of that.
    """
    if event in {"socket.connect", "socket.sendto"}:
        address = arguments[1]
        host = (
            address[0] if isinstance(address, tuple) else None
        )  # a path or a name of a socket of this machine
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    if host is not None and str(host) not in {"", "localhost", "127.0.0.1", "::1", socket.gethostname()}:
        raise PermissionError(f"{event} {host}: this step needs nobody's answer")
