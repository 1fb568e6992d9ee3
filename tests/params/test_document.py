"""What params.yaml may say, and what is said about it when it may not."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import InvalidParams
from pipeline.params import Params, load
from pipeline.params.document import read_yaml
from tests.support.workspaces import PROJECT, set_params

COMMIT = "5617a9f61b028005a4858fdac845db406aefb181"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copyfile(PROJECT / "params.yaml", tmp_path / "params.yaml")
    return tmp_path


def refusal(folder: Path, changes: Mapping[str, Any]) -> str:
    set_params(folder, changes)
    with pytest.raises(InvalidParams) as caught:
        load(folder)
    return str(caught.value)


def test_params_at_the_root_are_the_reference_recipe() -> None:
    params = load(PROJECT)
    assert (params.base.repo, params.base.revision) == ("BAAI/bge-m3", COMMIT)
    assert params.base.allow_pickle == ("pytorch_model.bin",)
    assert params.dataset.repo == "seroe/vodex-turkish-triplets-large"
    assert params.dataset.revision == "1fe9d63490a69cb96da6b76f4bff1a43c48cbdee"
    assert params.model.dims == (1024, 768, 512, 256)
    assert params.train.loss.matryoshka_weights == (1, 1, 1, 1)
    assert params.train.loss.n_dims_per_step == -1
    assert params.train.batch_size == 2048
    assert params.train.learning_rate == 5e-5
    assert params.train.lr_scheduler == "cosine"
    assert params.train.warmup_ratio == 0.05
    assert params.train.weight_decay == 0.01
    assert params.train.epochs == 1
    assert params.train.eval_steps == 12
    assert params.train.seed == 42
    assert params.train.bf16 is True
    assert params.train.batch_sampler == "no_duplicates"
    assert params.live.revision is None


def test_params_of_the_sample_can_be_used(tmp_path: Path) -> None:
    shutil.copyfile(PROJECT / "sample" / "params.yaml", tmp_path / "params.yaml")
    assert load(tmp_path).base.allow_pickle == ()


SECTIONS = [
    *(name for name in Params.model_fields if name not in ("retrieval", "probes", "tracking")),
    "dataset.splits",
    "dataset.columns",
    "model.prompts",
    "pin.cut",
    "train.loss",
    "audit.policies",
    "audit.near_duplicates",
    "audit.shortcut",
    "gate.live_margins",
    "gate.anchor_margins",
]


@pytest.mark.parametrize("section", SECTIONS)
def test_params_refuse_an_unknown_key_in_each_section(folder: Path, section: str) -> None:
    message = refusal(folder, {f"{section}.learning_rte": 1})
    assert f"{section}.learning_rte: unknown key" in message


def test_params_refuse_an_unknown_section(folder: Path) -> None:
    assert "trian: unknown key" in refusal(folder, {"trian": {"seed": 1}})


def test_params_refuse_a_missing_key(folder: Path) -> None:
    text = (folder / "params.yaml").read_text(encoding="utf-8")
    (folder / "params.yaml").write_text(text.replace("  weight_decay: 0.01\n", ""), encoding="utf-8")
    with pytest.raises(InvalidParams, match=r"train.weight_decay: missing"):
        load(folder)


@pytest.mark.parametrize(
    "revision", ["main", "v1", COMMIT[:7], COMMIT.upper(), COMMIT + "0", f"{COMMIT[:-1]}g", ""]
)
@pytest.mark.parametrize("key", ["dataset.revision", "base.revision", "live.revision", "anchor.revision"])
def test_params_refuse_a_revision_that_is_no_commit(folder: Path, key: str, revision: str) -> None:
    message = refusal(folder, {key: revision})
    assert f"{key}: {revision!r} is not a commit: wanted 40 hexadecimal digits" in message
    assert "Copy the full commit" in message


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("train.batch_size", "many"),
        ("train.batch_size", "2048"),
        ("train.batch_size", 2048.0),
        ("train.batch_size", 1),
        ("train.seed", True),
        ("train.seed", -1),
        ("train.bf16", "yes"),
        ("train.bf16", 1),
        ("train.learning_rate", 0),
        ("train.learning_rate", "5e-5"),
        ("train.learning_rate", float("nan")),
        ("train.learning_rate", float("inf")),
        ("train.learning_rate", None),
        ("train.lr_scheduler", "cosin"),
        ("train.batch_sampler", "batch_sampler"),
        ("train.warmup_ratio", 1.5),
        ("train.adam_beta1", 1.0),
        ("model.dims", 1024),
        ("model.dims", []),
        ("model.dims", [256, 1024]),
        ("model.dims", [256, 256]),
        ("model.dims", [256, 0]),
        ("model.max_seq_length", 0),
        ("dataset.repo", "telecom"),
        ("dataset.repo", "own/er/name"),
        ("dataset.repo", "şirket/veri"),
        ("dataset.revision", None),
        ("dataset.splits.train", None),
        ("dataset.slices", ["the topic"]),
        ("dataset.slices", ["topic", "topic"]),
        ("dataset.slices", ["group"]),
        ("dataset.slices", ["query"]),
        ("dataset.slices", None),
        ("audit.policies.empty", "ignore"),
        ("audit.policies.not_text", "report"),
        ("evaluate.splits", []),
        ("evaluate.splits", ["train"]),
        ("gate.floors", {1024: 1.5, 768: 0.9, 512: 0.9, 256: 0.9}),
        ("gate.max_leak_share", -0.1),
        ("card.rows", "some"),
        ("hub.endpoint", "huggingface.co"),
        ("hub.endpoint", "https://huggingface.co/"),
        ("hub.timeout_seconds", 0),
        ("hardware.threads", 0),
        ("train", None),
        ("train", [1]),
    ],
)
def test_params_refuse_a_value_that_cannot_be_meant(folder: Path, key: str, value: Any) -> None:
    message = refusal(folder, {key: value})
    assert f"\n  {key}" in message


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"train.loss.matryoshka_weights": [1, 1]}, "matryoshka_weights has 2 numbers"),
        ({"gate.floors": {1024: 0.9}}, "gate.floors names the widths [1024]"),
        ({"evaluate.splits": ["dev"]}, "gate.split is 'test'"),
        ({"pin.cut.dev_share": 0.6, "pin.cut.test_share": 0.4}, "leave no train split"),
        ({"dataset.splits.dev": "train"}, "name a split twice"),
        ({"dataset.columns.negative": "positive"}, "name a column twice"),
    ],
)
def test_params_refuse_a_contradiction(folder: Path, changes: dict[str, Any], said: str) -> None:
    assert said in refusal(folder, changes)


FILES = {"corpus": "corpus.jsonl", "queries": "queries.parquet", "qrels": "qrels/test.tsv"}
SET = {"repo": "tester/set", "revision": COMMIT, **FILES}
PAIRS = {"kind": "pairs", "repo": "tester/sts", "revision": COMMIT, "file": "sts.tsv"} | {
    "first": "a",
    "second": "b",
    "score": "c",
}


def test_params_take_retrieval_and_probes(folder: Path) -> None:
    set_params(folder, {"retrieval": SET, "probes": {"far": {"kind": "retrieval", **SET}, "sts": PAIRS}})
    params = load(folder)
    assert params.retrieval is not None
    assert params.retrieval.qrels == "qrels/test.tsv"
    assert [probe.kind for probe in params.probes.values()] == ["retrieval", "pairs"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"retrieval": {**SET, "revision": "main"}}, "retrieval.revision: 'main' is not a commit"),
        (
            {"retrieval": {**SET, "corpus": "corpus.csv"}},
            "retrieval.corpus: 'corpus.csv' is no file that can be",
        ),
        ({"retrieval": {**SET, "qrls": "x.tsv"}}, "retrieval.qrls: unknown key"),
        ({"retrieval": {name: SET[name] for name in SET if name != "qrels"}}, "retrieval.qrels: missing"),
        ({"probes": {"Far off": PAIRS}}, "probes: ['Far off'] are no names"),
        ({"probes": {"sts": {**PAIRS, "kind": "scores"}}}, "probes.sts: found"),
        ({"probes": {"sts": {**PAIRS, "second": "a"}}}, "a, a, c name a column twice; wanted three columns"),
        ({"probes": {"sts": {**PAIRS, "score": None}}}, "probes.sts.score: found null"),
        ({"probes": {"far": {"kind": "retrieval", **SET, "qrels": "r.txt"}}}, "'r.txt' is no file"),
        ({"gate.cluster": "topic"}, "gate.cluster is 'topic'; wanted 'component'"),
        ({"retrieval": SET, "probes": {"service": PAIRS}}, "probes has one called 'service'"),
        ({"dataset.slices": ["rows"]}, "['rows'] are names of columns that katman makes itself"),
        ({"dataset.slices": ["row"]}, "['row'] are names of columns that katman makes itself"),
    ],
)
def test_params_refuse_a_set_that_cannot_be_meant(folder: Path, changes: dict[str, Any], said: str) -> None:
    assert said in refusal(folder, changes)


def test_params_name_all_faults_in_one_message(folder: Path) -> None:
    message = refusal(
        folder,
        {"train.batch_size": "many", "train.speed": 1, "base.revision": "main", "card.rows": "some"},
    )
    for key in ("train.batch_size", "train.speed", "base.revision", "card.rows"):
        assert f"\n  {key}: " in message
    assert message.startswith(str(folder / "params.yaml"))


def test_params_name_all_contradictions_in_one_message(folder: Path) -> None:
    message = refusal(folder, {"model.dims": [512, 256], "evaluate.splits": ["dev"]})
    assert "matryoshka_weights" in message
    assert "gate.floors" in message
    assert "gate.split" in message


def test_params_take_a_floor_of_zero_for_a_floor(folder: Path) -> None:
    set_params(folder, {"gate.floors": {1024: 0, 768: 0.0, 512: 0, 256: 0}, "gate.max_rejected_share": 0})
    params = load(folder)
    assert params.gate.floors == {1024: 0.0, 768: 0.0, 512: 0.0, 256: 0.0}
    assert params.gate.max_rejected_share == 0


def test_params_take_whole_numbers_for_shares(folder: Path) -> None:
    set_params(folder, {"train.epochs": 3, "hub.timeout_seconds": 20})
    assert load(folder).train.epochs == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "is not YAML"),
        ("train: {}\ntrain: {}\n", "is not YAML"),
        ("- a\n", "holds a list; wanted sections"),
        ("", "holds nothing; wanted sections"),
        ("{}", "dataset: missing"),
    ],
)
def test_params_refuse_a_file_that_is_no_mapping(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "params.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidParams, match=said):
        load(tmp_path)


def test_params_refuse_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidParams, match="is not YAML"):
        load(tmp_path)


def test_params_that_were_read_are_the_callers_to_change(folder: Path) -> None:
    first = read_yaml(folder / "params.yaml")
    first["model"]["dims"].append(1)
    assert read_yaml(folder / "params.yaml")["model"]["dims"] == [1024, 768, 512, 256]


def test_params_that_are_missing_are_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidParams, match=r"params.yaml is missing"):
        load(tmp_path)
