"""The token is nowhere in what a whole run wrote."""

import zlib
from pathlib import Path

import pytest
from huggingface_hub import HfApi, snapshot_download

from tests.conftest import Stage
from tests.support import workspaces
from tests.support.releasing import REPO


@pytest.fixture
def line(ready: Path) -> Path:
    return ready


def test_release_leaves_the_token_nowhere(line: Path, stage: Stage, api: HfApi, tmp_path: Path) -> None:
    env = workspaces.environment(stage.endpoint, tmp_path / "home") | {"HF_DEBUG": "1"}
    said = []
    commands = [
        ["check"],
        ["release"],
        ["release"],
        ["verify", f"{REPO}@v1"],
        ["deployed", "v1"],
        ["releases"],
        ["rollback", "--to", "v1"],
        ["rollback", "--to", "v9"],
    ]
    for command in commands:
        ran = workspaces.pipeline(line, env, *command)
        assert ran.returncode == (1 if command[-1] == "v9" else 0), ran.stderr
        said.append(ran.stdout + ran.stderr)
    dead = env | {"HF_ENDPOINT": "http://127.0.0.1:1"}
    said.append(workspaces.pipeline(line, dead, "check").stderr)
    assert "did not answer" in said[-1]
    (tmp_path / "said.txt").write_text("\n".join(said), "utf-8")
    folder = Path(
        snapshot_download(REPO, revision="v1", endpoint=stage.endpoint, cache_dir=tmp_path / "downloaded")
    )
    assert (folder / "provenance.json").is_file()
    for one in api.get_repo_discussions(REPO):
        text = str(api.get_discussion_details(REPO, one.num))
        (tmp_path / f"discussion-{one.num}.txt").write_text(text, "utf-8")
    assert workspaces.holding_token(tmp_path) == []


def test_secrets_would_be_found(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "log").write_text(f"Bearer {workspaces.TOKEN}\n", "utf-8")
    assert workspaces.holding_token(tmp_path) == [tmp_path / "a" / "log"]
    (tmp_path / "a" / "log").unlink()
    packed = tmp_path / ".git" / "objects" / "ab"
    packed.parent.mkdir(parents=True)
    packed.write_bytes(zlib.compress(workspaces.TOKEN.encode()))
    assert workspaces.holding_token(tmp_path) == [packed]
