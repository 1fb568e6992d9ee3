"""Everything that can be known to be wrong before the first step starts."""

import os
import shutil
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from pipeline.commands import check
from pipeline.errors import (
    HubDenied,
    HubNotFound,
    HubUnreachable,
    InvalidData,
    InvalidParams,
    InvalidWorkspace,
    PipelineError,
    ReleaseRefused,
)
from pipeline.isolated import mteb_process
from pipeline.params import load
from pipeline.records import RepoRef
from pipeline.workspace import paths, receipts
from tests.conftest import Make, Stage
from tests.support import workspaces
from tests.support.records import put, receipt
from tests.support.workspaces import git, set_params


@pytest.fixture
def folder(writer: Stage, make_workspace: Make) -> Path:
    workspaces.forget(writer.endpoint, "tester/tuned")
    return make_workspace(dvc=False)


def refusal(folder: Path, kind: type[PipelineError]) -> str:
    with pytest.raises(kind) as caught:
        check.run(folder, load(folder))
    return str(caught.value)


def test_check_says_what_it_found(folder: Path, writer: Stage) -> None:
    found = check.run(folder, load(folder))
    names = ["params", "stages", "ledger", "git", "disk", "cache", "temporary files", "versions", "device"]
    names += ["client", "hub", "token", "dataset", "base", "live", "release", "card", "room"]
    names.append("backup")
    assert list(found) == names
    assert found["params"] == "tester/tiny on tester/triplets, to tester/tuned"
    assert found["stages"] == "pin, audit, train, evaluate, gate, card"
    assert found["ledger"] == "0 groups are held out"
    assert found["git"] == f"code is commit {git(folder, 'rev-parse', 'HEAD')[:12]}"
    assert found["token"] == "tester, may write"
    assert (found["dataset"], found["base"]) == (writer.dataset, writer.base)
    assert found["live"] == "nothing was released from here yet: the next candidate is a first release"
    assert found["release"] == "tester/tuned will be created"
    assert workspaces.TOKEN not in str(found)


def test_check_says_what_candidates_are_compared_with_and_the_next_command(folder: Path) -> None:
    params = load(folder)
    made = receipt("v1", repo="tester/tuned", commit="1" * 40).model_copy(
        update={
            "ingredients": receipts.ingredients(params),
            "dataset": RepoRef(repo=params.dataset.repo, revision=params.dataset.revision),
        }
    )
    put(folder, made)
    standing = "v1 of tester/tuned is the newest release (commit 111111111111)"
    assert check.run(folder, params)["live"] == (
        f"{standing}; nothing to compare, because the candidate is v1's"
    )
    set_params(folder, {"train.seed": 3})
    said = check.run(folder, load(folder))["live"]
    assert said.startswith(f"{standing}, and live.revision is null; wanted")
    assert said.endswith("run `katman refresh`")
    set_params(folder, {"live.revision": "1" * 40})
    assert check.run(folder, load(folder))["live"] == f"{standing}, and candidates are compared with it"


def test_check_names_a_language_that_was_taken_out(folder: Path) -> None:
    (folder / paths.LEDGER).write_text(f"{'0' * 16} test {'a' * 40} tr\n", encoding="utf-8")
    assert check.run(folder, load(folder))["ledger"] == "1 groups are held out"
    set_params(folder, {"dataset.languages": ["en"]})
    assert "Set dataset.languages to ['tr', 'en']" in refusal(folder, PipelineError)


def test_check_writes_nothing(folder: Path) -> None:
    check.run(folder, load(folder))
    assert git(folder, "status", "--porcelain") == ""


def test_check_lets_steps_have_rewritten_what_is_theirs(folder: Path) -> None:
    set_params(folder, {"hardware.threads": 2})
    (folder / "records").mkdir()
    (folder / "records" / "pin.json").write_text("{}")
    check.run(folder, load(folder))


def test_check_names_code_that_differs_from_the_commit(folder: Path) -> None:
    with (folder / "pipeline/stages/gate/step.py").open("a") as file:
        file.write("#\n")
    (folder / "dvc.yaml").write_text(
        (folder / "dvc.yaml").read_text(encoding="utf-8") + "#\n", encoding="utf-8"
    )
    message = refusal(folder, InvalidWorkspace)
    assert message.startswith("git: dvc.yaml, pipeline/stages/gate/step.py differ from commit")
    assert "commit or revert them" in message


def test_check_names_a_workspace_without_a_commit(folder: Path) -> None:
    git(folder, "update-ref", "-d", "HEAD")
    assert "has no git commit; wanted one" in refusal(folder, InvalidWorkspace)


