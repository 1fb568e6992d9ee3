"""A data set whose README names what its commit does not list: nothing of that is read."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import Features, Image, Value
from huggingface_hub import HfApi

from tests.conftest import Make, Stage
from tests.support import workspaces
from tests.support.workspaces import triplets

SECRET = "hf_planted_secret"
PLANTED = f"query,positive,negative\n{SECRET} one,b,c\n{SECRET} two,e,f\n"


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[str]]]:
    """A web server that hands out the planted rows, and the paths that it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", str(len(PLANTED)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(PLANTED.encode())

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("variant", ["absolute", "parent", "http", "hf"])
def test_pin_reads_no_file_that_only_the_readme_names(
    stage: Stage, make_workspace: Make, tmp_path: Path, elsewhere: tuple[str, list[str]], variant: str
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "planted.csv").write_text(PLANTED)
    private = tmp_path / "private"
    private.mkdir()
    (private / "planted.csv").write_text(PLANTED)
    api = HfApi(endpoint=stage.endpoint, token=workspaces.TOKEN)
    api.create_repo("tester/private", repo_type="dataset", private=True, exist_ok=True)
    workspaces.put(stage.endpoint, "tester/private", "dataset", private)
    path = {
        "absolute": f"{home}/planted.csv",
        "parent": "../../../../planted.csv",
        "http": f"{elsewhere[0]}/planted.csv",
        "hf": "hf://datasets/tester/private/planted.csv",
    }[variant]
    folder = tmp_path / "set"
    folder.mkdir()
    for name, start in (("train", 0), ("validation", 10), ("test", 20)):
        pl.DataFrame(triplets(3, start)).write_csv(folder / f"{name}.csv")
    entries = "".join(
        f"  - split: {split}\n    path: {json.dumps(one)}\n"
        for split, one in (("train", path), ("validation", "validation.csv"), ("test", "test.csv"))
    )
    (folder / "README.md").write_text(
        f"---\nconfigs:\n- config_name: default\n  data_files:\n{entries}---\n# A set\n"
    )
    repo = f"tester/hostile-{variant}"
    commit = workspaces.put(stage.endpoint, repo, "dataset", folder)
    work = make_workspace({"dataset.repo": repo, "dataset.revision": commit}, dvc=False)

    ran = workspaces.pipeline(work, workspaces.environment(stage.endpoint, home), "pin")

    held = [
        one for one in (work / "data").rglob("*") if one.is_file() and SECRET.encode() in one.read_bytes()
    ]
    assert not held, "the planted rows became data"
    assert ran.returncode == 1
    assert f"reads {path!r} for the split 'train'" in ran.stderr
    assert (
        "that leaves the repository; wanted a path among the files that the pinned commit lists" in ran.stderr
    )
    assert SECRET not in ran.stdout + ran.stderr
    assert elsewhere[1] == []


def test_pin_opens_no_picture_that_a_cell_names(
    stage: Stage, make_workspace: Make, tmp_path: Path, elsewhere: tuple[str, list[str]]
) -> None:
    # A Parquet file can say of itself that a column holds pictures, and a cell then names any address.
    text = Value("string")
    features = Features({"query": Image(), "positive": text, "negative": text})
    cells = {
        "query": [{"bytes": None, "path": f"{elsewhere[0]}/a.png"}],
        "positive": ["a"],
        "negative": ["b"],
    }
    folder = tmp_path / "set"
    folder.mkdir()
    for name in ("train", "validation", "test"):
        pq.write_table(pa.table(cells, schema=features.arrow_schema), folder / f"{name}.parquet")
    repo = "tester/hostile-picture"
    commit = workspaces.put(stage.endpoint, repo, "dataset", folder)
    work = make_workspace({"dataset.repo": repo, "dataset.revision": commit}, dvc=False)
    ran = workspaces.pipeline(work, workspaces.environment(stage.endpoint, tmp_path / "home"), "pin")
    assert elsewhere[1] == []
    assert ran.returncode == 1
    assert "a dict, in row 0; wanted strings" in ran.stderr
