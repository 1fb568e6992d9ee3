"""Every page of localhub, looked at by axe-core in a browser: light and dark, on a desktop and on a phone.

`make accessibility` installs axe-core and runs this.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import CommitOperationAdd

from tests.localhub.conftest import TestHub
from tests.support.workspaces import PROJECT

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

SCRIPT = Path(__file__).with_name("browser") / "accessibility.mjs"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PAGES = (
    "index",
    "model",
    "tree",
    "folder",
    "text",
    "picture",
    "weights",
    "commits",
    "commit",
    "discussions",
    "discussion",
    "pull_request",
    "gated",
    "data_set",
    "missing",
)
Found = dict[str, Any]


def addresses(hub: TestHub, repo: str, gated: str, data: str) -> dict[str, str]:
    """Fill three repos; returns each page's address."""
    card = (PROJECT / "tests" / "golden" / "card.md").read_bytes()
    picture = (PROJECT / "docs" / "gate.svg").read_bytes()
    internal = {"verdict": {"outcome": "passed"}, "approval": {"name": "Ayşe"}, "restores": None}
    said = {"predicate": {"buildDefinition": {"internalParameters": internal}}}
    files = [
        CommitOperationAdd("README.md", card),
        CommitOperationAdd("provenance.json", json.dumps(said, indent=2).encode()),
        CommitOperationAdd("pictures/scores.svg", picture),
        CommitOperationAdd("model.safetensors", b"0" * 25_000),
    ]
    hub.owner.create_repo(repo)
    made = hub.owner.create_commit(
        repo, files, commit_message="v1: candidate", commit_description="Why.\nHow."
    )
    for tag in ("v1", "deployed"):
        hub.owner.create_tag(repo, tag=tag)
    hub.owner.create_commit(
        repo,
        [CommitOperationAdd("provenance.json", json.dumps(said).replace("passed", "failed").encode())],
        commit_message="v2: candidate",
    )
    hub.owner.create_tag(repo, tag="v2")
    talk = hub.owner.create_discussion(repo, title="Is it good?", description="**Really?** See `README.md`.")
    hub.owner.comment_discussion(repo, talk.num, comment="> Really?\n\nYes.")
    change = hub.owner.create_pull_request(repo, title="Words", description="Fewer.")
    hub.owner.create_repo(gated)
    hub.owner.update_repo_settings(gated, gated="manual")
    hub.owner.create_repo(data, repo_type="dataset")
    home = f"{hub.endpoint}/{repo}"
    return {
        "index": hub.endpoint,
        "model": home,
        "tree": f"{home}/tree/main",
        "folder": f"{home}/tree/v1/pictures",
        "text": f"{home}/blob/main/provenance.json",
        "picture": f"{home}/blob/main/pictures/scores.svg",
        "weights": f"{home}/blob/main/model.safetensors",
        "commits": f"{home}/commits/main",
        "commit": f"{home}/commit/{made.oid}",
        "discussions": f"{home}/discussions",
        "discussion": f"{home}/discussions/{talk.num}",
        "pull_request": f"{home}/discussions/{change.num}",
        "gated": f"{hub.endpoint}/{gated}",
        "data_set": f"{hub.endpoint}/datasets/{data}",
        "missing": f"{hub.endpoint}/ann/none",
    }


@pytest.fixture(scope="module")
def found(hub: TestHub, names: Iterator[str]) -> list[Found]:
    """What axe-core says of each page."""
    node, browser = shutil.which("node"), next(filter(None, map(shutil.which, BROWSERS)), None)
    if node is None or browser is None or not (SCRIPT.parent / "node_modules").is_dir():
        pytest.skip("wanted Node.js, Chromium, and axe-core from npm: `make accessibility` installs the last")
    words = [node, str(SCRIPT), browser]
    if pictures := os.environ.get("ACCESSIBILITY_PICTURES"):
        Path(pictures).mkdir(parents=True, exist_ok=True)
        words.append(pictures)
    asked = json.dumps(addresses(hub, next(names), next(names), next(names)))
    done = subprocess.run(words, input=asked, capture_output=True, text=True, timeout=580, check=False)
    assert done.returncode == 0, done.stderr
    said: list[Found] = json.loads(done.stdout)
    return said


@pytest.mark.parametrize("page", PAGES)
def test_page_is_for_everybody(found: list[Found], page: str) -> None:
    looks = [one for one in found if one["page"] == page]
    assert {(one["scheme"], one["device"]) for one in looks} == {
        (scheme, device) for scheme in ("light", "dark") for device in ("desktop", "phone")
    }
    for one in looks:
        seen = f"{page}, {one['scheme']}, {one['device']}"
        serious = [item for item in one["violations"] if item["impact"] in {"serious", "critical"}]
        assert serious == [], seen
        assert not one["sideways"], f"{seen}: wider than the screen"
        assert one["passes"] > 5, seen


def test_every_page_is_looked_at(found: list[Found]) -> None:
    assert {one["page"] for one in found} == set(PAGES)