def test_check_names_a_git_that_does_not_know_who_commits(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(folder, "config", "--unset", "user.email")
    git(folder, "config", "user.useConfigOnly", "true")
    for name in ("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL", "EMAIL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    assert "git does not know who commits here" in refusal(folder, InvalidWorkspace)


def test_check_names_a_stage_that_is_missing(folder: Path) -> None:
    text = (folder / "dvc.yaml").read_text(encoding="utf-8")
    (folder / "dvc.yaml").write_text(text.replace("  gate:\n", "  goat:\n"), encoding="utf-8")
    assert "stages: " in refusal(folder, InvalidWorkspace)


def test_check_names_a_line_of_the_ledger_that_is_none(folder: Path) -> None:
    (folder / "splits.ledger").write_text("=======\n", encoding="utf-8")
    assert refusal(folder, InvalidData).startswith("ledger: line 1 of")


def test_check_looks_for_the_sets_that_params_name(folder: Path, writer: Stage) -> None:
    files = {"corpus": "c.tsv", "queries": "q.tsv", "qrels": "r.tsv"}
    own = {"repo": "tester/triplets", "revision": writer.dataset, **files}
    probe = {"kind": "retrieval", "repo": "tester/none", "revision": "0" * 40, **files}
    set_params(folder, {"retrieval": own})
    assert check.run(folder, load(folder))["retrieval"] == writer.dataset
    set_params(folder, {"probes": {"far": probe}})
    assert refusal(folder, HubNotFound).startswith("probes.far: could not look at dataset tester/none")


def test_check_refuses_a_base_by_its_small_files(folder: Path, writer: Stage, tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text('{"base_model_name_or_path": "tester/tiny"}')
    (tmp_path / "adapter_model.safetensors").write_bytes(b"x")
    commit = workspaces.put(writer.endpoint, "tester/adapter", "model", tmp_path)
    set_params(folder, {"base.repo": "tester/adapter", "base.revision": commit})
    assert refusal(folder, InvalidData).startswith("base: model tester/adapter is an adapter")
    splade = tmp_path / "splade"
    splade.mkdir()
    (splade / "config.json").write_text('{"architectures": ["BertForMaskedLM"]}')
    (splade / "README.md").write_text("---\ntags: [splade]\n---\n")
    commit = workspaces.put(writer.endpoint, "tester/words", "model", splade)
    set_params(folder, {"base.repo": "tester/words", "base.revision": commit})
    assert refusal(folder, InvalidData).startswith("base: model tester/words is a sparse encoder (splade)")
    (tmp_path / "adapter_config.json").write_text("{")
    commit = workspaces.put(writer.endpoint, "tester/adapter", "model", tmp_path)
    set_params(folder, {"base.repo": "tester/adapter", "base.revision": commit})
    assert refusal(folder, InvalidData).startswith(
        "base: adapter_config.json of model tester/adapter is no JSON"
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model.max_seq_length": 65}, "base: model.max_seq_length is 65 and tester/tiny has 64 positions"),
        (
            {"model.dims": [64, 16], "gate.floors": {64: 0.0, 16: 0.0}},
            "base: model.dims asks for 64 dimensions and tester/tiny has 32",
        ),
    ],
)
def test_check_refuses_a_recipe_that_asks_for_more_than_the_base_has(
    folder: Path, changes: dict[str, object], said: str
) -> None:
    set_params(folder, changes)
    assert refusal(folder, InvalidParams).startswith(said)


def test_check_names_a_disk_that_is_too_small(folder: Path) -> None:
    set_params(folder, {"hardware.min_free_disk_bytes": 10**18})
    message = refusal(folder, InvalidWorkspace)
    assert message.startswith("disk: ")
    assert "wanted 1000000000.0 (hardware.min_free_disk_bytes). Free some, or lower it" in message


def test_check_names_a_missing_token(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    assert refusal(folder, HubDenied).startswith("token: no token was found; wanted one that may write")


def test_check_names_a_token_that_may_only_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", workspaces.READ_TOKEN)
    assert refusal(folder, HubDenied).startswith(
        "token: the token of tester may only read; wanted one that may"
    )


def test_check_lets_a_first_release_make_a_namespace_on_a_localhub(folder: Path) -> None:
    # A localhub lets everybody write everywhere, so it names no memberships: the Hub itself does.
    set_params(folder, {"release.repo": "nobody/tuned"})
    assert check.run(folder, load(folder))["release"] == "nobody/tuned will be created"


def test_check_names_a_model_that_was_released_by_hand(folder: Path, api: HfApi) -> None:
    api.create_repo("tester/tuned")
    head = api.upload_file(path_or_fileobj=b"{}", path_in_repo="config.json", repo_id="tester/tuned").oid
    said = refusal(folder, ReleaseRefused)
    assert said.startswith(f"release: main of tester/tuned is {head[:12]}, which no receipt here names")
    assert f"`katman adopt tester/tuned@{head}`" in said


def test_check_lets_the_readme_be_that_the_hub_itself_writes(folder: Path, api: HfApi) -> None:
    api.create_repo("tester/tuned")

    def write(readme: bytes) -> None:
        api.upload_file(path_or_fileobj=readme, path_in_repo="README.md", repo_id="tester/tuned")

    write(b"---\nlicense: mit\n---\n")
    assert check.run(folder, load(folder))["release"] == "tester/tuned exists"
    write(b"---\nlicense: mit\n---\n# My model\n")
    assert "which no receipt here names" in refusal(folder, ReleaseRefused)


def test_check_has_the_hub_look_at_the_metadata_of_the_card(folder: Path) -> None:
    set_params(folder, {"model.license": "Apache 2.0", "model.language": ["Turkish"]})
    said = refusal(folder, InvalidParams)
    assert said.startswith("card: the Hub would refuse a card with the licence 'Apache 2.0'")
    assert '"license" must be one of' in said
    assert '"language" must only contain' in said
    assert "as apache-2.0, and a language is a code, as tr" in said


def test_check_names_other_libraries_than_those_that_params_name(folder: Path) -> None:
    set_params(folder, {"train.versions.torch": "0.0.1"})
    assert refusal(folder, InvalidParams).startswith("versions: train.versions.torch is 0.0.1 and ")


def test_check_says_how_much_disk_each_step_takes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ": pin " in check.run(folder, load(folder))["room"]
    full = shutil._ntuple_diskusage(10**6, 10**6, 0)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: full)
    said = refusal(folder, InvalidWorkspace)
    assert said.startswith("room: the steps take up about ")
    assert "0 B are free" in said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"dataset.repo": "tester/none"}, "dataset: could not look at dataset tester/none"),
        ({"base.repo": "tester/none"}, "base: could not look at model tester/none"),
        ({"base.revision": "0" * 40}, "base: could not look at model tester/tiny at 0000"),
    ],
)
def test_check_names_what_the_hub_does_not_have(folder: Path, changes: dict[str, object], said: str) -> None:
    set_params(folder, changes)
    assert refusal(folder, HubNotFound).startswith(said)


