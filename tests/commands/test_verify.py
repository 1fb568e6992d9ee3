"""Whether what the Hub gives is the release that it says it is."""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import CommitOperationAdd, HfApi

from pipeline.commands import approve, verify
from pipeline.errors import Contradicted, HubNotFound, InvalidParams, ReleaseRefused, Unvouched
from pipeline.params import load
from pipeline.publishing import provenance, release_tree
from pipeline.records import LogState, Receipt
from pipeline.records.log import Deployed
from pipeline.workspace import digests, log, paths
from tests.conftest import Stage
from tests.support import sealed, workspaces
from tests.support.releasing import REPO, run, second

OTHER = "tester/elsewhere"


@pytest.fixture
def line(ready: Path) -> Path:
    return ready


def said(folder: Path, what: str = f"{REPO}@v1") -> dict[str, str]:
    return verify.run(folder, load(folder), what)


def commit(api: HfApi, name: str, content: bytes) -> str:
    made = api.create_commit(REPO, [CommitOperationAdd(name, content)], commit_message="Changed")
    return str(made.oid)


def remove_receipts(folder: Path) -> None:
    """Make a workspace one that knows nothing of what was released."""
    for path in (folder / "receipts").iterdir():
        path.unlink()


def move(api: HfApi, tag: str, commit: str) -> None:
    """Let a tag point elsewhere, as whoever may write can."""
    api.delete_tag(REPO, tag=tag)
    api.create_tag(REPO, tag=tag, revision=commit)


def two(folder: Path) -> tuple[Receipt, Receipt]:
    """Release twice."""
    first, _ = run(folder)
    second(folder, {"live.revision": first.commit})
    return first, run(folder)[0]


def forge(api: HfApi, files: Mapping[str, bytes], **changes: str) -> str:
    """Commit other files to main, and a statement of v1 that was rewritten to fit them."""
    content = statement(api)
    wanted = {one["name"]: one["digest"]["sha256"] for one in content["subject"]}
    wanted |= {path: hashlib.sha256(one).hexdigest() for path, one in files.items()}
    content["subject"] = [{"name": path, "digest": {"sha256": one}} for path, one in wanted.items()]
    content["predicate"]["buildDefinition"]["externalParameters"] |= changes
    new = {**files, release_tree.PROVENANCE: json.dumps(content).encode()}
    made = api.create_commit(
        REPO, [CommitOperationAdd(path, one) for path, one in new.items()], commit_message="Better"
    )
    return str(made.oid)


def statement(api: HfApi, revision: str = "v1") -> dict[str, Any]:
    path = api.hf_hub_download(REPO, release_tree.PROVENANCE, revision=revision)
    found: dict[str, Any] = json.loads(Path(path).read_text("utf-8"))
    return found


def test_verify_of_a_release_says_what_it_checked(line: Path) -> None:
    receipt, _ = run(line)
    assert receipt.log is not None
    found = said(line)
    grown = f"log {receipt.log.head}: 1 looks, alpha {receipt.log.alpha_spent:.4g}"
    assert found == {
        "files": f"{len(receipt.files)} of {REPO} at {receipt.commit}, as the Hub lists them; "
        "none can run code",
        "version": "v1",
        "provenance": f"v1 of {REPO}, candidate {receipt.candidate}; {grown}",
        "signature": "none",
        "receipt": f"release v1 of {receipt.released_at} names the same files",
    }
    assert said(line, f"{REPO}@{receipt.commit}") == found
    latest = f"v1 at {receipt.commit}: its receipt of {receipt.released_at} lies here"
    assert said(line, f"{REPO}@main") == found | {"latest": latest}


