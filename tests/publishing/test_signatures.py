"""Signatures: with model-signing, and what is said where it is not installed."""

import re
import sys
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from pipeline.commands import verify
from pipeline.errors import BrokenChain, Contradicted, InvalidParams, InvalidWorkspace, Unvouched
from pipeline.params import load
from pipeline.params.release import KeySignature
from pipeline.publishing import release_tree, signatures
from pipeline.workspace import receipts
from tests.conftest import Stage
from tests.support import workspaces
from tests.support.records import put, receipt
from tests.support.releasing import REPO, commits, run, second, waiting
from tests.support.signing import key
from tests.support.workspaces import git, set_params


@pytest.fixture
def line(ready: Path) -> Path:
    return ready


@pytest.fixture
def signed(line: Path, tmp_path: Path) -> Path:
    """A workspace whose releases are signed."""
    set_params(line, {"release.signature": key(tmp_path, "ours").model_dump()})
    git(line, "commit", "--quiet", "--all", "--message", "Sign")
    return line


def said(folder: Path, *keys: KeySignature, what: str = f"{REPO}@v1") -> dict[str, str]:
    """Verify with the public keys of some."""
    trusted = [Path(path) for how in keys for path in how.public_keys]
    return verify.run(folder, load(folder), what, trusted)


@pytest.fixture
def clone(line: Path, tmp_path: Path) -> Path:
    """Another model's workspace, with a receipt of that one's v1."""
    folder = tmp_path / "clone"
    workspaces.make(folder, {"release.repo": "somebody/else"}, dvc=False)
    put(folder, receipt("v1", repo="somebody/else"))
    return folder


def forget_receipts(folder: Path) -> None:
    for path in (folder / "receipts").iterdir():
        path.unlink()


def test_signatures_stand_in_the_release_and_are_verified(signed: Path, api: HfApi, tmp_path: Path) -> None:
    released, _ = run(signed)
    assert "model.sig" in released.files
    assert waiting(api) == []
    found = said(signed)
    assert found["signature"] == f"by the key {tmp_path / 'ours.pub'}, over all files"
    assert "names the same files" in found["receipt"]


def test_signatures_vouch_without_a_receipt_from_another_models_clone(signed: Path, clone: Path) -> None:
    released, _ = run(signed)
    ours = load(signed).release.signature
    assert isinstance(ours, KeySignature)
    found = said(clone, ours)
    assert (found["version"], found["receipt"]) == ("v1", "none here")
    assert found["provenance"].startswith(f"v1 of {REPO}, candidate {released.candidate}; log ")
    for revision in ("main", released.commit):
        assert said(clone, ours, what=f"{REPO}@{revision}")["version"] == "v1"
    with pytest.raises(
        Unvouched, match=r"Signature: there is one; not checked, because nobody is trusted here"
    ):
        said(clone)


def test_signatures_are_checked_by_a_key_that_is_typed(signed: Path, clone: Path, stage: Stage) -> None:
    run(signed)
    (clone / "ours.pub").write_bytes((signed.parent / "ours.pub").read_bytes())
    done = workspaces.pipeline(clone, stage.env, "verify", f"{REPO}@v1", "--key", "ours.pub")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"^signature +by the key .*/ours.pub, over all files$", done.stdout, re.MULTILINE)
    done = workspaces.pipeline(clone, stage.env, "verify", f"{REPO}@v1")
    assert done.returncode == 1


def test_signatures_of_an_older_release_do_not_vouch_for_a_newer_tag(
    signed: Path, clone: Path, api: HfApi
) -> None:
    released, _ = run(signed)
    ours = load(signed).release.signature
    assert isinstance(ours, KeySignature)
    api.create_tag(REPO, tag="v2", revision=released.commit)
    with pytest.raises(Contradicted, match=r"says of itself that it is 'v1' of .*; wanted 'v2' of"):
        said(clone, ours, what=f"{REPO}@v2")


def test_signatures_do_not_vouch_for_the_same_files_elsewhere(
    signed: Path, clone: Path, api: HfApi, stage: Stage
) -> None:
    run(signed)
    ours = load(signed).release.signature
    assert isinstance(ours, KeySignature)
    other = "tester/elsewhere"
    workspaces.forget(stage.endpoint, other)
    workspaces.put(stage.endpoint, other, "model", Path(api.snapshot_download(REPO, revision="v1")))
    with pytest.raises(Contradicted, match=f"of '{REPO}'; wanted 'v1' of '{other}'"):
        said(clone, ours, what=f"{other}@main")


def test_signatures_over_files_that_do_not_say_what_they_are_vouch_for_nothing(
    signed: Path, clone: Path, api: HfApi, tmp_path: Path
) -> None:
    run(signed)
    ours = load(signed).release.signature
    assert isinstance(ours, KeySignature)
    folder = release_tree.assemble(tmp_path / "bare", release_tree.contents(signed))
    signatures.sign(folder, ours)
    api.upload_folder(repo_id=REPO, folder_path=folder, delete_patterns="*")
    with pytest.raises(
        Unvouched, match=r"which has no provenance.json\. .*Signature: by the key .*ours.pub, over"
    ):
        said(clone, ours, what=f"{REPO}@main")


