"""The README's commands do what it says, as they are written there, on a port that is free."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from huggingface_hub import HfApi

from tests.support.workspaces import PROJECT

README = (PROJECT / "localhub" / "README.md").read_text(encoding="utf-8")
PORT = "43121"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def environment() -> dict[str, str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return os.environ | {"PATH": path, "PYTHONPATH": str(PROJECT)}


def test_readme_starts_a_server_that_any_client_uses(tmp_path: Path) -> None:
    start, use = blocks("sh")
    with subprocess.Popen(
        f"exec {start.replace(PORT, '0')}",
        shell=True,
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        try:
            assert server.stdout is not None
            said = server.stdout.readline()
            port = said.strip().rpartition(":")[2]
            assert said.replace(port, PORT).strip() in README
            subprocess.run(use.replace(PORT, port), shell=True, check=True, cwd=tmp_path, env=environment())
            assert HfApi(endpoint=f"http://127.0.0.1:{port}", token="TOKEN").repo_exists("ann/model")
        finally:
            server.send_signal(signal.SIGTERM)
        assert server.stdout.read() == ""
    assert server.returncode == 0


def test_readme_serves_from_python(tmp_path: Path) -> None:
    (script,) = blocks("python")
    subprocess.run([sys.executable, "-c", script], check=True, cwd=tmp_path, env=environment())
    assert (tmp_path / "hub").is_dir()
