"""Signatures: with model-signing, and what is said where it is not installed."""

import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from huggingface_hub import HfApi

from pipeline.commands import verify
from pipeline.errors import BrokenChain, Contradicted, InvalidParams, InvalidWorkspace
from pipeline.params import load
from pipeline.params.release import KeySignature
from pipeline.publishing import release_tree, signatures
from tests.support.releasing import REPO, commits, run, second, waiting
from tests.support.workspaces import git, set_params


@pytest.fixture
def line(ready: Path) -> Path:
    return ready


def key(folder: Path, name: str) -> KeySignature:
    """Make an elliptic curve key."""
    private, public = folder / f"{name}.pem", folder / f"{name}.pub"
    made = ec.generate_private_key(ec.SECP256R1())
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    private.write_bytes(made.private_bytes(pem, serialization.PrivateFormat.TraditionalOpenSSL, plain))
    said = serialization.PublicFormat.SubjectPublicKeyInfo
    public.write_bytes(made.public_key().public_bytes(pem, said))
    return KeySignature(method="key", private_key=str(private), public_key=str(public))


@pytest.fixture
def signed(line: Path, tmp_path: Path) -> Path:
    """A workspace whose releases are signed."""
    set_params(line, {"release.signature": key(tmp_path, "ours").model_dump()})
    git(line, "commit", "--quiet", "--all", "--message", "Sign")
    return line


def test_signatures_stand_in_the_release_and_are_verified(signed: Path, api: HfApi) -> None:
    receipt, _ = run(signed)
    assert "model.sig" in receipt.files
    assert waiting(api) == []
    found = verify.run(signed, load(signed), f"{REPO}@v1")
    assert found["signature"] == "is one by release.signature"
    assert "names the same files" in found["receipt"]


def test_signatures_of_another_key_are_refused(signed: Path, tmp_path: Path) -> None:
    run(signed)
    set_params(signed, {"release.signature": key(tmp_path, "theirs").model_dump()})
    with pytest.raises(Contradicted, match=r"model.sig is no signature of these files by release.signature"):
        verify.run(signed, load(signed), f"{REPO}@v1")


def test_signatures_are_wanted_where_a_key_is_set(line: Path, tmp_path: Path) -> None:
    run(line)
    set_params(line, {"release.signature": key(tmp_path, "ours").model_dump()})
    with pytest.raises(BrokenChain, match=r"there is no model.sig; wanted one") as caught:
        verify.run(line, load(line), f"{REPO}@v1")
    assert not isinstance(caught.value, Contradicted)


def test_signatures_notice_each_changed_file(signed: Path, tmp_path: Path) -> None:
    how = load(signed).release.signature
    assert how is not None
    folder = release_tree.assemble(tmp_path / "laid_out", release_tree.contents(signed))
    signatures.sign(folder, how)
    signatures.verify(folder, how)
    (folder / "README.md").unlink()
    (folder / "README.md").write_text("Mine")
    with pytest.raises(BrokenChain, match="Do not use them"):
        signatures.verify(folder, how)


def test_signatures_of_a_release_that_was_cut_off_are_not_made_anew(signed: Path, api: HfApi) -> None:
    first, _ = run(signed)
    (signed / "receipts" / f"{first.commit}.json").unlink()
    git(signed, "reset", "--quiet", "--hard", "HEAD~1")
    standing = commits(api)
    again, before = run(signed)
    assert not before
    assert commits(api) == standing
    assert again.files == first.files
    second(signed)
    assert run(signed)[0].version == "v2"


def test_signatures_name_a_key_that_is_none(signed: Path, api: HfApi) -> None:
    set_params(signed, {"release.signature.private_key": "/nowhere.pem"})
    with pytest.raises(InvalidParams, match=r"release.signature cannot sign: .*Wanted a private key"):
        run(signed)
    assert not api.repo_exists(REPO)


def test_signatures_without_the_package_say_how_to_get_it(
    line: Path, api: HfApi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("model_signing", "model_signing.signing"):
        monkeypatch.setitem(sys.modules, name, None)
    how = {"method": "key", "private_key": "a.pem", "public_key": "a.pub"}
    set_params(line, {"release.signature": how})
    with pytest.raises(InvalidWorkspace, match=r"model-signing cannot be imported .*pip install 'model-sig"):
        run(line)
    assert not api.repo_exists(REPO)


def test_signatures_that_nobody_asked_to_check_are_mentioned(signed: Path) -> None:
    run(signed)
    set_params(signed, {"release.signature": None})
    found = verify.run(signed, load(signed), f"{REPO}@v1")
    assert found["signature"] == "there is one; not checked, because release.signature is not set"


@pytest.mark.parametrize(
    "value",
    [
        {"method": "key", "private_key": "a"},
        {"method": "gpg"},
        {"method": "sigstore", "identity": "a@b.c"},
    ],
)
def test_signatures_are_configured_whole(line: Path, value: dict[str, str]) -> None:
    set_params(line, {"release.signature": value})
    with pytest.raises(InvalidParams, match=r"release.signature"):
        load(line)
