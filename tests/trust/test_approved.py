"""An approval counts for what a person said yes to, and by that person's signature where one is asked for."""

import json
import subprocess
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from pipeline.commands import approve, check
from pipeline.errors import InvalidParams, PipelineError, ReleaseRefused, WaitsForPerson
from pipeline.params import load
from pipeline.workspace import paths
from tests.support import releasing, sealed, signing, workspaces
from tests.support.workspaces import git, set_params


@pytest.fixture
def waiting(ready: Path) -> Path:
    """A candidate that brings a new vector space."""
    sealed.seal(ready, needs_human=True)
    return ready


def key(folder: Path, name: str) -> tuple[Path, str]:
    """Make a person's key; give its private file and its public line."""
    path = folder / name
    make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(path)]
    subprocess.run(make, check=True)
    return path, path.with_name(f"{name}.pub").read_text(encoding="utf-8").strip()


def sign(line: str, key_file: Path) -> None:
    """Run the line that `approve` prints, with this key."""
    command = line.strip().replace("~/.ssh/id_ed25519", str(key_file))
    subprocess.run(command.split(), check=True, capture_output=True)


def candidate(folder: Path) -> str:
    return str(json.loads((folder / paths.RECORDS["gate"]).read_text(encoding="utf-8"))["candidate"])


def test_release_refuses_an_approval_that_was_written_by_hand(waiting: Path, api: HfApi) -> None:
    path = waiting / paths.approval(candidate(waiting))
    path.parent.mkdir()
    by_hand = {"name": "Ada", "reason": "why not", "approved_at": "2026-11-26T00:00:00+00:00"}
    path.write_text(json.dumps(by_hand), encoding="utf-8")
    said = releasing.refusal(waiting, WaitsForPerson)
    assert (
        f"{paths.approval(candidate(waiting))} does not count: it is bound to none; wanted candidate" in said
    )
    assert 'run `katman approve --name "WHO" --reason "WHY"`' in said
    assert not api.repo_exists(releasing.REPO)
    assert git(waiting, "ls-files", "approvals") == "", "the pipeline must not commit it either"
    approve.run(waiting, load(waiting), "Ada", "the index is made anew")
    receipt, _ = releasing.run(waiting)
    assert receipt.approval is not None
    assert (receipt.approval.name, receipt.approval.identity) == ("Ada", "unverified name")


def test_release_refuses_an_approval_of_other_gate_values(waiting: Path, api: HfApi) -> None:
    approve.run(waiting, load(waiting), "Ada", "yes")
    set_params(waiting, {"gate.max_forgetting": 0.9})
    sealed.seal(waiting, needs_human=True)
    assert "does not count: it is for gate values" in releasing.refusal(waiting, WaitsForPerson)
    assert not api.repo_exists(releasing.REPO)
    _, approval, *_ = approve.run(waiting, load(waiting), "Bob", "yes too")
    assert releasing.run(waiting)[0].approval == approval
    assert approval.name == "Bob"


def test_release_refuses_an_approval_for_other_reasons(ready: Path) -> None:
    first, _ = releasing.run(ready)
    releasing.second(ready, {"dataset.revision": first.dataset.revision})
    approve.run(ready, load(ready), "Ada", "a faster loss")
    sealed.seal(ready, needs_human=True)
    said = releasing.refusal(ready, WaitsForPerson)
    assert "does not count: it is for (nothing but code moved" in said
    assert "wanted what is waited for now, (its vectors do not mix" in said


