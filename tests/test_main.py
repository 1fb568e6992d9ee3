"""The steps as a user types them: one clear message, a telling exit code, nothing half-written."""

import ast
import inspect
import json
import shutil
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeGuard

import polars as pl
import pytest
from huggingface_hub import HfApi

from pipeline import __main__ as main
from pipeline.errors import ExitCode, HubUnreachable, PipelineError, WorkspaceHeld
from pipeline.records.failure import FAILURE_FILE, Failure, read
from pipeline.workspace import digests, lineage
from pipeline.workspace.files import write_text
from tests.conftest import Make, Stage
from tests.support import sealed, workspaces
from tests.support.imports import MODULES
from tests.support.releasing import REPO, second
from tests.support.workspaces import PROJECT, READ_TOKEN, set_params, triplets

# The verbs that need Prefect.
OF_FLOWS = {"flows.alerts", "flows.retrain", "flows.status", "flows.worker"}
Outcome = subprocess.CompletedProcess[str]


def descendants(kind: type[PipelineError]) -> list[type[PipelineError]]:
    """Every error below one, as `errors.py` draws them."""
    return [one for child in kind.__subclasses__() for one in (child, *descendants(child))]


def is_text(node: ast.AST) -> TypeGuard[ast.Constant]:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def said(outcome: Outcome, step: str, code: ExitCode = ExitCode.FAILED) -> str:
    """Give the one message of a step that refused, which must be the last that it wrote."""
    assert outcome.returncode == code, outcome.stderr
    assert "Traceback" not in outcome.stderr + outcome.stdout
    start = outcome.stderr.index(f"{step}: ")
    assert outcome.stderr.count(f"{step}: ") == 1
    # Before it only progress bars may stand.
    assert all(
        "%|" in one or "examples/s" in one or not one.strip() for one in outcome.stderr[:start].split("\n")
    )
    return outcome.stderr[start:]


class Room:
    """A workspace with an account on the Hub, in which steps are run as a user would."""

    def __init__(self, make: Make) -> None:
        self.make = make
        self.endpoint = make.stage.endpoint

    def run(self, step: str, changes: Mapping[str, Any], env: Mapping[str, str] | None = None) -> Outcome:
        self.folder = self.make(dict(changes), dvc=False)
        return workspaces.pipeline(self.folder, self.make.stage.env if env is None else env, step)

    def refused(self, step: str, changes: Mapping[str, Any], env: Mapping[str, str] | None = None) -> str:
        outcome = self.run(step, changes, env)
        assert not (self.folder / "records").exists()
        assert not (self.folder / "receipts").exists()
        return said(outcome, step)

    def data(self, change: Callable[[Path], object]) -> dict[str, object]:
        """Put a data set on the Hub, made of good splits and a change to them."""
        source = self.make.folder.parent / "data"
        workspaces.write_splits(
            source, {"train": triplets(6), "validation": triplets(3, 10), "test": triplets(3, 20)}
        )
        change(source)
        repo = f"tester/main-{self.make.folder.parent.name.lower().replace('_', '-')[-40:].strip('-')}"
        return {
            "dataset.repo": repo,
            "dataset.revision": workspaces.put(self.endpoint, repo, "dataset", source),
        }


# --- the table of steps ---