def test_signatures_of_another_key_are_refused(signed: Path, clone: Path, tmp_path: Path) -> None:
    run(signed)
    theirs = key(tmp_path, "theirs")
    wanted = (
        r"model.sig is no signature of these files by anybody who is trusted:\n  the key .*theirs.pub: Key m"
    )
    with pytest.raises(Contradicted, match=wanted):
        said(clone, theirs)
    set_params(signed, {"release.signature": theirs.model_dump()})
    # The receipt vouches for these very bytes.
    assert said(signed)["signature"].startswith("by nobody who is trusted here; the receipt vouches for")
    forget_receipts(signed)
    with pytest.raises(Contradicted, match=wanted):
        said(signed)


def test_signatures_stay_valid_when_the_key_is_changed(signed: Path, clone: Path, tmp_path: Path) -> None:
    run(signed)
    old = load(signed).release.signature
    assert isinstance(old, KeySignature)
    new = key(tmp_path, "new")
    both = new.model_dump() | {"public_key": [new.public_key, old.public_key]}
    set_params(signed, {"release.signature": both})
    git(signed, "commit", "--quiet", "--all", "--message", "Another key")
    second(signed, {"live.revision": receipts.for_repo(signed, REPO)[0].commit})
    run(signed)
    forget_receipts(signed)
    for version, by in (("v1", "ours"), ("v2", "new")):
        found = said(signed, what=f"{REPO}@{version}")
        assert found["signature"] == f"by the key {tmp_path / by}.pub, over all files"
        assert said(clone, new, old, what=f"{REPO}@{version}")["version"] == version
    with pytest.raises(Contradicted, match="If the key was changed since, name the one that was valid then"):
        said(clone, new)
    set_params(signed, {"release.signature": both | {"public_key": []}})
    with pytest.raises(InvalidParams, match=r"release.signature.*public_key"):
        load(signed)


def test_signatures_name_the_release_before(signed: Path, clone: Path) -> None:
    first, _ = run(signed)
    second(signed, {"live.revision": first.commit})
    run(signed)
    ours = load(signed).release.signature
    assert isinstance(ours, KeySignature)
    found = said(clone, ours, what=f"{REPO}@v2")
    assert f", after the release at {first.commit}; log " in found["provenance"]


def test_signatures_that_are_missing_vouch_for_nothing_and_contradict_nothing(
    line: Path, clone: Path, tmp_path: Path
) -> None:
    run(line)
    ours = key(tmp_path, "ours")
    set_params(line, {"release.signature": ours.model_dump()})
    assert said(line)["signature"] == "none"  # it was released before there was a key
    with pytest.raises(Unvouched, match=r"Signature: none\. Wanted a receipt"):
        said(clone, ours)


@pytest.mark.parametrize("content", [None, b"nothing", b"-----BEGIN PUBLIC KEY-----"])
def test_signatures_name_a_public_key_that_is_none(
    signed: Path, tmp_path: Path, content: bytes | None
) -> None:
    """A key that is mistyped contradicts nothing."""
    run(signed)
    path = tmp_path / "none.pub"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(
        InvalidParams, match=r"the key .*none.pub cannot be used: .*Wanted a public key \(PEM"
    ):
        verify.run(signed, load(signed), f"{REPO}@v1", [path])


@pytest.mark.parametrize("given", [{"identity": "a@b.c"}, {"issuer": "https://b.c"}])
def test_signatures_want_an_identity_with_who_gave_it(signed: Path, given: dict[str, str]) -> None:
    with pytest.raises(InvalidParams, match="wanted both, because a name says nothing without who gave it"):
        verify.run(signed, load(signed), f"{REPO}@v1", **given)  # type: ignore[arg-type]


def test_signatures_by_an_identity_say_what_is_missing_where_sigstore_cannot_be_reached(
    signed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(signed)

    def offline(*arguments: object, **named: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr("model_signing.verifying.Config.use_sigstore_verifier", offline)
    with pytest.raises(
        InvalidWorkspace, match=r"signatures by a@b.c, as https://b.c knows them cannot be check"
    ):
        verify.run(signed, load(signed), f"{REPO}@v1", identity="a@b.c", issuer="https://b.c")


def test_signatures_notice_each_changed_file(signed: Path, tmp_path: Path) -> None:
    how = load(signed).release.signature
    assert how is not None
    folder = release_tree.assemble(tmp_path / "laid_out", release_tree.contents(signed))
    signatures.sign(folder, how)
    assert signatures.verify(folder, signatures.signers(how)) == signatures.PublicKey(tmp_path / "ours.pub")
    (folder / "README.md").unlink()
    (folder / "README.md").write_text("Mine")
    with pytest.raises(BrokenChain, match="Do not use them"):
        signatures.verify(folder, signatures.signers(how))


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
    assert said(signed)["signature"].startswith("there is one; not checked, because nobody is trusted here")


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