def test_verify_needs_no_token_for_a_public_release(line: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(line)
    monkeypatch.delenv("HF_TOKEN")
    assert "names the same files" in said(line)["receipt"]


def test_verify_in_another_workspace_says_that_nothing_vouches_and_what_could(
    line: Path, tmp_path: Path
) -> None:
    run(line)
    (tmp_path / "params.yaml").write_bytes((line / "params.yaml").read_bytes())
    with pytest.raises(Unvouched) as caught:
        verify.run(tmp_path, load(tmp_path), f"{REPO}@v1")
    message = str(caught.value)
    assert f"nothing vouches for {REPO}@v1, at " in message
    assert "which says of itself that it is 'v1'" in message
    assert f"Receipt: none of it in {tmp_path / 'receipts'}. Signature: none. Wanted a receipt" in message
    assert "in the workspace that released it, with its newest commits. A key is of no use where" in message


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


def test_verify_of_what_has_no_provenance_and_no_receipt_finds_nothing_that_vouches(
    line: Path, api: HfApi
) -> None:
    run(line)
    api.delete_file(release_tree.PROVENANCE, REPO)
    with pytest.raises(Contradicted, match=r"@main gives no release that is known here, .*; wanted v1, at "):
        said(line, f"{REPO}@main")
    remove_receipts(line)
    with pytest.raises(Unvouched, match=r"@main, at [0-9a-f]{40}, which has no provenance.json\. Receipt: "):
        said(line, f"{REPO}@main")


def test_verify_refuses_another_kind_of_statement(line: Path, api: HfApi) -> None:
    run(line)
    content = statement(api) | {"predicateType": "https://example.org"}
    commit(api, release_tree.PROVENANCE, json.dumps(content).encode())
    with pytest.raises(
        Contradicted, match=r"with 'https://example.org'; wanted https://in-toto.io/Statement"
    ):
        said(line, f"{REPO}@main")


def test_verify_refuses_what_can_run_code(line: Path, api: HfApi) -> None:
    run(line)
    remove_receipts(line)
    forge(api, {"training_args.bin": b"x"})
    with pytest.raises(ReleaseRefused, match=r"training_args.bin can run code"):
        said(line, f"{REPO}@main")


def test_verify_compares_with_the_receipt(line: Path) -> None:
    receipt, _ = run(line)
    path = line / "receipts" / f"{receipt.commit}.json"
    changed = receipt.model_copy(update={"files": receipt.files | {"config.json": "0" * 64}})
    path.write_text(changed.model_dump_json(), "utf-8")
    with pytest.raises(
        Contradicted, match=r"than the receipt of v1 of .* names: config.json differ\. Do not"
    ):
        said(line)


# --- what is asked for ---


def exit_code(folder: Path, stage: Stage, *words: str) -> tuple[int, str]:
    """Run it as a user does."""
    done = workspaces.pipeline(folder, stage.env, "verify", *words)
    return done.returncode, done.stderr


def test_verify_exits_with_3_where_the_tag_points_to_an_older_release(
    line: Path, writer: Stage, api: HfApi
) -> None:
    first, later = two(line)
    move(api, "v2", first.commit)
    code, message = exit_code(line, writer, f"{REPO}@v2")
    assert code == 3
    assert f"{REPO}@v2 gives other files than the receipt of v2 of {later.released_at} names: " in message
    assert "(they are those of v1)" in message
    assert said(line, f"{REPO}@v1")["version"] == "v1"


def test_verify_exits_with_3_where_released_files_were_copied_to_another_repository(
    line: Path, writer: Stage, api: HfApi
) -> None:
    run(line)
    workspaces.forget(writer.endpoint, OTHER)
    workspaces.put(writer.endpoint, OTHER, "model", Path(api.snapshot_download(REPO, revision="v1")))
    api.create_tag(OTHER, tag="v1")
    code, message = exit_code(line, writer, f"{OTHER}@v1")
    assert code == 3
    assert f"says of itself that it is 'v1' of '{REPO}'; wanted 'v1' of '{OTHER}'" in message


def test_verify_exits_with_3_where_weights_are_random_and_the_statement_was_rewritten(
    line: Path, writer: Stage, api: HfApi
) -> None:
    receipt, _ = run(line)
    made = forge(api, {"model.safetensors": os.urandom(4096)})
    move(api, "v1", made)
    code, message = exit_code(line, writer, f"{REPO}@v1")
    assert code == 3
    assert "names: model.safetensors, provenance.json differ" in message
    with pytest.raises(
        Contradicted, match=f"receipt of that, of {re.escape(receipt.released_at)}, names other"
    ):
        said(line, f"{REPO}@{made}")


def test_verify_exits_with_1_where_nothing_can_vouch(line: Path, writer: Stage) -> None:
    run(line)
    remove_receipts(line)
    assert exit_code(line, writer, f"{REPO}@v1")[0] == 1


def test_verify_refuses_a_newer_tag_on_an_older_release_whose_receipts_lie_here(
    line: Path, api: HfApi
) -> None:
    first, _ = run(line)
    api.create_tag(REPO, tag="v9", revision=first.commit)
    with pytest.raises(
        Contradicted, match=r"@v9 gives the files of v1, by its receipt of .* those of v9, of"
    ):
        said(line, f"{REPO}@v9")
    remove_receipts(line)
    with pytest.raises(Contradicted, match=r"says of itself that it is 'v1' of .*; wanted 'v9' of"):
        said(line, f"{REPO}@v9")


def test_verify_of_the_same_bytes_at_another_commit_is_no_contradiction(line: Path, api: HfApi) -> None:
    """A repository's history may be squashed; and releases of before there was a statement stay verified."""
    receipt, _ = run(line)
    commit(api, "more.txt", b"x")
    move(api, "v1", str(api.delete_file("more.txt", REPO).oid))
    assert said(line)["receipt"] == f"release v1 of {receipt.released_at} names the same files"
    made = str(api.delete_file(release_tree.PROVENANCE, REPO).oid)
    bare = {path: one for path, one in receipt.files.items() if path != release_tree.PROVENANCE}
    path = line / "receipts" / f"{receipt.commit}.json"
    path.write_text(receipt.model_copy(update={"files": bare}).model_dump_json(exclude={"log"}), "utf-8")
    move(api, "v1", made)
    found = said(line)
    assert (found["version"], found["provenance"]) == ("v1", "none that can be read")


def test_verify_refuses_a_main_that_went_back(line: Path, api: HfApi) -> None:
    first, later = two(line)
    assert said(line, f"{REPO}@main")["version"] == "v2"
    folder = Path(api.snapshot_download(REPO, revision="v1"))
    went = api.upload_folder(repo_id=REPO, folder_path=folder, delete_patterns="*").oid
    with pytest.raises(Contradicted) as caught:
        said(line, f"{REPO}@main")
    assert f"@main gives 'v1', at {went}; wanted v2, at {later.commit}, or a later one: its receipt" in str(
        caught.value
    )
    assert said(line, f"{REPO}@v1")["version"] == said(line, f"{REPO}@{first.commit}")["version"] == "v1"


def test_verify_refuses_a_deployed_tag_that_went_back(line: Path, api: HfApi) -> None:
    first, later = two(line)
    api.create_tag(REPO, tag="deployed", revision=first.commit)
    found = said(line, f"{REPO}@deployed")
    assert found["version"] == "v1"
    assert found["latest"] == "not known here: a Hub that went back to an older release would not be seen"
    log.append(line, Deployed(repo=REPO, commit=later.commit, version="v2"))
    with pytest.raises(
        Contradicted, match=r"@deployed gives 'v1', .*; wanted v2, .*: the log says so since 20"
    ):
        said(line, f"{REPO}@deployed")
    move(api, "deployed", later.commit)
    assert said(line, f"{REPO}@deployed")["version"] == "v2"


def test_verify_sees_by_the_log_alone_that_main_went_back(line: Path, api: HfApi) -> None:
    receipt, _ = run(line)
    log.append(line, Deployed(repo=REPO, commit="c" * 40, version="v2"))
    with pytest.raises(
        Contradicted, match=r"@main gives 'v1', .*; wanted v2, at c{40}, or a later one: the log"
    ):
        said(line, f"{REPO}@main")
    assert said(line)["version"] == receipt.version
    log.append(line, Deployed(repo=OTHER, commit="d" * 40, version="v9"))  # another model's
    assert said(line)["version"] == receipt.version


def test_verify_refuses_a_hub_that_has_lost_a_release(line: Path, api: HfApi) -> None:
    receipt, _ = run(line)
    api.delete_tag(REPO, tag="v1")
    with pytest.raises(
        Contradicted, match=rf"the Hub has no v1 of {REPO}; wanted v1 at {receipt.commit}, beca"
    ):
        said(line)
    with pytest.raises(HubNotFound, match="no such revision"):
        said(line, f"{REPO}@v2")
    workspaces.forget(api.endpoint, REPO)
    with pytest.raises(HubNotFound, match="no such repository, or this token may not see it"):
        said(line)


def test_verify_refuses_a_release_that_came_after_another_one_than_the_receipts_say(
    line: Path, api: HfApi
) -> None:
    _, later = two(line)
    (line / "receipts" / f"{later.commit}.json").unlink()
    with pytest.raises(Unvouched, match="says of itself that it is 'v2'"):
        said(line, f"{REPO}@v2")
    path = next((line / "receipts").iterdir())
    first = Receipt.model_validate_json(path.read_bytes())
    path.write_text(first.model_copy(update={"commit": "e" * 40}).model_dump_json(), "utf-8")
    with pytest.raises(
        Contradicted, match=rf"came after the release at '{first.commit}'; wanted e{{40}}, where v1"
    ):
        said(line, f"{REPO}@v2")


# --- the statement ---


def test_provenance_names_everything_that_a_release_rests_on(line: Path, api: HfApi) -> None:
    sealed.seal(line, needs_human=True)
    _, approval, *_ = approve.run(line, load(line), "Ada", "a new index tonight")
    receipt, _ = run(line)
    found = statement(api)
    assert (found["_type"], found["predicateType"]) == (provenance.STATEMENT, provenance.PREDICATE)
    subjects = {one["name"]: one["digest"]["sha256"] for one in found["subject"]}
    assert subjects == {path: one for path, one in receipt.files.items() if path != release_tree.PROVENANCE}
    built = found["predicate"]["buildDefinition"]
    assert built["externalParameters"] == {"repository": REPO, "version": "v1", "recipe": receipt.recipe}
    inner = built["internalParameters"]
    assert inner["approval"] == approval.model_dump(mode="json")
    assert inner["candidate"] == receipt.candidate
    assert inner["records"] == {path: digests.sha256(line / path) for path in sorted(paths.RECORDS.values())}
    assert inner["dvc.lock"] == receipt.dvc_lock
    assert receipt.log is not None
    assert (inner["previous"], inner["log"]) == (None, receipt.log.model_dump())
    named = {one["name"]: one["digest"]["gitCommit"] for one in built["resolvedDependencies"]}
    assert named == {
        "dataset": receipt.dataset.revision,
        "base": receipt.base.revision,
        "code": receipt.code_commit,
    }
    assert workspaces.TOKEN not in json.dumps(found)


def test_provenance_of_the_same_candidate_is_the_same_bytes(line: Path, tmp_path: Path) -> None:
    from pipeline.commands import release

    files = release_tree.contents(line)
    two = []
    for name in "ab":
        path = provenance.write(
            line,
            tmp_path / name,
            files,
            release.passing_records(line),
            repo=REPO,
            recipe="r",
            approval=None,
            previous="c" * 40,
            log=LogState(head="d" * 40, looks=3, alpha_spent=0.01),
        )
        two.append(path.read_bytes())
    assert two[0] == two[1]
    assert provenance.read(tmp_path / "a") == provenance.Statement(
        repository=REPO,
        version="v1",
        candidate=digests.digest(line / "model"),
        files={path: digests.sha256(one) for path, one in files.items()},
        previous="c" * 40,
        log=LogState(head="d" * 40, looks=3, alpha_spent=0.01),
    )
