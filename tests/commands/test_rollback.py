"""An earlier release comes back as a new one, and what was rolled back from stays away."""

import os
import shutil
from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd, HfApi

from pipeline.commands import approve, deployed, refresh, releases, rollback, verify
from pipeline.errors import BrokenChain, HubDenied, ReleaseRefused, Unvouched, WaitsForPerson
from pipeline.hub import Hub
from pipeline.params import load
from pipeline.publishing import provenance
from pipeline.publishing.release_tree import PROVENANCE
from pipeline.records import Receipt, RepoRef
from pipeline.records.log import Adopted, Deployed
from pipeline.workspace import locks, log, receipts
from tests.support import sealed, workspaces
from tests.support.records import adopted, put, receipt
from tests.support.releasing import REPO, branches, commits, refusal, run, second, tags, tree, waiting
from tests.support.signing import key
from tests.support.workspaces import git, set_params


@pytest.fixture
def line(ready: Path) -> Path:
    return ready


def back(folder: Path, to: str) -> tuple[Receipt, str]:
    return rollback.run(folder, load(folder), to)


def differ(one: dict[str, str], other: dict[str, str]) -> set[str]:
    """List the files that are not the same."""
    return {path for path in one.keys() | other.keys() if one.get(path) != other.get(path)}


def two(folder: Path) -> tuple[Receipt, Receipt]:
    """Release twice."""
    first, _ = run(folder)
    second(folder, {"live.revision": first.commit})
    return first, run(folder)[0]


@pytest.mark.parametrize("way", [True, False], ids=["pull_request", "branch"])
def test_rollback_restores_the_tree_by_a_new_commit_and_keeps_history(
    line: Path, api: HfApi, way: bool
) -> None:
    set_params(line, {"release.pull_requests": way})
    first, later = two(line)
    before = commits(api)
    found, said = back(line, "v1")
    assert (found.kind, found.version, found.restores) == ("rollback", "v3", "v1")
    assert found.candidate == first.candidate
    assert differ(found.files, first.files) == {PROVENANCE}
    assert found.parent == later.commit
    assert commits(api) == [found.commit, *before]
    assert differ(tree(api), tree(api, first.commit)) == {PROVENANCE}
    assert tags(api) == {"v1": first.commit, "v2": later.commit, "v3": found.commit}
    assert (waiting(api), branches(api)) == ([], {"main"})
    assert receipts.for_repo(line, REPO)[-1] == found
    assert git(line, "status", "--porcelain") == ""
    assert git(line, "log", "-1", "--format=%s").strip() == f"Roll back to v1 as v3 of {REPO}"
    assert said.startswith("major: another vector space")
    assert "every vector that was stored in the other space must be made anew" in said


def test_rollback_needs_neither_usable_params_nor_clean_code(line: Path, api: HfApi) -> None:
    """And while somebody trains."""
    two(line)
    (line / "params.yaml").write_text("release: {repo: [", "utf-8")
    with (line / "pipeline" / "errors.py").open("a", encoding="utf-8") as code:
        code.write("# edited\n")
    (line / ".dvc").mkdir(exist_ok=True)
    with locks.hold(line, "train"):
        done = workspaces.pipeline(line, dict(os.environ), "rollback", "--to", "v1")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"rolled back: {REPO} v3 at {commits(api)[0]}")
    assert "as of the last commit in which it could be" in done.stderr


def test_rollback_again_says_that_it_stands(line: Path, api: HfApi) -> None:
    two(line)
    found, _ = back(line, "v1")
    standing = commits(api)
    for version in ("v1", "v3"):
        again, said = back(line, version)
        assert again == found
        assert f"the files of {version} already, as v3" in said
    assert commits(api) == standing


def test_rollback_that_was_cut_off_goes_on_to_the_same_commit(line: Path, api: HfApi) -> None:
    two(line)
    found, _ = back(line, "v1")
    (line / "receipts" / f"{found.commit}.json").unlink()
    git(line, "reset", "--quiet", "--hard", "HEAD~1")
    standing = commits(api)
    again, _ = back(line, "v1")
    assert (again.commit, again.version, again.pull_request) == (found.commit, "v3", found.pull_request)
    assert commits(api) == standing


def test_rollback_can_itself_be_rolled_back(line: Path, api: HfApi) -> None:
    _, later = two(line)
    back(line, "v1")
    found, _ = back(line, "v2")
    assert (found.version, found.restores, found.candidate) == ("v4", "v2", later.candidate)
    assert differ(tree(api), tree(api, later.commit)) == {PROVENANCE}
    # It is out again, so that nothing waits for anybody.
    assert receipts.withdrawal(line, REPO, later.candidate) is None
    assert run(line) == (found, True)


