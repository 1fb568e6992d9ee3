"""A real S3 server on loopback: what was corrupted there is noticed, and never used."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import boto3  # type: ignore[import-untyped]
import pytest
from moto.server import ThreadedMotoServer

from pipeline.errors import InvalidWorkspace
from pipeline.workspace import dvc
from tests.support import workspaces
from tests.support.workspaces import git, run_dvc

KEYS = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def folder(address: str, tmp_path: Path) -> Path:
    """A repository with one model, and an S3 remote that DVC verifies."""
    boto3.client("s3", endpoint_url=address, **KEYS).create_bucket(Bucket="kept")
    made = tmp_path / "work"
    made.mkdir()
    workspaces.repository(made)
    run_dvc(made, "remote", "add", "kept", "s3://kept/katman")
    settings = {
        "endpointurl": address,
        "verify": "true",
        "access_key_id": "a",
        "secret_access_key": "b",
        "region": "us-east-1",
    }
    for name, value in settings.items():
        run_dvc(made, "remote", "modify", "--local", "kept", name, value)
    (made / "model").mkdir()
    (made / "model" / "weights").write_text("good")
    run_dvc(made, "add", "model")
    git(made, "add", ".")
    git(made, "commit", "--quiet", "--message", "Model")
    return made


def forget(folder: Path) -> None:
    shutil.rmtree(folder / ".dvc" / "cache")
    shutil.rmtree(folder / "model", ignore_errors=True)


def test_object_that_was_corrupted_on_s3_is_noticed_and_never_used(folder: Path, address: str) -> None:
    dvc.push(folder, "kept")
    forget(folder)
    dvc.pull(folder, "kept")
    assert (folder / "model" / "weights").read_text() == "good"
    s3 = boto3.client("s3", endpoint_url=address, **KEYS)
    for one in s3.list_objects_v2(Bucket="kept")["Contents"]:
        if not one["Key"].endswith(".dir"):
            s3.put_object(Bucket="kept", Key=one["Key"], Body=b"evil")
    forget(folder)
    with pytest.raises(InvalidWorkspace, match=r"^`dvc pull --remote kept` said: "):
        dvc.pull(folder, "kept")
    assert not (folder / "model" / "weights").exists()
    cached = [path.read_bytes() for path in (folder / ".dvc" / "cache").rglob("*") if path.is_file()]
    assert b"evil" not in cached


def test_s3_that_is_away_is_one_message(folder: Path) -> None:
    run_dvc(folder, "remote", "modify", "--local", "kept", "endpointurl", "http://127.0.0.1:9")
    run_dvc(folder, "remote", "modify", "--local", "kept", "connect_timeout", "1")
    with pytest.raises(InvalidWorkspace, match=r"^pushing to the DVC remote kept failed: "):
        dvc.push(folder, "kept")
