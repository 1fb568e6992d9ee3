"""Alerts of a real Prefect server, to a webhook on loopback."""

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from subprocess import CompletedProcess, run
from typing import Any

import pytest

from flows import alerts
from tests.flows.server import ROOT, Prefect, until

Posted = list[tuple[str, bytes]]


@pytest.fixture
def webhook() -> Iterator[tuple[str, Posted]]:
    """A server that keeps what is posted to it."""
    posted: Posted = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            posted.append((self.headers["Content-Type"], self.rfile.read(length)))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook", posted
    server.shutdown()
    server.server_close()


def katman(prefect: Prefect, *words: str, **env: str) -> CompletedProcess[str]:
    command = [sys.executable, "-m", "pipeline", "alerts", *words]
    return run(command, cwd=ROOT, env=prefect.env | env, text=True, capture_output=True, check=False)


def end_run(prefect: Prefect, flow: str, state: str, message: str, workspace: str) -> None:
    """Have a run of a flow come into a state, as the flow's process says it."""
    flow_id = prefect.ask("flows/", {"name": flow})["id"]
    run: dict[str, Any] = {"flow_id": flow_id, "name": "at look 3", "state": {"type": "RUNNING"}}
    made = prefect.ask("flow_runs/", run | {"parameters": {"workspace": workspace}})
    kind = state.upper() if state in {"Failed", "Crashed"} else "COMPLETED"
    said: dict[str, Any] = {"type": kind, "name": state, "message": message}
    prefect.ask(f"flow_runs/{made['id']}/set_state", {"state": said, "force": True})


def test_alerts_tell_a_webhook_what_asks_for_a_person(prefect: Prefect, webhook: tuple[str, Posted]) -> None:
    url, posted = webhook
    for _ in range(2):  # the second time replaces what the first one made
        done = katman(prefect, "install", KATMAN_ALERTS_URL=url)
        assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:-1] == [alerts.name(state) for state in alerts.TOLD]
    assert url not in done.stdout + json.dumps(prefect.ask("automations/filter", {}))

    end_run(prefect, "retrain", "Released", "released v1", ".")
    end_run(prefect, "another", "Failed", "of somebody else", ".")
    for state in alerts.TOLD:
        end_run(prefect, "retrain", state, f'{state}: "<!channel>" & more', "/srv/telecom/")
    until(lambda: len(posted) >= len(alerts.TOLD), 60)
    assert {kind for kind, _ in posted} == {"application/json"}
    texts = sorted(json.loads(body)["text"] for _, body in posted)
    for text, state in zip(texts, sorted(alerts.TOLD), strict=True):
        lines = text.split("\n")
        assert lines[:2] == [
            f'katman: {state} (telecom): {state}: "&lt;!channel&gt;" &amp; more',
            "at look 3",
        ]
        assert "/runs/flow-run/" in lines[2]

    posted.clear()
    given = "name='mail', url={!r}, json_data={{'mail': '{{{{body}}}}'}}"
    made = f"CustomWebhookNotificationBlock({given.format(url)}).save('mail')"
    words = ["-c", f"from prefect.blocks.notifications import *; {made}"]
    run([sys.executable, *words], cwd=ROOT, env=prefect.env, check=True)
    assert katman(prefect, "install", "--block", "custom-webhook/mail").returncode == 0
    end_run(prefect, "approve", "Failed", "approve: <no>", ".")
    until(lambda: posted, 60)
    assert json.loads(posted[0][1])["mail"].split("\n")[:2] == ["katman: Failed: approve: <no>", "at look 3"]

    assert katman(prefect, "remove").returncode == 0
    assert prefect.ask("automations/filter", {}) == []


def test_alerts_want_somebody_to_tell(prefect: Prefect) -> None:
    done = katman(prefect, "install")
    assert done.returncode == 1
    assert "KATMAN_ALERTS_URL is not set; wanted the webhook" in done.stderr
    done = katman(prefect, "install", "--block", "webhook/no-such")
    assert "has no such block that notifies" in done.stderr