def test_rollback_says_of_itself_which_version_it_is(line: Path, api: HfApi) -> None:
    _, later = two(line)
    back(line, "v1")
    before, after = (
        provenance.read(Path(api.hf_hub_download(REPO, PROVENANCE, revision=version)))
        for version in ("v1", "v3")
    )
    assert after == before.model_copy(
        update={"version": "v3", "restores": "v1", "previous": later.commit, "log": later.log}
    )
    assert before.version == "v1"
    assert verify.run(line, load(line), f"{REPO}@v3")["version"] == "v3"
    # Somebody else verifies it, who has not pulled since.
    (line / "receipts" / f"{receipts.for_repo(line, REPO)[-1].commit}.json").unlink()
    with pytest.raises(Unvouched, match="says of itself that it is 'v3'"):
        verify.run(line, load(line), f"{REPO}@v3")


def test_rollback_is_signed_as_the_version_that_it_is(line: Path, tmp_path: Path) -> None:
    ours = key(tmp_path, "ours")
    set_params(line, {"release.signature": ours.model_dump()})
    git(line, "commit", "--quiet", "--all", "--message", "Sign")
    two(line)
    found, _ = back(line, "v1")
    assert "model.sig" in found.files
    public = [Path(path) for path in ours.public_keys]
    (tmp_path / "outside").mkdir()
    for version in ("v1", "v2", "v3"):
        said = verify.run(tmp_path / "outside", load(line), f"{REPO}@{version}", public)
        assert (said["version"], said["receipt"]) == (version, "none here")
    set_params(line, {"release.signature": None})
    later, _ = back(line, "v2")
    # What nobody signs as v4 bears no signature of v2.
    assert "model.sig" not in later.files


def test_rollback_names_the_releases_there_are(line: Path) -> None:
    with pytest.raises(ReleaseRefused, match="has the releases none; wanted 'v1' among them"):
        back(line, "v1")
    run(line)
    with pytest.raises(ReleaseRefused, match="has the releases v1; wanted 'v7' among them"):
        back(line, "v7")


def test_rollback_refuses_a_strangers_commit_on_main(line: Path, api: HfApi) -> None:
    two(line)
    stranger = api.create_commit(REPO, [CommitOperationAdd("theirs.txt", b"x")], commit_message="Mine").oid
    with pytest.raises(ReleaseRefused, match="which no receipt here names"):
        back(line, "v1")
    assert commits(api)[0] == stranger


def test_rollback_refuses_files_that_are_not_as_the_receipt_says(line: Path, api: HfApi) -> None:
    first, later = two(line)
    wrong = first.model_copy(update={"files": first.files | {"config.json": "0" * 64}})
    put(line, wrong)
    with pytest.raises(BrokenChain, match=r"config.json of .* are not as the receipt of v1 says"):
        back(line, "v1")
    assert commits(api)[0] == later.commit


def test_rollback_notices_a_model_that_encodes_otherwise(line: Path, api: HfApi) -> None:
    first, later = two(line)
    assert first.probe is not None
    put(line, first.model_copy(update={"probe": first.probe | {"1-0": 2.0}}))
    with pytest.raises(BrokenChain, match=r"encodes otherwise: 1-0 is .*; wanted 2.0 within 0.001"):
        back(line, "v1")
    assert commits(api)[0] == later.commit
    assert waiting(api) == []


