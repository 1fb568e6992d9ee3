"""Signatures of persons, made by the real ssh-keygen."""

import subprocess
from pathlib import Path

import pytest

from pipeline.errors import InvalidParams, InvalidWorkspace, ReleaseRefused
from pipeline.params import Params
from pipeline.params.approve import Signer
from pipeline.records import Approval
from pipeline.workspace import approvals, signed_approvals
from tests.support import sealed, signing
from tests.support.deciding import CANDIDATE, PARAMS, asks
from tests.support.workspaces import git


def make(folder: Path, name: str) -> Signer:
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"{name}@host", "-f", str(folder / name)]
    subprocess.run(command, check=True)
    return Signer(name=name, key=(folder / f"{name}.pub").read_text().strip())


def asking(*signers: Signer) -> Params:
    return asks(signers=signers)


@pytest.fixture
def ada(tmp_path: Path) -> Signer:
    git(tmp_path, "init", "--quiet")
    return make(tmp_path, "Ada")


def draft(folder: Path, name: str = "Ada") -> Approval:
    return approvals.draft(folder, PARAMS, sealed.verdict(CANDIDATE, needs_human=True), name, "yes")


def signed(folder: Path, approval: Approval, key: str = "Ada") -> Approval:
    """Sign as the line says that a person is shown."""
    statement = folder / "statement"
    statement.write_text(approval.statement())
    line = signed_approvals.sign_line(statement).replace("~/.ssh/id_ed25519", str(folder / key))
    subprocess.run(line.split(), check=True, capture_output=True)
    return approval.model_copy(update={"signature": (folder / "statement.sig").read_text()})


def test_signature_of_the_named_person_gives_the_key_that_ssh_names(tmp_path: Path, ada: Signer) -> None:
    found = signed_approvals.identify(signed(tmp_path, draft(tmp_path)), [ada])
    printed = subprocess.run(
        ["ssh-keygen", "-l", "-f", str(tmp_path / "Ada.pub")], capture_output=True, text=True, check=True
    )
    assert found == signed_approvals.fingerprint(ada.key) == printed.stdout.split()[1]


def test_signature_counts_by_any_key_of_that_person_and_of_no_other(tmp_path: Path, ada: Signer) -> None:
    bob = make(tmp_path, "Bob")
    by_bob = signed(tmp_path, draft(tmp_path), "Bob")
    second = Signer(name="Ada", key=bob.key)
    assert signed_approvals.identify(by_bob, [ada, second]) == signed_approvals.fingerprint(bob.key)
    with pytest.raises(ReleaseRefused, match="none of this text by a key of Ada"):
        signed_approvals.identify(by_bob, [ada, bob])


def test_signature_of_another_text_does_not_count(tmp_path: Path, ada: Signer) -> None:
    other = signed(tmp_path, draft(tmp_path)).model_copy(update={"reason": "another one"})
    with pytest.raises(ReleaseRefused, match="none of this text"):
        signed_approvals.identify(other, [ada])


def test_approval_without_signature_or_by_a_stranger_does_not_count(tmp_path: Path, ada: Signer) -> None:
    with pytest.raises(ReleaseRefused, match="it is not signed; wanted a signature by a key of Ada"):
        signed_approvals.identify(draft(tmp_path), [ada])
    with pytest.raises(ReleaseRefused, match=r"it names 'Eve'; wanted one of approve.signers: Ada"):
        signed_approvals.identify(draft(tmp_path, "Eve"), [ada])


def test_key_that_signs_releases_signs_no_approval(tmp_path: Path) -> None:
    release = signing.key(tmp_path, "release")
    converted = subprocess.run(
        ["ssh-keygen", "-i", "-m", "PKCS8", "-f", str(release.public_key)],
        capture_output=True,
        text=True,
        check=True,
    )
    params = asking(Signer(name="Ada", key=converted.stdout.strip()))
    release_params = params.release.model_copy(update={"signature": release})
    with pytest.raises(InvalidParams, match=r"names the key of Ada, which is .*release.pub"):
        signed_approvals.signers(params.model_copy(update={"release": release_params}))


def test_signers_are_those_of_params(ada: Signer) -> None:
    assert signed_approvals.signers(asking(ada)) == (ada,)
    assert signed_approvals.signers(PARAMS) == ()


def test_signatures_want_ssh_keygen(tmp_path: Path, ada: Signer, monkeypatch: pytest.MonkeyPatch) -> None:
    approval = signed(tmp_path, draft(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InvalidWorkspace, match="ssh-keygen is not here"):
        signed_approvals.identify(approval, [ada])


def test_signature_that_a_form_made_one_line_of_counts(tmp_path: Path, ada: Signer) -> None:
    approval = signed(tmp_path, draft(tmp_path))
    assert approval.signature is not None
    for one in (" ".join(approval.signature.split("\n")), approval.signature.replace("\n", "\\n")):
        given = approval.model_copy(update={"signature": signed_approvals.armored(one)})
        assert signed_approvals.identify(given, [ada]) == signed_approvals.fingerprint(ada.key)
    assert signed_approvals.armored("nothing of it") == "nothing of it"


def test_approver_who_committed_the_code_is_refused(tmp_path: Path, ada: Signer) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    git(tmp_path, "add", "dvc.yaml")
    git(tmp_path, "-c", "user.name=Ada L.", "-c", "user.email=ada@example.org", "commit", "-qm", "code")
    verdict = sealed.verdict(CANDIDATE, needs_human=True)
    for who, wrong in (
        (ada, None),  # nothing says that these are hers
        (ada.model_copy(update={"email": "Ada@example.org"}), "somebody else: Ada"),
        (ada.model_copy(update={"email": "bob@example.org"}), None),
    ):
        params = asking(who)
        params = params.model_copy(
            update={"approve": params.approve.model_copy(update={"other_than_committer": True})}
        )
        given = signed(tmp_path, approvals.draft(tmp_path, params, verdict, "Ada", "yes"))
        given = given.model_copy(update={"identity": signed_approvals.fingerprint(ada.key)})
        found = approvals.fault(tmp_path, params, verdict, given)
        assert (found is None) if wrong is None else (wrong in str(found)), found
