"""Whether what the Hub gives is the release that it says it is."""

import json
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import CommitOperationAdd, HfApi

from pipeline.commands import approve, verify
from pipeline.errors import BrokenChain, Contradicted, HubNotFound, InvalidParams, ReleaseRefused
from pipeline.params import load
from pipeline.publishing import provenance, release_tree
from pipeline.workspace import digests, paths
from tests.support import sealed, workspaces
from tests.support.releasing import REPO, run


@pytest.fixture
def line(ready: Path) -> Path:
    return ready


def said(folder: Path, what: str = f"{REPO}@v1") -> dict[str, str]:
    return verify.run(folder, load(folder), what)


def commit(api: HfApi, name: str, content: bytes) -> str:
    made = api.create_commit(REPO, [CommitOperationAdd(name, content)], commit_message="Changed")
    return str(made.oid)


def statement(api: HfApi, revision: str = "v1") -> dict[str, Any]:
    path = api.hf_hub_download(REPO, release_tree.PROVENANCE, revision=revision)
    found: dict[str, Any] = json.loads(Path(path).read_text("utf-8"))
    return found


def test_verify_of_a_release_says_what_it_checked(line: Path) -> None:
    receipt, _ = run(line)
    found = said(line)
    assert found == {
        "files": f"{len(receipt.files)} of {REPO} at {receipt.commit}, as the Hub lists them; "
        "none can run code",
        "provenance": f"fits them: v1, candidate {receipt.candidate}",
        "signature": "none",
        "receipt": f"release v1 of {receipt.released_at} names the same files",
    }
    for revision in ("main", receipt.commit):
        assert said(line, f"{REPO}@{revision}") == found


def test_verify_needs_no_token_for_a_public_release(line: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(line)
    monkeypatch.delenv("HF_TOKEN")
    assert "names the same files" in said(line)["receipt"]


def test_verify_in_another_workspace_says_that_there_is_no_receipt(line: Path, tmp_path: Path) -> None:
    run(line)
    (tmp_path / "params.yaml").write_bytes((line / "params.yaml").read_bytes())
    assert verify.run(tmp_path, load(tmp_path), f"{REPO}@v1")["receipt"] == "none here for this commit"


@pytest.mark.parametrize("what", ["", REPO, f"{REPO}@", "@v1"])
def test_verify_says_how_a_release_is_named(line: Path, what: str) -> None:
    with pytest.raises(InvalidParams, match="names no release; wanted REPO@REV, like owner/name@v2"):
        said(line, what)


def test_verify_names_a_release_that_is_not_there(line: Path) -> None:
    run(line)
    with pytest.raises(HubNotFound, match="no such revision"):
        said(line, f"{REPO}@v7")


def test_verify_names_each_file_that_does_not_fit(line: Path, api: HfApi) -> None:
    run(line)
    commit(api, "config.json", b"{}")
    commit(api, "more.txt", b"x")
    api.delete_file("modules.json", REPO)
    with pytest.raises(Contradicted) as caught:
        said(line, f"{REPO}@main")
    message = str(caught.value)
    assert "more.txt is not among its files" in message
    assert "modules.json is missing" in message
    assert "config.json has sha256 " in message


@pytest.mark.parametrize("content", [b"{}", b"nothing", b"[]", b'{"_type": 1}'])
def test_verify_refuses_a_provenance_that_is_none(line: Path, api: HfApi, content: bytes) -> None:
    run(line)
    commit(api, release_tree.PROVENANCE, content)
    with pytest.raises((Contradicted, ReleaseRefused), match=r"provenance.json is no"):
        said(line, f"{REPO}@main")
    api.delete_file(release_tree.PROVENANCE, REPO)
    with pytest.raises(BrokenChain, match=r"there is no provenance.json") as caught:
        said(line, f"{REPO}@main")
    assert not isinstance(caught.value, Contradicted)  # nothing vouches, and nothing contradicts


def test_verify_refuses_another_kind_of_statement(line: Path, api: HfApi) -> None:
    run(line)
    content = statement(api) | {"predicateType": "https://example.org"}
    commit(api, release_tree.PROVENANCE, json.dumps(content).encode())
    with pytest.raises(Contradicted, match=r"with https://example.org; wanted https://in-toto.io/Statement"):
        said(line, f"{REPO}@main")


def test_verify_refuses_what_can_run_code(line: Path, api: HfApi) -> None:
    run(line)
    commit(api, "training_args.bin", b"x")
    with pytest.raises(ReleaseRefused, match=r"training_args.bin can run code"):
        said(line, f"{REPO}@main")


def test_verify_compares_with_the_receipt(line: Path) -> None:
    receipt, _ = run(line)
    path = line / "receipts" / f"{receipt.commit}.json"
    changed = receipt.model_copy(update={"files": receipt.files | {"config.json": "0" * 64}})
    path.write_text(changed.model_dump_json(), "utf-8")
    with pytest.raises(Contradicted, match=r"the receipt of v1 names other files: config.json differ"):
        said(line)


# --- the statement ---


def test_provenance_names_everything_that_a_release_rests_on(line: Path, api: HfApi) -> None:
    sealed.seal(line, needs_human=True)
    _, approval = approve.run(line, load(line), "Ada", "a new index tonight")
    receipt, _ = run(line)
    found = statement(api)
    assert (found["_type"], found["predicateType"]) == (provenance.STATEMENT, provenance.PREDICATE)
    subjects = {one["name"]: one["digest"]["sha256"] for one in found["subject"]}
    assert subjects == {path: one for path, one in receipt.files.items() if path != release_tree.PROVENANCE}
    built = found["predicate"]["buildDefinition"]
    assert built["externalParameters"] == {"repository": REPO, "version": "v1", "recipe": receipt.recipe}
    inner = built["internalParameters"]
    assert inner["approval"] == approval.model_dump()
    assert inner["candidate"] == receipt.candidate
    assert inner["records"] == {path: digests.sha256(line / path) for path in sorted(paths.RECORDS.values())}
    assert inner["dvc.lock"] == receipt.dvc_lock
    named = {one["name"]: one["digest"]["gitCommit"] for one in built["resolvedDependencies"]}
    assert named == {"dataset": receipt.dataset.revision, "base": receipt.base.revision}
    assert workspaces.TOKEN not in json.dumps(found)


def test_provenance_of_the_same_candidate_is_the_same_bytes(line: Path, tmp_path: Path) -> None:
    from pipeline.commands import release

    files = release_tree.contents(line)
    two = []
    for name in "ab":
        path = provenance.write(
            line, tmp_path / name, files, release.passing_records(line), repo=REPO, recipe="r", approval=None
        )
        two.append(path.read_bytes())
    assert two[0] == two[1]
