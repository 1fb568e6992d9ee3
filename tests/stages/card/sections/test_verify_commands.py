"""The three commands of a card name what a reader has: repository, version and Hub."""

import hashlib
import json
import shlex
import subprocess
from pathlib import Path

import pytest

from pipeline.stages.card.sections.verify_commands import commands


def test_commands_of_the_public_hub_name_no_address() -> None:
    download, check, verify = commands("owner/model", "v3", "https://huggingface.co").splitlines()
    assert download == "hf download owner/model --revision v3 --local-dir model-v3"
    assert check.startswith("(cd model-v3 && python3 -c ")
    assert verify == "katman verify owner/model@v3"


def test_address_of_another_hub_is_quoted_for_the_shell() -> None:
    download, _, verify = commands("owner/model", "v3", "http://hub.local/a b;rm").splitlines()
    for asking in (download, verify):
        assert shlex.split(asking)[0] == "HF_ENDPOINT=http://hub.local/a b;rm"


@pytest.mark.parametrize(
    ("change", "said", "code"), [(None, "OK", 0), ("other", "FAILED", 1), ("", "FAILED", 1)]
)
def test_second_command_names_each_file_and_how_it_is(
    tmp_path: Path, change: str | None, said: str, code: int
) -> None:
    folder = tmp_path / "model-v3"
    folder.mkdir()
    (folder / "a file.json").write_text("one", encoding="utf-8")
    digest = hashlib.sha256(b"one").hexdigest()
    subject = [{"name": "a file.json", "digest": {"sha256": digest}}]
    (folder / "provenance.json").write_text(json.dumps({"subject": subject}), encoding="utf-8")
    if change == "":
        (folder / "a file.json").unlink()
    elif change is not None:
        (folder / "a file.json").write_text(change, encoding="utf-8")
    check = commands("owner/model", "v3", "https://huggingface.co").splitlines()[1]
    ran = subprocess.run(["bash", "-c", check], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == code
    assert ran.stdout.startswith(f"a file.json: {said}")
