"""What is left to a stranger's code in a step that reads strangers' files: no token, and no way out."""

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.device.privileges import WITHOUT_NETWORK, WITHOUT_TOKEN
from pipeline.isolated import confinement
from tests.support.imports import reached
from tests.support.workspaces import PROJECT

TOKEN = "hf_not_to_be_seen"
# Tries to get at the token and out to a server, in each way, and says what came of it.
THIEF = """
import ctypes, json, os, socket, struct, subprocess, sys
from pathlib import Path
sys.path.insert(0, {project!r})
from pipeline.device import privileges
from pipeline.isolated import confinement
import pipeline.params
{become}
{enter}
port, files = int({port!r}), {files!r}
def python():
    socket.create_connection(("127.0.0.1", port), 2).close()
def library():
    libc, one = ctypes.CDLL(None), socket.socket()
    to = struct.pack("=H", socket.AF_INET) + struct.pack("!HBBBB", port, 127, 0, 0, 1) + bytes(8)
    if libc.connect(one.fileno(), to, len(to)): raise OSError
def child():
    code = f"import socket; socket.create_connection(('127.0.0.1', {{port}}), 2)"
    subprocess.run([sys.executable, "-c", code], check=True, stderr=subprocess.DEVNULL)
def variable():
    if not any({token!r} in one for one in os.environ.values()): raise OSError
def read(path):
    if {token!r} not in Path(path).read_text(): raise OSError
found = {{}}
tries = [python, library, child, variable] + [lambda path=path: read(path) for path in files]
for number, one in enumerate(tries):
    try: one()
    except Exception: continue
    found[getattr(one, "__name__", "") if number < 4 else os.path.basename(files[number - 4])] = "got through"
Path("answer.json").write_text(json.dumps(sorted(found)))
"""
WAYS_OUT = ["child", "library", "python"]


@pytest.fixture
def server() -> Iterator[int]:
    """Somebody who listens, on the loopback of this machine's own network."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as one:
        yield one.getsockname()[1]


def steal(tmp_path: Path, port: int, enter: str, user: int | None) -> list[str]:
    """Run the thief after what a step does first, and give what it got at."""
    home = tmp_path / "hf"
    home.mkdir()
    for name in ("token", "stored_tokens"):
        (home / name).write_text(TOKEN)
    files = [str(home / "token"), str(home / "stored_tokens")]
    script = tmp_path / "thief.py"
    script.write_text(
        THIEF.format(
            project=str(PROJECT), enter=enter, become=become(user), port=str(port), files=files, token=TOKEN
        )
    )
    for path in (tmp_path, home):
        path.chmod(0o777)
    for path in tmp_path.parents:  # of which the highest are not pytest's own
        if path.stat().st_uid == os.getuid() and path.is_relative_to(tempfile.gettempdir()):
            path.chmod(path.stat().st_mode | 0o111)
    environment = {"PATH": os.environ["PATH"], "HF_HOME": str(home), "HF_TOKEN": TOKEN}
    ran = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    answer: list[str] = json.loads((tmp_path / "answer.json").read_text())
    return answer


def become(user: int | None) -> str:
    """Give the lines by which root, who alone may read this Python, becomes somebody else."""
    if user is None:
        return ""
    return (
        f"import ctypes, os; os.setgroups([]); os.setresgid({user}, {user}, {user})\n"
        f"os.setresuid({user}, {user}, {user}); ctypes.CDLL(None).prctl(4, 1)"
    )


def give_up(step: str, folder: Path = PROJECT) -> str:
    return f"privileges.give_up({step!r}, Path({str(folder)!r}))"


USERS = [None] + ([65534] if sys.platform == "linux" and os.geteuid() == 0 else [])


def can_leave(user: int | None) -> bool:
    """Return whether this machine gives a process of such a user a network and mounts of its own."""
    code = (
        f"import os, sys; sys.path.insert(0, {str(PROJECT)!r})\n"
        f"from pipeline.isolated import confinement\n{become(user)}\n"
        "sys.exit(not confinement.leave(files=[confinement.Path(os.devnull)]))"
    )
    return subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("step", sorted(WITHOUT_NETWORK))
def test_step_on_strangers_files_has_no_token_and_no_way_out(
    tmp_path: Path, server: int, step: str, user: int | None
) -> None:
    if not can_leave(user):
        pytest.skip("this machine gives no process a network of its own")
    assert steal(tmp_path, server, give_up(step), user) == []


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("step", sorted(WITHOUT_TOKEN - WITHOUT_NETWORK))
def test_step_without_hub_has_no_token(tmp_path: Path, server: int, step: str, user: int | None) -> None:
    if not can_leave(user):
        pytest.skip("this machine gives no process mounts of its own")
    found = steal(tmp_path, server, give_up(step), user)
    # To another user than root this Python's own files are not readable: library calls are left.
    assert found == (WAYS_OUT if user is None else ["library"])


def test_step_that_speaks_to_the_hub_keeps_its_token(tmp_path: Path, server: int) -> None:
    everything = sorted([*WAYS_OUT, "variable", "token", "stored_tokens"])
    assert steal(tmp_path, server, give_up("pin"), None) == everything


@pytest.mark.parametrize("user", USERS)
def test_process_for_strangers_files_has_no_way_out(tmp_path: Path, server: int, user: int | None) -> None:
    """As `child.ask` starts it: without variables, and told which files it shall not see."""
    if not can_leave(user):
        pytest.skip("this machine gives no process a network of its own")
    enter = (
        "seen = map(str, confinement.stored_tokens()); del os.environ['HF_TOKEN']\n"
        "os.environ[confinement.UNSEEN] = os.pathsep.join(seen); confinement.enter(os.getppid())"
    )
    assert steal(tmp_path, server, enter, user) == []


def test_where_the_network_cannot_be_left_python_asks_no_other_machine(tmp_path: Path) -> None:
    code = (
        f"import socket, sys; sys.path.insert(0, {str(PROJECT)!r})\n"
        "from pipeline.device import privileges\n"
        "from pipeline.isolated import confinement\n"
        "from pathlib import Path\n"
        "confinement.leave = lambda **_: False\n"
        f"privileges.give_up('evaluate', Path({str(PROJECT)!r}))\n"
        "socket.create_server(('127.0.0.1', 0)).close()\n"
        "for ask in (lambda: socket.create_connection(('10.255.255.1', 9), 1),\n"
        "            lambda: socket.getaddrinfo('hub.test', 443),\n"
        "            lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('10.255.255.1', 9))):\n"
        "    try: ask()\n"
        "    except PermissionError: continue\n"
        "    sys.exit('asked')\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_no_step_without_token_speaks_to_the_hub() -> None:
    from pipeline.__main__ import STEPS

    modules = {step.name: step.module for step in STEPS}
    for step in WITHOUT_TOKEN:
        assert not {one for one in reached(modules[step]) if one.startswith("pipeline.hub")}, step


def test_confinement_of_a_process_with_nothing_to_leave() -> None:
    assert confinement.leave(network=False)
