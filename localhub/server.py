"""The server as a process: its sockets, its signals, its log, from the first line to the last."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import os
import resource
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import pygit2
import uvicorn

from localhub.app import create_app
from localhub.discussions import pull_requests
from localhub.repos.lfs import Signer
from localhub.repos.storage import Store
from localhub.requests.connections import ImpatientProtocol
from localhub.requests.context import Hub
from localhub.users import Users

SHUTDOWN_SECONDS = 5
GIT_CACHE_BYTES = 32 * 1024 * 1024
# Longer than the client keeps an idle connection, so that it never sends a commit into a closed one.
KEEP_ALIVE_SECONDS = 75


class CannotStart(Exception):
    """Why there will be no server, in one line."""


def run(root: Path, users: Users, host: str, port: int, *, part_bytes: int, show_private: bool) -> None:
    """Serve until SIGTERM or SIGINT; one line on stdout says where, once there are answers.

    Raises:
        CannotStart: The root or the address cannot be had.
    """
    _stop_cleanly()
    os.umask(0o077)
    _bound_what_is_held()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    store = _store(root)
    sock = _listen(host, port)
    hub = Hub(store, users, Signer(store.signing_key), part_bytes, show_private, _hosts(sock))
    config = uvicorn.Config(
        create_app(hub),
        http=ImpatientProtocol,
        ws="none",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    asyncio.run(_serve(uvicorn.Server(config), sock))


async def _serve(server: uvicorn.Server, sock: socket.socket) -> None:
    serving = asyncio.create_task(server.serve(sockets=[sock]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.005)
    if not serving.done():
        sys.stdout.write(f"localhub ready at {_address(sock)}\n")
        sys.stdout.flush()
    await serving


def _store(root: Path) -> Store:
    try:
        store = Store(root)
        for repo in store.repos():
            pull_requests.recover(pull_requests.Place(repo.path, repo.open()))
        return store
    except BlockingIOError:
        raise CannotStart(f"another localhub serves {root}; stop that one, or take another --root") from None
    except OSError as error:
        raise CannotStart(f"--root {root} cannot be used: {error.strerror or error}") from None


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        sock = socket.socket(family, kind, protocol)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
    except OSError as error:
        raise CannotStart(f"cannot listen on {host} port {port}: {error.strerror or error}") from None
    if not _is_loopback(sock):
        logging.getLogger("localhub").warning(
            "listening on %s, which other machines can reach; it speaks plain HTTP, so tokens can be read "
            "on the way",
            host,
        )
    return sock


def _is_loopback(sock: socket.socket) -> bool:
    return ipaddress.ip_address(sock.getsockname()[0]).is_loopback


def _hosts(sock: socket.socket) -> Sequence[str]:
    return [sock.getsockname()[0], "127.0.0.1", "localhost", "[::1]"] if _is_loopback(sock) else ["*"]


def _address(sock: socket.socket) -> str:
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _bound_what_is_held() -> None:
    # A connection that waits needs a descriptor, and git would by itself keep 256 MiB of objects.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    pygit2.settings.cache_max_size(GIT_CACHE_BYTES)


def _stop_cleanly() -> None:
    # uvicorn shuts down on these, then sends the signal once more to whoever handled it before.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