def test_main_names_the_steps_to_those_who_ask(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as caught:
        main.main(["--help"])
    assert caught.value.code == ExitCode.DONE
    shown = capsys.readouterr().out
    for step in main.STEPS:
        assert f"    {step.name:<9} {step.help}\n" in shown  # on one line


@pytest.mark.parametrize("given", [["deploy"], ["approve", "--name", "Ada"], ["check", "--work", "."]])
def test_main_ends_with_2_where_the_arguments_are_none_of_the_steps(
    given: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main.main(given)
    assert caught.value.code == ExitCode.USAGE
    assert "usage: katman" in capsys.readouterr().err


def test_main_lists_the_steps_to_those_who_name_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main([]) == ExitCode.USAGE
    assert "write the model card" in capsys.readouterr().err


@pytest.fixture(scope="module")
def loaded() -> None:
    """Every step's module, imported before `capsys`: DVC's log would go to a file that is closed later."""
    for step in main.STEPS:
        main.load_module(step.name)


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize("step", main.STEPS, ids=lambda step: step.name)
def test_main_help_of_a_step_ends_with_an_example(
    step: main.Step, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main.main([step.name, "--help"])
    assert caught.value.code == ExitCode.DONE
    *_, title, example = capsys.readouterr().out.rstrip("\n").split("\n")
    assert title == "example:"
    assert example.split()[:2] == ["katman", step.name]


@pytest.mark.parametrize("step", main.STEPS, ids=lambda step: step.name)
def test_main_step_registers_the_arguments_that_its_run_takes(step: main.Step) -> None:
    module = main.load_module(step.name)
    parser = ArgumentParser(add_help=False)
    getattr(module, "arguments", lambda parser: None)(parser)
    registered = [action.dest for action in parser._actions]
    given = ["workspace", "params"] if step.needs_params else ["workspace"]
    assert list(inspect.signature(module.run).parameters) == [*given, *registered]
    assert inspect.signature(module.summary).return_annotation is str


def test_main_table_holds_every_verb() -> None:
    stages = {f"pipeline.stages.{name}.step" for name in lineage.NAMES}
    commands = {name for name in MODULES if name.startswith("pipeline.commands.")}
    assert {step.module for step in main.STEPS} == stages | commands | OF_FLOWS


def test_main_names_nothing_outside_pipeline_but_the_verbs_that_need_prefect() -> None:
    """What `pipeline` may not import, its table may name; nobody else names it.

    `release` names folders of code, which it compares with their commit and never loads.
    """
    allowed = {"pipeline.__main__": OF_FLOWS, "pipeline.workspace.paths": {"flows", "localhub"}}
    for name, path in MODULES.items():
        texts = [node.value for node in ast.walk(ast.parse(path.read_text("utf-8"))) if is_text(node)]
        named = {text for text in texts if text in MODULES and not text.startswith("pipeline")}
        if name.startswith("pipeline"):
            assert named == allowed.get(name, set()), name


def test_main_loads_what_takes_seconds_only_for_the_step_that_needs_it() -> None:
    code = (
        "import sys; from pipeline import __main__ as main\n"
        "try: main.main(sys.argv[1:])\n"
        "except SystemExit: print({'torch', 'prefect', 'dvc'} & set(sys.modules))"
    )
    for given in (["--help"], ["approve", "--help"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *given], cwd=PROJECT, capture_output=True, text=True, check=True
        )
        assert done.stdout.endswith("\nset()\n")


# --- what a step refuses ---


@pytest.fixture
def room(make_workspace: Make) -> Room:
    return Room(make_workspace)


def parquet(folder: Path, split: str) -> Path:
    return folder / "data" / f"{split}-00000-of-00001.parquet"


def test_main_refuses_a_branch_name_as_revision(room: Room) -> None:
    message = room.refused("pin", {"dataset.revision": "main"})
    assert "dataset.revision: 'main' is not a commit: wanted 40 hexadecimal digits" in message
    assert "Copy the full commit from the repository's history" in message


def test_main_refuses_an_unknown_key(room: Room) -> None:
    message = room.refused("train", {"train.learning_rte": 1})
    assert "train.learning_rte: unknown key; remove it, or correct its spelling" in message


def test_main_refuses_a_missing_split(room: Room) -> None:
    message = room.refused("pin", room.data(lambda folder: parquet(folder, "validation").unlink()))
    assert "wanted 'validation' for dev. Correct dataset.splits.dev" in message


def test_main_refuses_a_missing_column(room: Room) -> None:
    def rename(folder: Path) -> None:
        for split in ("train", "validation", "test"):
            pl.read_parquet(parquet(folder, split)).rename({"negative": "no"}).write_parquet(
                parquet(folder, split)
            )

    message = room.refused("pin", room.data(rename))
    assert "has the columns query, positive, no; wanted 'negative' too. Correct dataset.columns" in message


def test_main_refuses_an_empty_file(room: Room) -> None:
    message = room.refused("pin", room.data(lambda folder: parquet(folder, "train").write_bytes(b"")))
    assert "cannot be read: " in message
    assert "pin a commit that loads" in message


def test_main_refuses_a_file_without_rows(room: Room) -> None:
    def empty(folder: Path) -> None:
        pl.read_parquet(parquet(folder, "test")).clear().write_parquet(parquet(folder, "test"))

    message = room.refused("pin", room.data(empty))
    assert "has a split that has no rows ('test')" in message
    assert "wanted at least one in each. Pin a commit that has some" in message


def test_main_rejects_the_row_of_a_null_cell(room: Room) -> None:
    def spoil(folder: Path) -> None:
        rows = pl.read_parquet(parquet(folder, "train"))
        holes = rows.with_columns(query=pl.when(pl.int_range(pl.len()) != 2).then(pl.col("query")))
        holes.write_parquet(parquet(folder, "train"))

    pinned = room.run("pin", room.data(spoil))
    assert pinned.returncode == 0, pinned.stderr
    audited = workspaces.pipeline(room.folder, room.make.stage.env, "audit")
    assert audited.returncode == 0, audited.stderr
    assert "train  5 of 6 rows kept; found: not_text 1" in audited.stdout


def test_main_refuses_a_cell_that_is_no_string(room: Room) -> None:
    def spoil(folder: Path) -> None:
        for split in ("train", "validation", "test"):
            rows = pl.read_parquet(parquet(folder, split)).to_dicts()
            rows[1]["positive"] = 5
            parquet(folder, split).unlink()
            lines = "\n".join(json.dumps(row) for row in rows)
            parquet(folder, split).with_suffix(".jsonl").write_text(lines, encoding="utf-8")

    message = room.refused("pin", room.data(spoil))
    assert "column 'positive' of split 'train' holds '5', a int, in row 1; wanted strings" in message


def test_main_refuses_a_repository_that_does_not_exist(room: Room) -> None:
    message = room.refused("pin", {"base.repo": "tester/none"})
    assert f"{room.endpoint} has no such repository, or this token may not see it" in message
    assert "Check the name in params.yaml" in message


def test_main_names_a_hub_that_is_down(room: Room) -> None:
    env = room.make.stage.env | {"HF_ENDPOINT": "http://127.0.0.1:1"}
    message = room.refused("pin", {}, env)
    assert "http://127.0.0.1:1 did not answer (ConnectError). Check the address (hub.endpoint)" in message


@pytest.fixture
def standing(line: Path) -> tuple[Path, dict[str, str]]:
    """A finished workspace, and the digests of its records."""
    return line, digests.files(line / "records")


def test_main_refuses_a_dimension_larger_than_the_models(
    standing: tuple[Path, dict[str, str]], stage: Stage
) -> None:
    folder, records = standing
    set_params(folder, {"model.dims": [64, 16, 4], "gate.floors": {64: 0.0, 16: 0.0, 4: 0.0}})
    message = said(workspaces.pipeline(folder, stage.env, "train"), "train")
    assert "model.dims asks for 64 dimensions and the base has 32; wanted none above 32" in message
    assert digests.files(folder / "records") == records


@pytest.mark.parametrize(
    ("step", "token", "wanted"),
    [
        (
            "check",
            None,
            "no token was found; wanted one that may write. Set HF_TOKEN, or run `hf auth login`",
        ),
        ("check", READ_TOKEN, "the token of tester may only read; wanted one that may write"),
        ("release", READ_TOKEN, "the token of tester may only read; wanted one that may write"),
        ("release", None, "no token was found; wanted one that may write. Set HF_TOKEN"),
        ("release", "hf_unknown", "the Hub does not accept the token"),
    ],
)
def test_main_refuses_a_token_that_cannot_release(
    standing: tuple[Path, dict[str, str]],
    stage: Stage,
    tmp_path: Path,
    step: str,
    token: str | None,
    wanted: str,
) -> None:
    folder, records = standing
    env = workspaces.environment(stage.endpoint, tmp_path / "home", token)
    message = said(workspaces.pipeline(folder, env, step), step)
    assert wanted in message
    assert "hf_unknown" not in message
    assert digests.files(folder / "records") == records
    assert not (folder / "receipts").exists()


def test_main_runs_no_code_on_a_workspace_elsewhere(room: Room, stage: Stage, tmp_path: Path) -> None:
    folder = room.make({"release.repo": "tester/never-released"}, dvc=False)
    other = Path(shutil.copytree(folder, tmp_path / "other"))
    message = said(workspaces.pipeline(folder, stage.env, "audit", "--workspace", str(other)), "audit")
    assert f"this code stands in {folder} and the workspace is {other}; wanted one folder" in message
    assert f"cd {other}" in message
    # The folder itself may be named, and in another way than as it stands.
    outcome = workspaces.pipeline(folder, stage.env, "check", "--workspace", "pipeline/..")
    assert outcome.returncode == 0, outcome.stderr
    assert "tester, may write" in outcome.stdout


def test_main_approves_who_and_why_and_says_so(room: Room, stage: Stage) -> None:
    folder = room.make(dvc=False)
    ask = ["approve", "--name", "Ada", "--reason", "the index is rebuilt tonight", "--no-release"]
    assert "verdict.json is missing" in said(workspaces.pipeline(folder, stage.env, *ask), "approve")
    write_text(folder / "records" / "verdict.json", sealed.verdict("c" * 64, needs_human=True).dump())
    outcome = workspaces.pipeline(folder, stage.env, *ask)
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.startswith("candidate cccccccccccc: approved by Ada (")
    released = workspaces.pipeline(folder, stage.env, *ask[:-1])  # what is approved is released
    assert released.returncode == 1
    assert released.stderr.startswith("release: ")
    assert workspaces.pipeline(folder, stage.env, "approve", "--name", "Ada").returncode == 2


def test_main_ends_quietly_where_nobody_reads_on(room: Room, stage: Stage) -> None:
    folder = room.make(dvc=False)
    outcome = subprocess.run(
        ["bash", "-c", "set -o pipefail; python -m pipeline check | true"],
        cwd=folder,
        env=stage.env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in outcome.stderr
    assert "Exception" not in outcome.stderr


def test_main_releases_rolls_back_lists_and_verifies(ready: Path, stage: Stage) -> None:
    def say(*words: str) -> str:
        done = workspaces.pipeline(ready, stage.env, *words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert say("releases") == f"nothing was released to {REPO} from here yet\n"
    stands, then, _ = say("release").split("\n")
    assert stands.startswith(f"released: {REPO} v1 at ")
    assert then.startswith("Once your service runs it, say `katman deployed v1`")
    second(ready)
    assert say("release").startswith(f"released: {REPO} v2 at ")
    assert say("release").startswith(f"already released: {REPO} v2 at ")
    rolled = say("rollback", "--to", "v1").split("\n")
    assert rolled[0].startswith(f"rolled back: {REPO} v3 at ")
    assert rolled[1].startswith("major: another vector space")
    assert rolled[2].startswith("Once your service runs it, say `katman deployed v3`")
    assert [line.split()[0] for line in say("releases").split("\n")[:-1]] == ["version", "v1", "v2", "v3"]
    checked = say("verify", f"{REPO}@v3")
    assert [line.split()[0] for line in checked.split("\n")[:-1]] == [
        "files",
        "version",
        "provenance",
        "signature",
        "receipt",
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["rollback", "--to", "v7"], f"rollback: {REPO} has the releases none; wanted 'v7' among them"),
        (["verify", "main"], "verify: 'main' names no release; wanted REPO@REV, like owner/name@v2"),
        (["verify", f"{REPO}@v1"], "verify: could not look at model"),
    ],
)
def test_main_says_why_there_is_no_such_release(
    ready: Path, stage: Stage, words: list[str], message: str
) -> None:
    done = workspaces.pipeline(ready, stage.env, *words)
    assert said(done, words[0]).startswith(message)


# --- exit codes, and what the process that started the step is told ---


def test_main_ends_with_4_where_a_person_must_approve_and_tells_why(
    ready: Path, stage: Stage, tmp_path: Path
) -> None:
    sealed.seal(ready, needs_human=True)
    told = tmp_path / "told.json"
    done = workspaces.pipeline(ready, stage.env | {FAILURE_FILE: str(told)}, "release")
    message = said(done, "release", ExitCode.WAITS_FOR_PERSON)
    failure = read(told)
    assert failure is not None
    assert (failure.step, failure.error) == ("release", "WaitsForPerson")
    assert failure.exit_code == ExitCode.WAITS_FOR_PERSON
    assert message == f"release: {failure.message}\n"


def test_main_ends_with_3_where_verify_finds_what_contradicts(ready: Path, stage: Stage, api: HfApi) -> None:
    assert workspaces.pipeline(ready, stage.env, "release").returncode == ExitCode.DONE
    api.upload_file(path_or_fileobj=b"x", path_in_repo="more.txt", repo_id=REPO)
    done = workspaces.pipeline(ready, stage.env, "verify", f"{REPO}@main")
    assert "more.txt is not among its files" in said(done, "verify", ExitCode.CONTRADICTED)
    api.delete_file("provenance.json", REPO)
    shutil.rmtree(ready / "receipts")
    done = workspaces.pipeline(ready, stage.env, "verify", f"{REPO}@main")
    assert "nothing vouches for" in said(done, "verify")


class Called:
    """The steps in this process, on a workspace that `releases` can be asked about."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        shutil.copy(PROJECT / "params.yaml", folder)
        patch.setattr(main, "__file__", str(folder / "pipeline" / "__main__.py"))
        self.patch = patch

    def raises(self, error: BaseException) -> int:
        def fail(*arguments: object) -> None:
            raise error

        self.patch.setattr("pipeline.commands.releases.run", fail)
        return main.main(["releases", "--workspace", str(self.folder)])


@pytest.fixture
def called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Called:
    return Called(tmp_path, monkeypatch)


def test_main_says_that_the_disk_is_full(called: Called, capsys: pytest.CaptureFixture[str]) -> None:
    assert called.raises(OSError(28, "No space left on device", "/somewhere")) == ExitCode.FAILED
    wanted = "releases: the disk is full at /somewhere; free some space, then run it again\n"
    assert capsys.readouterr().err == wanted


def test_main_says_that_ctrl_c_ended_a_step(called: Called, capsys: pytest.CaptureFixture[str]) -> None:
    assert called.raises(KeyboardInterrupt()) == ExitCode.INTERRUPTED
    wanted = "releases: ended by Ctrl-C before it was done. Run it again, which goes on or begins anew\n"
    assert capsys.readouterr().err == wanted


def test_main_hides_no_other_fault_of_the_machine(called: Called) -> None:
    with pytest.raises(FileNotFoundError):
        called.raises(FileNotFoundError(2, "No such file or directory"))


@pytest.mark.parametrize(
    "error", [PipelineError, *descendants(PipelineError)], ids=lambda kind: kind.__name__
)
def test_main_ends_with_the_exit_code_of_the_error_and_tells_it_whole(
    called: Called, error: type[PipelineError]
) -> None:
    told = called.folder / "told.json"
    called.patch.setenv(FAILURE_FILE, str(told))
    assert called.raises(error("found;\n  wanted")) == error.exit_code
    assert read(told) == Failure(
        step="releases",
        error=error.__name__,
        exit_code=error.exit_code,
        message="found;\n  wanted",
        passing=error in {HubUnreachable, WorkspaceHeld},
    )


def test_main_says_why_also_where_nobody_can_be_told(
    called: Called, capsys: pytest.CaptureFixture[str]
) -> None:
    called.patch.setenv(FAILURE_FILE, "/nowhere/told.json")
    assert called.raises(PipelineError("found; wanted")) == ExitCode.FAILED
    assert capsys.readouterr().err == "releases: found; wanted\n"