def test_rollback_needs_a_token_that_may_write(line: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    two(line)
    monkeypatch.setenv("HF_TOKEN", workspaces.READ_TOKEN)
    with pytest.raises(HubDenied, match="may only read"):
        back(line, "v1")


def test_rollback_is_not_undone_by_the_next_run(line: Path, api: HfApi) -> None:
    _, later = two(line)
    found, _ = back(line, "v1")
    # Nothing moved since v2 was released, so that nothing is to be made anew.
    set_params(line, {"dataset.revision": later.dataset.revision})
    newest = receipts.latest_release(line, REPO)
    assert newest == later
    message = refusal(line, WaitsForPerson)
    assert "passed the gate and waits for a person: it was released before, and v3 took it back" in message
    assert commits(api)[0] == found.commit
    shutil.rmtree(line / "card")
    sealed.seal(line)  # the card of the next version
    approve.run(line, load(line), "Ada", "it was the index after all")
    receipt, before = run(line)
    assert (receipt.version, before, receipt.candidate) == ("v4", False, later.candidate)
    assert receipt.parent == found.commit


def test_rollback_outdates_the_approval_of_what_it_took_back(line: Path) -> None:
    first, _ = run(line)
    second(line, {"live.revision": first.commit}, needs_human=True)
    _, old, *_ = approve.run(line, load(line), "Ada", "yes")
    later, _ = run(line)
    found, _ = back(line, "v1")
    (line / "receipts" / f"{found.commit}.json").write_text(
        found.model_copy(update={"released_at": "2999-01-01T00:00:00+00:00"}).model_dump_json(), "utf-8"
    )
    sealed.seal(line, needs_human=True)
    assert "v3 took it back" in refusal(line, WaitsForPerson)
    _, new, *_ = approve.run(line, load(line), "Grace", "still yes")
    assert (old.name, new.name) == ("Ada", "Grace")
    assert later.candidate


def test_refresh_after_a_rollback_moves_nothing_by_itself(line: Path, api: HfApi) -> None:
    dataset = load(line).dataset.revision
    first, _ = run(line)
    second(line, {"dataset.revision": dataset, "train.seed": 9})
    run(line)
    deployed.run(line, load(line), "v1")
    back(line, "v1")
    assert first.version == "v1"
    assert refresh.run(line, load(line)) == {}


# --- the list ---


def test_releases_lists_each_with_what_it_rests_on(line: Path) -> None:
    first, later = two(line)
    deployed.run(line, load(line), "v2")
    found, _ = back(line, "v1")
    lines = releases.run(line, load(line))
    cells = [[cell for cell in one.split("  ") if cell] for one in lines]
    assert [cell.strip() for cell in cells[0]] == list(releases.HEAD)
    rows = [[cell.strip() for cell in row] for row in cells[1:]]
    assert [row[:2] for row in rows] == [["v1", "release"], ["v2", "release"], ["v3", "rollback to v1"]]
    digest = first.records["records/verdict.json"][:12]
    assert first.verdict is not None
    assert rows[0][3:7] == [
        f"passed, {first.verdict.checks} checks ({digest})",
        first.candidate[:12],
        f"{first.space} (first)",
        first.commit[:12],
    ]
    assert rows[1][5:] == [f"{later.space} (major)", later.commit[:12], "deployed, withdrawn"]
    assert rows[2][5:] == [f"{first.space} (major)", found.commit[:12], "main"]
    assert rows[0][7:] == ["anchor"]


def test_releases_of_a_new_workspace_are_none(line: Path) -> None:
    assert releases.run(line, load(line)) == [f"nothing was released to {REPO} from here yet"]


def test_releases_need_no_hub(line: Path) -> None:
    run(line)
    set_params(line, {"hub.endpoint": "http://127.0.0.1:1"})
    log.append(line, Deployed(repo=REPO, commit=commits_of(line)[0], version="v1"))
    lines = releases.run(line, load(line))
    assert len(lines) == 3
    assert lines[1].endswith("main, deployed, anchor")
    assert lines[2].startswith("the Hub's tag deployed could not be asked: could not list branches and tags")


def commits_of(folder: Path) -> list[str]:
    return [one.commit for one in receipts.for_repo(folder, REPO)]


def test_releases_list_what_was_adopted_first(line: Path) -> None:
    run(line)
    data = RepoRef(repo="tester/triplets", revision="d" * 40)
    receipts.save_adoption(line, adopted("a" * 40, data))
    log.append(line, Adopted(repo="tester/handmade", commit="a" * 40, version="adopted-1", trained_on=data))
    lines = releases.run(line, load(line))
    cells = [cell.strip() for cell in lines[1].split("  ") if cell]
    assert cells == [
        "adopted-1", "adopted", "2026-02-01", "trained on tester/triplets", "tester/handmade", "unknown",
        "a" * 12, "deployed",
    ]  # fmt: skip
    assert lines[2].startswith("v1")
    assert lines[2].endswith("main, anchor")


def test_releases_tell_a_compatible_space_from_a_new_one(line: Path) -> None:
    named = [("v1", "a"), ("v2", "a"), ("v3", "b"), ("v4", None)]
    put(
        line,
        *(
            receipt(version, repo=REPO, commit=version * 10).model_copy(update={"space": space})
            for version, space in named
        ),
    )
    set_params(line, {"hub.endpoint": "http://127.0.0.1:1"})
    text = "\n".join(releases.run(line, load(line)))
    for part in ("a (first)", "a (minor)", "b (major)", "unknown (unknown)"):
        assert part in text


def test_rollback_says_that_stored_vectors_can_stay_where_they_can(line: Path) -> None:
    from pipeline.embedding import vector_space

    one, other = receipt("v1"), receipt("v2")
    same = [each.model_copy(update={"space": "a"}) for each in (one, other)]
    assert vector_space.explain(*same) == "minor: the same vector space as v1 (a); stored vectors can stay"
    assert vector_space.explain(one, other).startswith("nobody knows whether the vector space is the same")


def test_hub_tags_survive_a_rollback_of_deployed(line: Path, api: HfApi) -> None:
    first, _ = two(line)
    back(line, "v1")
    deployed.run(line, load(line), "v3")
    assert tags(api)["deployed"] == Hub(load(line).hub).branches_and_tags(REPO, "model")[1]["v3"]
    assert first.commit in commits(api)
