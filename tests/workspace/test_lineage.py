"""dvc.yaml, the records sealed over it, and the chain that a release walks."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.errors import BrokenChain, InvalidParams, InvalidWorkspace
from pipeline.params.document import read_yaml
from pipeline.records import Card, Record
from pipeline.workspace import digests, lineage, paths
from tests.support.workspaces import PROJECT, git, set_params


@pytest.mark.parametrize("name", lineage.NAMES)
def test_stages_records_read_and_wrote_exactly_the_deps_and_outs(finished: Path, name: str) -> None:
    stage = lineage.stage(finished, name)
    content = json.loads((finished / paths.RECORDS[name]).read_text(encoding="utf-8"))
    assert set(content["read"]) == set(stage.deps)
    assert set(content["wrote"]) == set(stage.outs) - {paths.RECORDS[name]}
    assert paths.RECORDS[name] in stage.outs
    for path, wanted in {**content["read"], **content["wrote"]}.items():
        assert digests.digest(finished / path) == wanted
    assert content["params"] == lineage.params_digest(finished, name)


def test_stages_of_dvc_yaml_are_the_steps_in_their_order() -> None:
    names = list(read_yaml(PROJECT / "dvc.yaml")["stages"])
    assert names == list(lineage.NAMES) == list(paths.RECORDS)


def test_stages_train_depends_on_no_code() -> None:
    assert not [path for path in lineage.stage(PROJECT, "train").deps if path.startswith("pipeline")]


def test_stages_depend_on_no_hardware_and_no_hub() -> None:
    for name in lineage.NAMES:
        for key in lineage.stage(PROJECT, name).params:
            assert key.split(".")[0] not in ("hardware", "hub")


def test_stages_write_each_path_once() -> None:
    outs = [path for name in lineage.NAMES for path in lineage.stage(PROJECT, name).outs]
    assert len(outs) == len(set(outs))


def test_stages_name_one_that_is_not_there() -> None:
    with pytest.raises(InvalidWorkspace, match=r"has the stages pin, audit.*wanted 'deploy' among them"):
        lineage.stage(PROJECT, "deploy")


def test_chain_of_a_real_run_holds(finished: Path) -> None:
    assert lineage.broken_links(finished) == []
    assert lineage.unlocked(finished) == []


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b" ")


def change_model_byte(folder: Path) -> None:
    path = folder / "model" / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (change_model_byte, "model has sha256"),
        (lambda folder: append(folder / "records" / "metrics.json"), "records/metrics.json has sha256"),
        (lambda folder: append(folder / "card" / "README.md"), "card has sha256"),
        (lambda folder: append(folder / "outcomes.parquet"), "outcomes.parquet has sha256"),
        (lambda folder: append(folder / "pipeline/stages/gate/step.py"), "pipeline/stages/gate has sha256"),
        (
            lambda folder: append(folder / "data" / "clean" / "test.parquet"),
            "data/clean/test.parquet has sha256",
        ),
        (lambda folder: (folder / "model" / "new.txt").write_text("x"), "model has sha256"),
        (
            lambda folder: (folder / "curves.csv").unlink(),
            "curves.csv is missing; records/training.json names",
        ),
        (lambda folder: (folder / "records" / "pin.json").unlink(), "records/pin.json is missing"),
        (lambda folder: (folder / "records" / "pin.json").write_text("{}"), "records/pin.json is no record"),
        (lambda folder: (folder / "records" / "pin.json").write_text("[]"), "records/pin.json is no record"),
        (
            lambda folder: (folder / "records" / "pin.json").write_bytes(b"\xff"),
            "records/pin.json is no record",
        ),
        (lambda folder: shutil.rmtree(folder / "data" / "live"), "data/live is missing"),
        (lambda folder: set_params(folder, {"train.seed": 1}), "params.yaml was changed after `train` ran"),
        (lambda folder: set_params(folder, {"gate.retention": 0.5}), "changed after `gate` ran"),
        (lambda folder: set_params(folder, {"model.name": "Other"}), "changed after `card` ran"),
        (lambda folder: set_params(folder, {"live.revision": "0" * 40}), "changed after `pin` ran"),
    ],
)
def test_chain_names_what_changed(line: Path, change: Callable[[Path], object], named: str) -> None:
    change(line)
    assert any(named in fault for fault in lineage.broken_links(line))


def test_chain_names_everything_that_changed(line: Path) -> None:
    change_model_byte(line)
    append(line / "card" / "README.md")
    set_params(line, {"train.seed": 1})
    faults = "\n".join(lineage.broken_links(line))
    assert all(named in faults for named in ("model has", "card has", "params.yaml was changed"))


@pytest.mark.parametrize("key", ["read", "wrote"])
def test_chain_refuses_a_record_that_keeps_quiet_about_a_file(line: Path, key: str) -> None:
    path = line / paths.RECORDS["card"]
    content = json.loads(path.read_text(encoding="utf-8"))
    content[key].popitem()
    path.write_text(json.dumps(content), encoding="utf-8")
    assert lineage.broken_links(line) == [
        "records/card.json names other files than the stage `card` of dvc.yaml"
    ]


def test_chain_refuses_a_record_whose_links_are_no_links(line: Path) -> None:
    path = line / paths.RECORDS["card"]
    path.write_text(json.dumps({"read": ["model"], "wrote": {}, "params": ""}), encoding="utf-8")
    assert lineage.broken_links(line) == [f"{path} is no record; restore it, or run its step again"]


@pytest.mark.parametrize(
    "changes",
    [
        {"hardware.threads": 2, "hardware.memory_bytes": 10**9, "hardware.min_free_disk_bytes": 1},
        {"hub.timeout_seconds": 1, "hub.endpoint": "http://127.0.0.1:1", "hub.xet": True},
        {"live.tag": "production", "pin.max_workers": 1},
    ],
)
def test_chain_holds_when_only_speed_or_place_changes(line: Path, changes: dict[str, object]) -> None:
    set_params(line, changes)
    assert lineage.broken_links(line) == []


def test_chain_holds_when_comments_and_order_of_params_change(line: Path) -> None:
    text = (line / "params.yaml").read_text(encoding="utf-8")
    (line / "params.yaml").write_text(f"# A remark.\n{text}", encoding="utf-8")
    assert lineage.broken_links(line) == []


def test_chain_holds_after_python_left_its_caches(line: Path) -> None:
    cache = line / "pipeline" / "params" / "__pycache__"
    cache.mkdir(exist_ok=True)
    (cache / "x.cpython-311.pyc").write_bytes(b"1")
    assert lineage.broken_links(line) == []


def test_chain_needs_a_lock_that_holds_these_records(line: Path) -> None:
    append(line / "records" / "verdict.json")
    assert lineage.unlocked(line) == [
        "records/verdict.json is not the one that dvc.lock holds, so DVC did not see `gate` run"
    ]
    (line / "dvc.lock").unlink()
    assert lineage.unlocked(line) == ["dvc.lock is missing, so DVC does not know of these files"]


def test_stages_name_a_parameter_that_params_yaml_lacks(line: Path) -> None:
    text = (line / "dvc.yaml").read_text(encoding="utf-8")
    (line / "dvc.yaml").write_text(text.replace("params: [audit,", "params: [audit.speed, audit,"))
    with pytest.raises(InvalidParams, match=r"params.yaml has no audit.speed, which dvc.yaml names"):
        lineage.params_digest(line, "audit")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda folder: append(folder / "reembed.json"), "reembed.json was changed while `card` ran"),
        (lambda folder: (folder / "data" / "clean" / "more.parquet").touch(), "data/clean was changed while"),
        (lambda folder: set_params(folder, {"card.domain": "x"}), "params.yaml .a value that `card` depends"),
    ],
)
def test_seal_refuses_what_was_changed_while_the_step_ran(
    line: Path, change: Callable[[Path], None], named: str
) -> None:
    record = Card.load(line / "records" / "card.json")
    (line / "records" / "card.json").unlink()
    before = lineage.opened(line, "card")
    change(line)
    with pytest.raises(BrokenChain, match=named):
        lineage.seal(line, before, record)
    assert not (line / "records" / "card.json").exists()


def test_seal_minds_no_parameter_of_other_steps(line: Path) -> None:
    before = lineage.opened(line, "card")
    set_params(line, {"hub.retries": 1, "train.seed": 9})
    assert lineage.seal(line, before, Card.load(line / "records" / "card.json")).read == before.read


def test_opened_names_what_is_not_there(line: Path) -> None:
    (line / "reembed.json").unlink()
    with pytest.raises(BrokenChain, match=r"reembed.json is missing, which `card` reads; run `dvc repro`"):
        lineage.opened(line, "card")


def test_seal_writes_the_record_last_and_whole(line: Path) -> None:
    record = Record.model_validate_json('{"read": {}, "wrote": {}, "params": ""}')
    shutil.rmtree(line / "card")
    before = (line / "records" / "card.json").read_bytes()
    with pytest.raises(FileNotFoundError):
        lineage.seal(line, lineage.opened(line, "card"), record)
    assert (line / "records" / "card.json").read_bytes() == before


def test_stages_of_the_finished_workspace_are_all_in_git(finished: Path) -> None:
    assert git(finished, "status", "--porcelain") == ""
    tracked = set(git(finished, "ls-files").split("\n"))
    assert set(paths.RECORDS.values()) | {"dvc.lock", "params.yaml", "curves.csv"} <= tracked
    assert not [path for path in tracked if path.startswith(("model/", "data/", "card/"))]