def test_release_asks_for_the_signature_of_a_signer(waiting: Path, api: HfApi, tmp_path: Path) -> None:
    """The lines that `approve` prints are run as they are, the key's place aside."""
    own, public = key(tmp_path, "ada")
    approve.run(waiting, load(waiting), "Ada", "nobody asked for a signature yet")
    set_params(waiting, {"approve.signers": [{"name": "Ada", "key": public}]})
    sealed.seal(waiting, needs_human=True)  # the card says whose approvals count
    assert "it is not signed; wanted a signature by a key of Ada" in releasing.refusal(
        waiting, WaitsForPerson
    )
    with pytest.raises(ReleaseRefused, match=r"--name is 'Bob'; wanted one of approve.signers.*: Ada"):
        approve.run(waiting, load(waiting), "Bob", "yes")

    _, line, again = approve.summary(approve.run(waiting, load(waiting), "Ada", "yes")).split("\n")
    assert line.strip().startswith("ssh-keygen -Y sign -f ~/.ssh/id_ed25519 -n katman ")
    sign(line, own)
    arguments = again.split()
    assert arguments[:3] == ["katman", "approve", "--signature"]
    said = workspaces.pipeline(
        waiting, workspaces.environment(api.endpoint, tmp_path / "home"), *arguments[1:]
    )
    assert said.returncode == 0, said.stderr
    fingerprint = subprocess.run(
        ["ssh-keygen", "-l", "-f", f"{own}.pub"], capture_output=True, text=True, check=True
    ).stdout.split()[1]
    assert f"approved by Ada ({fingerprint}, " in said.stdout
    assert [path.name for path in (waiting / "approvals").iterdir()] == [f"{candidate(waiting)}.json"]
    receipt, _ = releasing.run(waiting)
    assert receipt.approval is not None
    assert receipt.approval.identity == fingerprint
    assert receipt.pull_request is not None
    text = str(api.get_discussion_details(releasing.REPO, receipt.pull_request).events[0])
    assert f"approved by Ada ({fingerprint}, " in text


def test_approve_takes_no_signature_of_somebody_else_nor_over_another_text(
    waiting: Path, tmp_path: Path
) -> None:
    own, public = key(tmp_path, "ada")
    other, theirs = key(tmp_path, "bob")
    names = [{"name": "Ada", "key": public}, {"name": "Bob", "key": theirs}]
    set_params(waiting, {"approve.signers": names})
    unsigned = waiting / paths.unsigned_approval(candidate(waiting))
    signature = unsigned.with_name(f"{unsigned.name}.sig")
    _, line, _ = approve.summary(approve.run(waiting, load(waiting), "Ada", "yes")).split("\n")
    for namespace, signer in (("katman", other), ("file", own)):
        sign(line.replace("-n katman", f"-n {namespace}"), signer)
        with pytest.raises(ReleaseRefused, match="its signature is none of this text by a key of Ada"):
            approve.run(waiting, load(waiting), signature=signature)
        signature.unlink()
    sign(line, own)
    unsigned.write_text(unsigned.read_text(encoding="utf-8").replace('"yes"', '"no"'), encoding="utf-8")
    with pytest.raises(ReleaseRefused, match="its signature is none of this text"):
        approve.run(waiting, load(waiting), signature=signature)
    assert not (waiting / paths.approval(candidate(waiting))).exists()


def test_approve_never_takes_the_key_that_signs_releases(waiting: Path, tmp_path: Path) -> None:
    made = signing.key(tmp_path, "release")
    as_ssh = ["ssh-keygen", "-i", "-m", "PKCS8", "-f", str(made.public_key)]
    public = subprocess.run(as_ssh, capture_output=True, text=True, check=True).stdout.strip()
    changes: dict[str, object] = {"release.signature": made.model_dump()}
    set_params(waiting, changes | {"approve.signers": [{"name": "Ada", "key": public}]})
    with pytest.raises(InvalidParams, match=r"approve.signers names the key of Ada, which is .*release.pub"):
        approve.run(waiting, load(waiting), "Ada", "yes")
    with pytest.raises(PipelineError, match=r"approve: approve.signers names the key of Ada"):
        check.run(waiting, load(waiting))


@pytest.mark.parametrize("wrong", ["ssh-ed25519", "AAAA", "ssh-ed25519 AAAA\nssh-rsa AAAA", "ssh-ed25519 A!"])
def test_signers_are_public_keys(ready: Path, wrong: str) -> None:
    set_params(ready, {"approve.signers": [{"name": "Ada", "key": wrong}]})
    with pytest.raises(InvalidParams, match="is no public key of ssh"):
        load(ready)