def test_check_asks_a_hub_that_is_down_once_and_no_more(folder: Path) -> None:
    asked = []

    class Busy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(503)

        def log_message(self, *arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Busy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        set_params(folder, {"hub.endpoint": f"http://127.0.0.1:{server.server_port}"})
        with pytest.raises(HubUnreachable) as caught:
            check.run(folder, load(folder))
        server.shutdown()
    assert len(asked) == 1, asked
    assert str(caught.value).startswith("hub: could not look at dataset tester/triplets at ")
    assert "\n" not in str(caught.value)
    assert caught.value.passing
    # Beside what no second try takes away, none is worth it.
    set_params(folder, {"hub.endpoint": "http://127.0.0.1:1", "hardware.min_free_disk_bytes": 10**18})
    said = refusal(folder, InvalidWorkspace)
    assert said.startswith("disk: ")
    assert "\n  hub: could not look at dataset" in said


def test_check_lists_all_faults_at_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", workspaces.READ_TOKEN)
    set_params(
        folder,
        {"hardware.min_free_disk_bytes": 10**18, "base.repo": "tester/none", "dataset.revision": "0" * 40},
    )
    (folder / "pipeline/stages/gate/step.py").write_text("")
    message = refusal(folder, PipelineError)
    starts = [line.strip().split(":")[0] for line in message.split("\n")]
    assert starts == ["git", "disk", "token", "dataset", "base"]


def probe(task: str) -> dict[str, object]:
    return {"kind": "mteb", "task": task, "repo": "tester/none", "revision": "0" * 40}


def test_check_says_what_to_install_where_mteb_is_missing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mteb_process, "version", lambda name: "1.38.9")
    set_params(folder, {"probes": {"sts": probe("STSBenchmark"), "more": probe("STS17")}})
    message = refusal(folder, InvalidWorkspace)
    assert message.startswith("mteb: params.yaml has a probe of kind mteb, and of mteb 1.38.9 is installed; ")
    assert message.count("-m pip install 'mteb>=2.26,<3'`, or take the probe out") == 1


def test_check_says_what_to_install_where_the_tracker_is_missing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "trackio", None)
    set_params(folder, {"tracking": {"kind": "trackio", "project": "x", "uri": None}})
    message = refusal(folder, InvalidWorkspace)
    assert message.startswith("tracking: tracking.kind is trackio, and its library is not here")


@pytest.mark.usefixtures("mteb_runs")
def test_check_asks_mteb_for_the_tasks_and_the_hub_for_their_data_sets(folder: Path, writer: Stage) -> None:
    set_params(folder, {"probes": {"sts": probe("STSbenchmark")}})
    assert "no task of mteb 2" in refusal(folder, InvalidParams)
    set_params(folder, {"probes": {"sts": probe("STSBenchmark")}})
    assert refusal(folder, HubNotFound).startswith("probes.sts: could not look at dataset tester/none")
    own = {"probes.sts.repo": "tester/triplets", "probes.sts.revision": writer.dataset}
    set_params(folder, own)
    found = check.run(folder, load(folder))
    assert found["mteb"].endswith(" has STSBenchmark")
    assert found["probes.sts"].endswith("; mteb names mteb/stsbenchmark-sts for it")


def test_check_says_how_many_processes_train_together(folder: Path) -> None:
    set_params(folder, {"hardware.launch": {"processes": 2, "machines": 1, "rendezvous": None}})
    found = check.run(folder, load(folder))
    assert found["device"].endswith("; 2 processes on each of 1 machines")
