"""One commit, verified, tagged, with a receipt; or nothing at all."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
from huggingface_hub import CommitOperationAdd, HfApi, snapshot_download
from huggingface_hub.errors import GatedRepoError

from pipeline.commands import approve
from pipeline.errors import (
    BrokenChain,
    HubDenied,
    InvalidWorkspace,
    PipelineError,
    ReleaseRefused,
    WaitsForPerson,
)
from pipeline.hub import Hub
from pipeline.params import load
from pipeline.publishing import release_tree, unsafe_files
from pipeline.records import Card, Metrics, Pin, Receipt, RepoRef, Verdict
from pipeline.workspace import digests, lineage, paths, receipts
from pipeline.workspace import git as code
from tests.conftest import Stage
from tests.support import sealed, workspaces
from tests.support.releasing import REPO, commits, refusal, run, second, tags, waiting
from tests.support.workspaces import git, set_params


@pytest.fixture
def line(ready: Path) -> Path:
    return ready


def test_release_makes_one_commit_a_tag_and_a_receipt(line: Path, api: HfApi, tmp_path: Path) -> None:
    code_before = git(line, "rev-parse", "HEAD").strip()
    receipt, before = run(line)
    assert not before
    first = commits(api)[1]
    assert commits(api) == [receipt.commit, first]
    assert receipt.parent == first
    assert tags(api) == {"v1": receipt.commit}

    path = line / "receipts" / f"{receipt.commit}.json"
    assert Receipt.model_validate_json(path.read_text(encoding="utf-8")) == receipt
    params = load(line)
    assert (receipt.repo, receipt.version, receipt.released_by) == (REPO, "v1", "tester")
    assert receipt.candidate == digests.digest(line / "model")
    assert receipt.dataset == RepoRef(repo="tester/triplets", revision=params.dataset.revision)
    assert receipt.base == RepoRef(repo="tester/tiny", revision=params.base.revision)
    assert receipt.records == {path: digests.sha256(line / path) for path in paths.RECORDS.values()}
    assert receipt.dvc_lock == digests.sha256(line / "dvc.lock")
    assert (receipt.recipe, receipt.recipe_version) == (receipts.recipe(params), params.train.recipe_version)
    assert (receipt.anchor, receipt.space) == (receipt.commit, receipt.candidate[:12])
    assert receipt.approval is None
    assert workspaces.TOKEN not in path.read_text(encoding="utf-8")

    assert git(line, "rev-parse", "HEAD~1").strip() == code_before
    assert git(line, "show", "--name-only", "--format=%s").split("\n")[:3] == [
        f"Release v1 of {REPO}",
        "",
        f"receipts/{receipt.commit}.json",
    ]
    assert git(line, "status", "--porcelain") == ""

    folder = Path(snapshot_download(REPO, revision="v1", endpoint=api.endpoint, cache_dir=tmp_path / "empty"))
    wanted = digests.files(line / "model") | digests.files(line / "card")
    found = {name: one for name, one in digests.files(folder).items() if name != ".gitattributes"}
    assert receipt.files == found
    assert found.keys() - wanted.keys() == {"provenance.json"}
    assert wanted.items() <= found.items()
    assert waiting(api) == []


def test_release_again_says_so_and_makes_no_commit(line: Path, api: HfApi) -> None:
    first, _ = run(line)
    head, standing = git(line, "rev-parse", "HEAD"), commits(api)
    assert run(line) == (first, True)
    assert (git(line, "rev-parse", "HEAD"), commits(api)) == (head, standing)
    assert len(list((line / "receipts").iterdir())) == 1


def test_release_can_be_loaded_by_a_user(line: Path, writer: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants
    from sentence_transformers import SentenceTransformer

    run(line)
    folder = snapshot_download(REPO, revision="v1", endpoint=writer.endpoint)
    model = SentenceTransformer(folder, device="cpu", truncate_dim=16)
    assert model.encode_query(["fatura var"]).shape == (1, 16)
    assert constants.HF_HUB_CACHE in folder


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        ("failed", "Refused"),
        ("underpowered", "Undecided"),
        ("not_comparable", "Not comparable"),
        ("test_spent", "Test rows spent"),
    ],
)
def test_release_refuses_what_the_gate_refused(line: Path, api: HfApi, outcome: str, said: str) -> None:
    checks = {
        "floor_32": {"value": 0.25, "rule": ">=", "wanted": 1.0, "passed": False},
        "floor_4": {"value": 0.25, "rule": ">=", "wanted": 0.0, "passed": True},
    }
    sealed.seal(line, passed=False, outcome=outcome, checks=checks)
    message = refusal(line, ReleaseRefused)
    found = "triplet accuracy at 32: 0.2500, wanted at least 1"
    for part in (f"{said}: {found}. Train a better candidate.", f"\n  {found}\n", "docs/gate.md#floors"):
        assert part in message
    assert "accuracy at 4:" not in message, "it passed"
    assert not api.repo_exists(REPO)
    assert not (line / "receipts").exists()


def change_model(folder: Path) -> None:
    path = folder / "model" / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def pass_by_hand(folder: Path) -> None:
    path = folder / paths.RECORDS["gate"]
    path.write_text(path.read_text(encoding="utf-8").replace('"passed": true', '"passed":  true'))


def retitle(folder: Path) -> None:
    path = folder / paths.RECORDS["card"]
    path.write_text(path.read_text(encoding="utf-8").replace('"v1"', '"v9"'))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (change_model, "model has sha256"),
        (pass_by_hand, "records/verdict.json has sha256"),
        (retitle, "records/card.json is not the one that dvc.lock holds"),
        (lambda folder: (folder / "card" / "README.md").write_text("Mine"), "card has sha256"),
        (lambda folder: (folder / "dvc.lock").unlink(), "dvc.lock is missing"),
        (lambda folder: (folder / paths.RECORDS["gate"]).unlink(), "verdict.json is missing"),
        (lambda folder: (folder / paths.RECORDS["pin"]).unlink(), "pin.json is missing"),
        (lambda folder: set_params(folder, {"train.seed": 1}), "params.yaml was changed after `train` ran"),
        (lambda folder: (folder / "model" / "more.json").write_text("{}"), "model has sha256"),
    ],
)
def test_release_of_what_was_not_judged_leaves_the_hub_untouched(
    line: Path, api: HfApi, change: Callable[[Path], object], named: str
) -> None:
    change(line)
    message = refusal(line, BrokenChain)
    assert named in message
    assert "dvc repro" in message
    assert not api.repo_exists(REPO)
    assert not (line / "receipts").exists()


@pytest.mark.parametrize(
    "name", ["pytorch_model.bin", "inner/training_args.bin", "optimizer.pt", "x.ckpt", "x.pkl"]
)
def test_release_refuses_a_pickle_in_the_model(line: Path, api: HfApi, name: str) -> None:
    (line / "model" / name).parent.mkdir(exist_ok=True)
    (line / "model" / name).write_bytes(b"pickle")
    with pytest.raises(ReleaseRefused, match="can run code when loaded; wanted safetensors weights, "):
        unsafe_files.refuse_unsafe(release_tree.contents(line))
    if name == "optimizer.pt":
        sealed.seal(line)
        assert "optimizer.pt can run code" in refusal(line, ReleaseRefused)
        assert not api.repo_exists(REPO)


def test_release_refuses_a_file_that_model_and_card_both_have(line: Path) -> None:
    (line / "model" / "README.md").write_text("x")
    with pytest.raises(ReleaseRefused, match=r"README.md stands in model/ and in card/"):
        release_tree.contents(line)


def test_release_refuses_to_overwrite_a_strangers_commit(line: Path, api: HfApi) -> None:
    api.create_repo(REPO)
    stranger = api.create_commit(REPO, [CommitOperationAdd("theirs.txt", b"x")], commit_message="Mine").oid
    message = refusal(line, ReleaseRefused)
    assert f"main of {REPO} is {stranger[:12]}, which no receipt here names" in message
    assert commits(api)[0] == stranger
    assert tags(api) == {}


def test_release_refuses_a_strangers_commit_on_top_of_ours(line: Path, api: HfApi) -> None:
    run(line)
    stranger = api.create_commit(REPO, [CommitOperationAdd("theirs.txt", b"x")], commit_message="Mine").oid
    second(line)
    assert "which no receipt here names" in refusal(line, ReleaseRefused)
    assert commits(api)[0] == stranger


def test_release_takes_an_empty_repository(line: Path, api: HfApi) -> None:
    api.create_repo(REPO, private=True)
    (empty,) = commits(api)
    receipt, _ = run(line)
    assert receipt.parent == empty
    assert api.model_info(REPO).private


def test_release_refuses_a_version_that_is_taken(line: Path, api: HfApi) -> None:
    api.create_repo(REPO)
    api.create_tag(REPO, tag="v1")
    standing = commits(api)
    message = refusal(line, ReleaseRefused)
    assert f"{REPO} has a tag v1 at {standing[0][:12]} already; wanted it free" in message
    assert commits(api) == standing


def test_release_stops_where_somebody_commits_meanwhile(
    line: Path, api: HfApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_ = Hub.open_pull_request
    strangers: list[str] = []

    def late(self: Hub, *arguments: object, **options: object) -> None:
        one = api.create_commit(REPO, [CommitOperationAdd("theirs.txt", b"x")], commit_message="Mine")
        strangers.append(one.oid)
        open_(self, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Hub, "open_pull_request", late)
    assert "omebody else committed meanwhile" in refusal(line, PipelineError)
    assert waiting(api) == []
    assert commits(api)[0] == strangers[0]
    assert tags(api) == {}
    assert not (line / "receipts").exists()


def test_release_of_a_second_version_deletes_what_the_first_left(line: Path, api: HfApi) -> None:
    (line / "model" / "old.json").write_text("{}")
    (line / "model" / "inner").mkdir()
    (line / "model" / "inner" / "old.json").write_text("{}")
    sealed.seal(line)
    first, _ = run(line)
    assert {"old.json", "inner/old.json"} <= set(api.list_repo_files(REPO))

    (line / "model" / "old.json").unlink()
    shutil.rmtree(line / "model" / "inner")
    second(line)
    receipt, before = run(line)
    assert not before
    assert (receipt.version, receipt.parent) == ("v2", first.commit)
    assert commits(api)[:2] == [receipt.commit, first.commit]
    assert tags(api) == {"v1": first.commit, "v2": receipt.commit}
    assert set(api.list_repo_files(REPO)) - {".gitattributes"} == set(receipt.files)
    assert not {"old.json", "inner/old.json"} & set(receipt.files)
    assert "**Version:** v2" in (line / "card" / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("tagged", [True, False])
def test_release_cut_off_behind_its_commit_goes_on_to_the_same_commit(
    line: Path, api: HfApi, tagged: bool
) -> None:
    first, _ = run(line)
    standing = commits(api)
    (line / "receipts" / f"{first.commit}.json").unlink()
    git(line, "reset", "--quiet", "--hard", "HEAD~1")
    if not tagged:
        api.delete_tag(REPO, tag="v1")
    second, before = run(line)
    assert not before
    assert second.commit == first.commit
    assert commits(api) == standing
    assert tags(api) == {"v1": first.commit}
    assert (line / "receipts" / f"{first.commit}.json").exists()
    assert git(line, "status", "--porcelain") == ""


def test_release_whose_tag_fails_leaves_no_receipt_and_goes_on(
    line: Path, api: HfApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Hub, *arguments: object) -> None:
        raise HubDenied("no")

    with monkeypatch.context() as patch:
        patch.setattr(Hub, "tag", fail)
        refusal(line, HubDenied)
    assert not (line / "receipts").exists()
    (head, _) = commits(api)
    receipt, _ = run(line)
    assert receipt.commit == head
    assert tags(api) == {"v1": head}


def test_release_refuses_a_tag_that_was_set_elsewhere_after_a_cut(line: Path, api: HfApi) -> None:
    first, _ = run(line)
    (line / "receipts" / f"{first.commit}.json").unlink()
    api.delete_tag(REPO, tag="v1")
    api.create_tag(REPO, tag="v1", revision=first.parent)
    assert "the tag v1 of" in refusal(line, ReleaseRefused)
    assert not list((line / "receipts").iterdir())


def test_release_cut_off_behind_its_receipt_commits_it_to_git(
    line: Path, api: HfApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = code.commit

    def fail(folder: Path, message: str) -> str | None:
        if message.startswith("Release"):
            raise InvalidWorkspace("who are you?")
        return whole(folder, message)

    with monkeypatch.context() as patch:
        patch.setattr(code, "commit", fail)
        refusal(line, InvalidWorkspace)
    standing = commits(api)
    receipt, before = run(line)
    assert before
    assert commits(api) == standing
    assert code.holds(line, f"receipts/{receipt.commit}.json")
    assert git(line, "status", "--porcelain") == ""


def test_release_killed_while_it_wrote_its_receipt_leaves_nothing_of_it(line: Path) -> None:
    receipt, _ = run(line)
    git(line, "reset", "--quiet", "--hard", "HEAD~1")
    for name in (receipt.commit, "f" * 40):
        (line / "receipts").mkdir(exist_ok=True)
        (line / "receipts" / f".{name}.json.abc").write_text("{")
    again, before = run(line)
    assert (again.commit, before) == (receipt.commit, False)
    kept = git(line, "ls-files", "receipts").split()
    assert kept == [f"receipts/{receipt.commit}.json"]
    assert not (line / "receipts" / f".{receipt.commit}.json.abc").exists()


def test_release_says_what_stands_on_the_hub_where_git_refuses_the_receipt(line: Path, api: HfApi) -> None:
    hook = line / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(
        "#!/bin/sh\n! git diff --cached --name-only | grep receipts/ || { echo 'not here' >&2; exit 1; }\n"
    )
    hook.chmod(0o755)
    said = refusal(line, InvalidWorkspace)
    assert said.startswith(f"v1 of {REPO} stands on the Hub at {commits(api)[0]}, and its receipt receipts/")
    assert "not here" in said
    hook.unlink()
    receipt, before = run(line)
    assert before
    assert code.holds(line, f"receipts/{receipt.commit}.json")


def test_release_names_bytes_that_came_back_changed(
    line: Path, api: HfApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    download = Hub.download

    def damaged(self: Hub, *arguments: object, **options: object) -> object:
        folder, listed = download(self, *arguments, **options)  # type: ignore[arg-type]
        path = folder / "config.json"
        path.write_bytes(path.read_bytes() + b" ")
        return folder, listed

    monkeypatch.setattr(Hub, "download", damaged)
    assert "config.json came back from" in refusal(line, BrokenChain)
    assert tags(api) == {}
    assert not (line / "receipts").exists()


def test_release_needs_a_token_that_may_write(
    line: Path, api: HfApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", workspaces.READ_TOKEN)
    assert "the token of tester may only read; wanted one that may write" in refusal(line, HubDenied)
    monkeypatch.delenv("HF_TOKEN")
    assert "no token was found" in refusal(line, HubDenied)
    assert not api.repo_exists(REPO)


def test_release_can_be_private(line: Path, api: HfApi) -> None:
    set_params(line, {"release.private": True})
    run(line)
    assert api.model_info(REPO).private
    assert not HfApi(endpoint=api.endpoint, token=False).repo_exists(REPO)


def test_release_keeps_a_private_repository_private(line: Path, api: HfApi) -> None:
    api.create_repo(REPO, private=True)
    run(line)
    assert api.model_info(REPO).private


def test_release_refuses_a_public_repository_where_a_private_one_is_wanted(line: Path, api: HfApi) -> None:
    api.create_repo(REPO)
    set_params(line, {"release.private": True})
    message = refusal(line, ReleaseRefused)
    assert f"{REPO} is public and release.private is true; wanted it private" in message
    assert (len(commits(api)), waiting(api), tags(api)) == (1, [], {})


@pytest.mark.parametrize("gated", ["auto", "manual"])
def test_release_into_a_gated_repository_leaves_it_gated(
    line: Path, api: HfApi, gated: Literal["auto", "manual"]
) -> None:
    api.create_repo(REPO)
    api.update_repo_settings(REPO, gated=gated)
    receipt, _ = run(line)
    second(line)
    after, _ = run(line)
    assert (after.parent, after.version) == (receipt.commit, "v2")
    assert api.model_info(REPO).gated == gated
    stranger = HfApi(endpoint=api.endpoint, token=False)
    with pytest.raises(GatedRepoError):
        stranger.hf_hub_download(REPO, "model.safetensors", revision="v2")


def test_release_into_an_organizations_namespace(line: Path, api: HfApi) -> None:
    theirs = "ekip/arama"
    workspaces.forget(api.endpoint, theirs)
    set_params(line, {"release.repo": theirs, "live.repo": theirs})
    sealed.seal(line)
    receipt, _ = run(line)
    assert receipt.repo == theirs
    assert [(tag.name, tag.target_commit) for tag in api.list_repo_refs(theirs).tags] == [
        ("v1", receipt.commit)
    ]
    assert not api.repo_exists(REPO)


def test_release_puts_nothing_into_a_public_repository_that_somebody_made_meanwhile(
    line: Path, api: HfApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_params(line, {"release.private": True})
    create = Hub.create_repo

    def late(self: Hub, repo: str, *, private: bool) -> None:
        api.create_repo(repo)
        create(self, repo, private=private)

    monkeypatch.setattr(Hub, "create_repo", late)
    assert f"{REPO} is public and release.private is true" in refusal(line, ReleaseRefused)
    assert waiting(api) == []
    assert len(commits(api)) == 1


@pytest.mark.parametrize(
    ("rows", "data_is_private", "private", "refused"),
    [
        ("all", True, False, True),
        ("none", True, False, False),
        ("all", False, False, False),
        ("all", True, True, False),
        ("approved", True, False, True),
        (None, True, False, False),  # none, where the data set is private
        (None, False, False, False),
    ],
)
def test_release_shows_no_rows_of_a_private_data_set_to_everybody(
    line: Path, api: HfApi, rows: str | None, data_is_private: bool, private: bool, refused: bool
) -> None:
    set_params(line, {"card.rows": rows, "release.private": private, "card.domain": "phones"})
    sealed.seal(line)
    path = line / paths.RECORDS["pin"]
    pinned = Pin.load(path)
    lineage.seal(
        line,
        lineage.opened(line, "pin"),
        pinned.model_copy(
            update={
                "dataset": pinned.dataset.model_copy(update={"private": data_is_private, "license": "mit"})
            }
        ),
    )
    for name, kind in (("evaluate", Metrics), ("gate", Verdict), ("card", Card)):
        lineage.seal(line, lineage.opened(line, name), kind.load(line / paths.RECORDS[name]))
    workspaces.commit(line)
    if refused:
        message = refusal(line, ReleaseRefused)
        assert "rows of it would be shown to everybody" in message
        assert not api.repo_exists(REPO)
    else:
        run(line)


def test_release_refuses_a_card_of_another_version(line: Path, api: HfApi) -> None:
    run(line)
    second(line)
    found, _ = run(line)
    (line / "model" / "more.json").write_text("[]")
    sealed.seal(line)
    (line / "receipts" / f"{found.commit}.json").unlink()
    message = refusal(line, ReleaseRefused)
    assert "the card is for v3; wanted v2, the version that comes next in receipts/" in message
    assert "dvc repro --force --single-item card" in message


def test_release_writes_provenance_and_signature_itself(line: Path) -> None:
    for name in ("provenance.json", "model.sig"):
        (line / "model" / name).write_text("{}")
        with pytest.raises(ReleaseRefused, match=f"{name} stands in model/ or card/"):
            release_tree.contents(line)
        (line / "model" / name).unlink()


def test_release_commits_only_what_steps_wrote(line: Path) -> None:
    (line / "notes.txt").write_text("mine")
    with (line / "Makefile").open("a") as file:
        file.write("# mine\n")
    git(line, "add", "notes.txt")
    run(line)
    assert sorted(git(line, "status", "--porcelain").split("\n")[:-1]) == [" M Makefile", "A  notes.txt"]


def test_release_commits_what_it_rests_on_before_the_push_and_the_receipt_behind_it(
    line: Path, api: HfApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = git(line, "rev-parse", "HEAD").strip()
    set_params(line, {"hub.retries": 1})
    (line / "notes.txt").write_text("mine")
    git(line, "add", "notes.txt")
    create = Hub.create_repo

    def look(self: Hub, repo: str, *, private: bool) -> None:
        candidate = digests.digest(line / "model")
        assert git(line, "log", "--format=%s", "-1").strip() == (
            f"Candidate {candidate[:12]}, judged to be v1 of {REPO}"
        )
        changed = git(line, "diff", "--name-only", before, "HEAD").split()
        assert changed == ["params.yaml"]
        create(self, repo, private=private)

    monkeypatch.setattr(Hub, "create_repo", look)
    receipt, _ = run(line)
    assert git(line, "diff", "--name-only", "HEAD~1", "HEAD").split() == [f"receipts/{receipt.commit}.json"]
    assert git(line, "rev-parse", "HEAD~2").strip() == before
    assert git(line, "status", "--porcelain") == "A  notes.txt\n"


def test_release_verdict_that_is_edited_to_a_yes_is_noticed(line: Path, api: HfApi) -> None:
    sealed.seal(line, passed=False, outcome="failed")
    path = line / paths.RECORDS["gate"]
    path.write_text(path.read_text(encoding="utf-8") + " ", encoding="utf-8")
    path = line / paths.RECORDS["gate"]
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(content | {"passed": True}), encoding="utf-8")
    assert Verdict.load(path).passed
    assert "records/verdict.json" in refusal(line, BrokenChain)
    assert not api.repo_exists(REPO)


def test_code_holds_only_what_is_committed(line: Path) -> None:
    (line / "receipts").mkdir()
    (line / "receipts" / "a.json").write_text("{}")
    assert not code.holds(line, "receipts/a.json")
    git(line, "add", "receipts")
    assert not code.holds(line, "receipts/a.json")
    assert code.commit(line, "Keep") == git(line, "rev-parse", "HEAD").strip()
    assert code.holds(line, "receipts/a.json")
    assert code.commit(line, "Nothing") is None
    subprocess.run(["git", "config", "--unset", "user.email"], cwd=line, check=True)


# --- what the next candidate is compared with, and what waits for a person ---------------------------------


@pytest.mark.parametrize("better", [True, False])
def test_release_hands_the_anchor_on_until_a_better_one_comes(line: Path, better: bool) -> None:
    first, _ = run(line)
    second(line, {"anchor.revision": first.commit, "live.revision": first.commit}, better_than_anchor=better)
    receipt, _ = run(line)
    assert receipt.commit != first.commit
    assert receipt.anchor == (receipt.commit if better else first.commit)
    assert receipt.live == RepoRef(repo=REPO, revision=first.commit)


def test_release_without_an_anchor_becomes_it(line: Path) -> None:
    run(line)
    second(line, better_than_anchor=False)
    receipt, _ = run(line)
    assert receipt.anchor == receipt.commit


def test_release_of_a_new_vector_space_waits_for_a_person(line: Path, api: HfApi) -> None:
    sealed.seal(line, needs_human=True)
    message = refusal(line, WaitsForPerson)
    candidate = digests.digest(line / "model")
    assert message.startswith(
        f"candidate {candidate[:12]} passed the gate and waits for a person: its vectors"
    )
    assert 'katman approve --name "WHO" --reason "WHY"' in message
    assert not api.repo_exists(REPO)

    said, approval, *_ = approve.run(line, load(line), " Ada ", "the index is rebuilt tonight")
    assert (said, approval.name, approval.reason) == (candidate, "Ada", "the index is rebuilt tonight")
    assert code.holds(line, f"approvals/{candidate}.json")
    assert git(line, "show", "--name-only", "--format=%s").split("\n")[:3] == [
        f"Approve candidate {candidate[:12]}",
        "",
        f"approvals/{candidate}.json",
    ]
    receipt, before = run(line)
    assert not before
    assert receipt.approval == approval


def test_release_takes_no_approval_of_another_candidate(line: Path) -> None:
    sealed.seal(line, needs_human=True)
    approve.run(line, load(line), "Ada", "yes")
    (line / "model" / "more.json").write_text("{}")
    sealed.seal(line, needs_human=True)
    refusal(line, WaitsForPerson)


@pytest.mark.parametrize("raised", [0, 1])
def test_release_of_a_change_of_code_alone_waits_for_a_person(line: Path, raised: int) -> None:
    first, _ = run(line)
    version = load(line).train.recipe_version + raised
    second(line, {"dataset.revision": first.dataset.revision, "train.recipe_version": version})
    message = refusal(line, WaitsForPerson)
    assert "waits for a person: nothing but code moved since v1" in message
    assert "a change of code alone is never released by a schedule" in message
    approve.run(line, load(line), "Ada", "a faster loss")
    receipt, _ = run(line)
    assert (receipt.version, receipt.approval is not None) == ("v2", True)
    assert receipt.recipe_version == version


@pytest.mark.parametrize(
    "change", [{"train.seed": 3}, {"dataset.revision": "c" * 40}, {"base.revision": "c" * 40}]
)
def test_release_of_anything_else_that_moved_asks_nobody(line: Path, change: dict[str, object]) -> None:
    first, _ = run(line)
    second(line, {"dataset.revision": first.dataset.revision, "train.recipe_version": 99} | change)
    receipt, _ = run(line)
    assert (receipt.version, receipt.approval) == ("v2", None)


def test_release_names_both_reasons_in_one_message(line: Path) -> None:
    first, _ = run(line)
    second(line, {"dataset.revision": first.dataset.revision}, needs_human=True)
    message = refusal(line, WaitsForPerson)
    assert message.count("waits for a person") == 1
    assert "; and nothing but code moved" in message


def test_release_again_asks_nobody(line: Path) -> None:
    # An unchanged workspace is a change of nothing, and its candidate stands released.
    first, _ = run(line)
    assert run(line) == (first, True)


def test_release_names_an_approval_that_is_none(line: Path) -> None:
    candidate = sealed.seal(line, needs_human=True)
    (line / "approvals").mkdir()
    (line / "approvals" / f"{candidate}.json").write_text('{"name": ""}')
    assert "is no approval" in refusal(line, BrokenChain)


def test_release_needs_the_name_of_the_vector_space(line: Path, api: HfApi) -> None:
    (line / "reembed.json").write_text("{}")
    lineage.seal(line, lineage.opened(line, "evaluate"), Metrics.load(line / paths.RECORDS["evaluate"]))
    lineage.seal(line, lineage.opened(line, "gate"), Verdict.load(line / paths.RECORDS["gate"]))
    lineage.seal(line, lineage.opened(line, "card"), Card.load(line / paths.RECORDS["card"]))
    workspaces.commit(line)
    assert "reembed.json does not name the vector space" in refusal(line, BrokenChain)
    assert not api.repo_exists(REPO)


def test_release_with_an_approval_that_nobody_asked_for_can_be_repeated(line: Path, api: HfApi) -> None:
    first, _ = run(line)
    (line / "receipts" / f"{first.commit}.json").unlink()
    git(line, "reset", "--quiet", "--hard", "HEAD~1")
    _, approval, *_ = approve.run(line, load(line), "Ada", "I like it")
    again, _ = run(line)
    assert (again.commit, again.files, again.approval) == (first.commit, first.files, approval)
    assert len(commits(api)) == 2


def test_release_says_in_the_pull_request_who_let_it_through(line: Path, api: HfApi) -> None:
    sealed.seal(line, needs_human=True)
    approve.run(line, load(line), "Ada", "the index is rebuilt tonight")
    receipt, _ = run(line)
    assert receipt.pull_request is not None
    text = str(api.get_discussion_details(REPO, receipt.pull_request).events[0])
    assert "approved by Ada (" in text
    assert "the index is rebuilt tonight" in text
