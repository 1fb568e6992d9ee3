from __future__ import annotations

import os
from pathlib import Path

from huggingface_hub import HfApi

from localhub.process import serve
from tests.localhub.conftest import OWNER, READER, TestHub


def test_server_says_so_when_other_machines_can_reach_it(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with serve(tmp_path / "root", [OWNER], host="0.0.0.0", log=log) as running:
        port = running.endpoint.rpartition(":")[2]
        assert HfApi(endpoint=f"http://127.0.0.1:{port}", token=OWNER.token).whoami()["name"] == "ann"
    assert "WARNING listening on 0.0.0.0, which other machines can reach" in log.read_text()


def test_server_listens_on_loopback_only(hub: TestHub) -> None:
    port = int(hub.endpoint.rpartition(":")[2])
    listening = [
        line.split()[1]
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for line in Path(table).read_text().splitlines()[1:]
        if line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A"
    ]
    assert listening == [f"0100007F:{port:04X}"]


def test_server_no_token_is_in_the_log_or_the_list_of_processes(hub: TestHub, model: str) -> None:
    hub.owner.whoami()
    hub.reader.model_info(model)
    log = hub.log.read_text()
    assert f"GET /api/models/{model} 200" in log
    for secret in (OWNER.token, READER.token, "signature="):
        assert secret not in log
    commands = [path.read_bytes() for path in Path("/proc").glob(f"{os.getpid()}/task/*/children")]
    children = b" ".join(commands).split()
    assert children
    for child in children:
        assert OWNER.token.encode() not in Path(f"/proc/{int(child)}/cmdline").read_bytes()
