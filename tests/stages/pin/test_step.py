"""What pin brings here, checked file by file against a Hub, and what it leaves where it fails."""

import itertools
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import polars as pl
import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import load_file, save_file

from pipeline.dataset.training_fingerprint import near, trained_rows
from pipeline.errors import BrokenChain, HubNotFound, InvalidData
from pipeline.hub import Hub
from pipeline.params import load
from pipeline.params.pin import TrainedOn
from pipeline.records import Pin
from pipeline.stages.pin import step as pin
from pipeline.stages.pin import trained
from pipeline.workspace import digests, holdout, paths
from pipeline.workspace.paths import RECORDS
from tests.conftest import Make, Stage
from tests.support import retrieval_sets, workspaces
from tests.support.pickled import Evil
from tests.support.splits import three
from tests.support.workspaces import set_params, triplets

_numbers = itertools.count()


def publish(stage: Stage, kind: str, folder: Path) -> dict[str, object]:
    """Put a folder on the Hub as a new repository, and give the parameters that pin it."""
    repo = f"tester/pin-{next(_numbers)}"
    commit = workspaces.put(stage.endpoint, repo, kind, folder)
    section = "dataset" if kind == "dataset" else "base"
    return {f"{section}.repo": repo, f"{section}.revision": commit}


@pytest.fixture
def tiny(writer: Stage, tmp_path: Path) -> Path:
    """A copy of the tiny model that may be changed."""
    from huggingface_hub import snapshot_download

    folder = snapshot_download("tester/tiny", revision=writer.base, endpoint=writer.endpoint)
    target = tmp_path / "tiny"
    shutil.copytree(folder, target)
    (target / ".gitattributes").unlink(missing_ok=True)
    return target


def run(folder: Path) -> Pin:
    return pin.run(folder, load(folder))


def test_pin_record_names_every_file_with_its_digest(writer: Stage, make_workspace: Make) -> None:
    folder = make_workspace(dvc=False)
    record = run(folder)
    assert Pin.load(folder / RECORDS["pin"]) == record
    assert (record.dataset.revision, record.base.revision) == (writer.dataset, writer.base)
    assert record.endpoint == writer.endpoint
    assert (record.live, record.anchor, record.retrieval, record.probes) == (None, None, None, {})
    for name in ("live", "anchor", "retrieval", "probes"):
        assert digests.files(folder / "data" / name).keys() == {"none"}
    assert record.dataset.license == "apache-2.0"
    assert {name: one.rows for name, one in record.splits.items()} == {"train": 60, "dev": 20, "test": 30}
    base = folder / "data" / "base"
    assert set(record.base.files) == set(digests.files(base))
    for path, file in record.base.files.items():
        assert file.size == (base / path).stat().st_size
        kind, wanted = file.digest.split(":")
        assert wanted == (digests.sha256 if kind == "sha256" else digests.git_oid)(base / path)


def test_pin_ends_with_a_trial_of_the_base_and_holds_nothing_out_where_it_fails(
    writer: Stage, make_workspace: Make, tiny: Path
) -> None:
    path = tiny / "model.safetensors"
    tensors = {name: one for name, one in load_file(path).items() if "value" not in name}
    save_file(tensors, path, metadata={"format": "pt"})
    folder = make_workspace(publish(writer, "model", tiny), dvc=False)
    with pytest.raises(InvalidData, match=r"its files lack 2 weights .*self.value.bias"):
        run(folder)
    assert not holdout.read(folder).height
    assert not (folder / RECORDS["pin"]).exists()
    assert not (folder / ".checkpoints" / "trial").exists()


def test_pin_says_what_the_base_is_given(writer: Stage, make_workspace: Make, tiny: Path) -> None:
    modules = json.loads((tiny / "modules.json").read_text())
    (tiny / "modules.json").write_text(json.dumps(modules[:2]))
    shutil.rmtree(tiny / "2_Normalize", ignore_errors=True)
    record = run(make_workspace(publish(writer, "model", tiny), dvc=False))
    assert record.base_trial is not None
    assert record.base_trial.normalize_added
    assert pin.summary(record).splitlines()[-1] == "base   gets a module Normalize"


def test_pin_twice_gives_the_same_bytes(writer: Stage, make_workspace: Make) -> None:
    folder = make_workspace(dvc=False)
    run(folder)
    kept = digests.sha256(folder / paths.LEDGER)
    before = digests.files(folder / "data") | digests.files(folder / "records")
    (folder / "data" / "raw" / "left_over.parquet").write_bytes(b"x")
    (folder / "data" / "base" / "left_over.json").write_bytes(b"x")
    run(folder)
    assert digests.files(folder / "data") | digests.files(folder / "records") == before
    assert digests.sha256(folder / paths.LEDGER) == kept


def test_pin_fetches_only_what_training_needs(writer: Stage, make_workspace: Make, tiny: Path) -> None:
    torch.save({"a": torch.zeros(1)}, tiny / "pytorch_model.bin")
    (tiny / "modeling.py").write_text("raise SystemExit\n")
    (tiny / "onnx").mkdir()
    (tiny / "onnx" / "model.onnx").write_bytes(b"o" * 100)
    (tiny / "onnx" / "config.json").write_text("{}")
    changes = publish(writer, "model", tiny)
    folder = make_workspace({**changes, "base.allow_pickle": ["pytorch_model.bin"]}, dvc=False)
    record = run(folder)
    repo = str(changes["base.repo"]).replace("/", "--")
    snapshot = Path(constants.HF_HUB_CACHE) / f"models--{repo}" / "snapshots" / str(changes["base.revision"])
    cached = {path.relative_to(snapshot).as_posix() for path in snapshot.rglob("*") if path.is_file()}
    assert cached == set(record.base.files) == set(digests.files(folder / "data" / "base"))
    assert not [path for path in cached if path.endswith((".bin", ".py", ".onnx")) or path.startswith("onnx")]
    assert record.converted_pickles == ()


def pickled(tiny: Path, extra: Mapping[str, object] | None = None) -> dict[str, torch.Tensor]:
    tensors = load_file(tiny / "model.safetensors")
    torch.save({**tensors, **(extra or {})}, tiny / "pytorch_model.bin")
    (tiny / "model.safetensors").unlink()
    return tensors


def test_pin_refuses_pickled_weights_that_params_do_not_name(
    writer: Stage, make_workspace: Make, tiny: Path
) -> None:
    pickled(tiny)
    folder = make_workspace(publish(writer, "model", tiny), dvc=False)
    with pytest.raises(
        InvalidData, match=r"only pytorch_model.bin; .*name its pytorch_model.bin in base.allow"
    ):
        run(folder)
    assert not (folder / RECORDS["pin"]).exists()
    assert not (folder / "data").exists()
    assert not (folder / paths.LEDGER).exists()


def test_pin_turns_a_pickle_that_params_name_into_the_same_tensors(
    writer: Stage, make_workspace: Make, tiny: Path
) -> None:
    tensors = pickled(tiny)
    changes = publish(writer, "model", tiny)
    folder = make_workspace({**changes, "base.allow_pickle": ["pytorch_model.bin"]}, dvc=False)
    record = run(folder)
    assert record.converted_pickles == ("pytorch_model.bin",)
    assert "pytorch_model.bin" in record.base.files
    assert not list((folder / "data").rglob("*.bin"))
    found = load_file(folder / "data" / "base" / "model.safetensors")
    assert found.keys() == tensors.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in tensors.items())

    from pipeline.embedding import loading

    assert loading.load(folder / "data" / "base").get_embedding_dimension() == 32


def test_pin_never_runs_a_pickle_that_would_do_more(
    writer: Stage, make_workspace: Make, tiny: Path, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    pickled(tiny, {"evil": Evil(mark)})
    changes = publish(writer, "model", tiny)
    folder = make_workspace({**changes, "base.allow_pickle": ["pytorch_model.bin"]}, dvc=False)
    with pytest.raises(InvalidData, match=r"pytorch_model.bin holds more than tensors, so it was not loaded"):
        run(folder)
    assert not mark.exists()
    assert not (folder / RECORDS["pin"]).exists()


def test_pin_refuses_a_data_set_with_code(writer: Stage, make_workspace: Make, tmp_path: Path) -> None:
    workspaces.write_splits(tmp_path / "set", three())
    (tmp_path / "set" / "set.py").write_text("raise SystemExit('ran')\n")
    changes = publish(writer, "dataset", tmp_path / "set")
    folder = make_workspace(changes, dvc=False)
    with pytest.raises(InvalidData, match=r"holds set.py, which loading it can run; wanted data files only"):
        run(folder)
    repo = str(changes["dataset.repo"]).replace("/", "--")
    assert not list((Path(constants.HF_HUB_CACHE) / f"datasets--{repo}").rglob("*.py"))


def test_pin_stays_on_its_commit_when_the_branch_moves(
    writer: Stage, make_workspace: Make, tmp_path: Path
) -> None:
    workspaces.write_splits(tmp_path / "set", three())
    changes = publish(writer, "dataset", tmp_path / "set")
    workspaces.write_splits(tmp_path / "set", three(train=triplets(9, 50)))
    head = workspaces.put(writer.endpoint, str(changes["dataset.repo"]), "dataset", tmp_path / "set")
    folder = make_workspace(changes, dvc=False)
    record = run(folder)
    assert record.dataset.revision == changes["dataset.revision"] != head
    assert record.splits["train"].rows == 6


def test_pin_brings_the_live_model(writer: Stage, make_workspace: Make, tiny: Path) -> None:
    changes = publish(writer, "model", tiny)
    live = {"live.repo": changes["base.repo"], "live.revision": changes["base.revision"]}
    folder = make_workspace(live, dvc=False)
    record = run(folder)
    assert record.live is not None
    assert record.live.revision == changes["base.revision"]
    assert set(digests.files(folder / "data" / "live")) == set(record.live.files)
    assert not (folder / "data" / "live" / "none").exists()


def test_pin_never_takes_a_pickle_for_the_live_model(writer: Stage, make_workspace: Make, tiny: Path) -> None:
    pickled(tiny)
    changes = publish(writer, "model", tiny)
    live = {"live.repo": changes["base.repo"], "live.revision": changes["base.revision"]}
    folder = make_workspace({**live, "base.allow_pickle": ["pytorch_model.bin"]}, dvc=False)
    with pytest.raises(InvalidData, match=r"no model.safetensors, only pytorch_model.bin") as caught:
        run(folder)
    assert "allow_pickle" not in str(caught.value), "that is for the base alone"


@pytest.mark.parametrize("key", ["dataset.revision", "base.revision"])
def test_pin_names_a_commit_that_is_not_there(writer: Stage, make_workspace: Make, key: str) -> None:
    folder = make_workspace({key: "0" * 40}, dvc=False)
    with pytest.raises(HubNotFound, match=r"no such revision. Copy the commit again"):
        run(folder)
    assert not (folder / "data").exists()


def test_pin_leaves_the_record_of_before_when_the_cache_is_damaged(
    writer: Stage, make_workspace: Make, tmp_path: Path
) -> None:
    workspaces.write_splits(tmp_path / "set", three())
    changes = publish(writer, "dataset", tmp_path / "set")
    folder = make_workspace(changes, dvc=False)
    run(folder)
    record = (folder / RECORDS["pin"]).read_bytes()
    repo = str(changes["dataset.repo"]).replace("/", "--")
    snapshot = Path(constants.HF_HUB_CACHE) / f"datasets--{repo}" / "snapshots"
    (path,) = snapshot.glob("*/data/train*.parquet")
    path.resolve().write_bytes(b"damaged")
    with pytest.raises(BrokenChain, match="the Hub lists sha256:"):
        run(folder)
    assert (folder / RECORDS["pin"]).read_bytes() == record


def test_pin_writes_no_link_into_the_cache(writer: Stage, make_workspace: Make) -> None:
    # A link would let a step that writes in place damage what the next run reads.
    folder = make_workspace(dvc=False)
    run(folder)
    for path in (folder / "data").rglob("*"):
        assert not path.is_symlink()
        assert path.is_dir() or path.stat().st_nlink == 1


def test_pin_keeps_bf16_weights_as_they_are(writer: Stage, make_workspace: Make, tiny: Path) -> None:
    tensors = {name: one.bfloat16() for name, one in load_file(tiny / "model.safetensors").items()}
    save_file(tensors, tiny / "model.safetensors", metadata={"format": "pt"})
    folder = make_workspace(publish(writer, "model", tiny), dvc=False)
    run(folder)
    assert digests.sha256(folder / "data" / "base" / "model.safetensors") == digests.sha256(
        tiny / "model.safetensors"
    )


@pytest.mark.parametrize(
    ("key", "then"),
    [
        ("live", "If there is none, take in what your service runs with `katman adopt REPO@REV`"),
        ("anchor", "If there is none, set anchor.revision to null in params.yaml, knowing"),
    ],
)
@pytest.mark.parametrize("repo", ["tester/tiny", "tester/none"])
def test_pin_says_what_to_do_when_a_release_vanished(
    writer: Stage, make_workspace: Make, key: str, then: str, repo: str
) -> None:
    names = {"live.repo": repo, "release.repo": repo}
    folder = make_workspace({**names, f"{key}.revision": "0" * 40}, dvc=False)
    with pytest.raises(HubNotFound, match=f"the {key} model is gone: could not ") as caught:
        run(folder)
    message = str(caught.value)
    assert "Run `katman refresh`" in message
    assert then in message
    assert not (folder / "data").exists()


@pytest.mark.filterwarnings("ignore:It seems that you are about to commit a data file:UserWarning")
def test_pin_brings_live_and_anchor_with_the_rows_they_were_trained_on(
    writer: Stage, make_workspace: Make, tiny: Path
) -> None:
    pl.DataFrame({"key": [1]}, schema={"key": pl.UInt64}).write_parquet(tiny / "trained_rows.parquet")
    changes = publish(writer, "model", tiny)
    revision = changes["base.revision"]
    folder = make_workspace(
        {
            **changes,
            "live.repo": changes["base.repo"],
            "release.repo": changes["base.repo"],
            "live.revision": revision,
            "anchor.revision": revision,
        },
        dvc=False,
    )
    record = run(folder)
    assert record.live == record.anchor
    for name in ("live", "anchor"):
        there = digests.files(folder / "data" / name)
        assert "trained_rows.parquet" in there
    # The base is trained from, and not compared by its rows.
    assert "trained_rows.parquet" not in digests.files(folder / "data" / "base")


def test_pin_computes_what_the_live_model_was_trained_on_where_the_model_does_not_say_so(
    writer: Stage, make_workspace: Make, tmp_path: Path
) -> None:
    workspaces.write_splits(tmp_path / "theirs", {"train": triplets(7), "other": triplets(9, start=100)})
    revision = workspaces.put(writer.endpoint, "tester/pin-theirs", "dataset", tmp_path / "theirs")
    data = {"repo": "tester/pin-theirs", "revision": revision}
    live: dict[str, object] = {
        "live.repo": "tester/tiny",
        "live.revision": writer.base,
        "live.trained_on": data,
    }
    folder = make_workspace(live, dvc=False)
    record = run(folder)
    assert record.live_trained_on is not None
    assert record.live_trained_on.ref().model_dump() == data
    rows = folder / paths.LIVE / "trained_rows.parquet"
    queries = triplets(12)["query"]
    assert near(rows, queries).tolist() == [True] * 7 + [False] * 5
    assert not (folder / paths.ANCHOR / "trained_rows.parquet").exists()
    set_params(folder, {"live.trained_on": None})
    assert run(folder).live_trained_on is None
    assert not rows.exists()


@pytest.mark.filterwarnings("ignore:It seems that you are about to commit a data file:UserWarning")
def test_pin_believes_the_live_model_itself_first(writer: Stage, make_workspace: Make, tiny: Path) -> None:
    trained_rows(["nur das"], ["tr"]).write_parquet(tiny / "trained_rows.parquet")
    changes = publish(writer, "model", tiny)
    data = {"repo": "tester/none", "revision": "0" * 40}
    live = {"live.repo": changes["base.repo"], "live.revision": changes["base.revision"]}
    folder = make_workspace({**live, "live.trained_on": data}, dvc=False)
    assert run(folder).live_trained_on is None
    assert near(folder / paths.LIVE / "trained_rows.parquet", ["nur das"]).tolist() == [True]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"dataset.splits.train": "training"}, "has the splits test, train, validation; wanted 'training'"),
        (
            {"dataset.columns.query": "question"},
            "has the columns query, positive, negative in 'train'; wanted",
        ),
    ],
)
def test_pin_names_what_the_data_set_of_the_live_model_lacks(
    writer: Stage, make_workspace: Make, changes: dict[str, object], said: str
) -> None:
    folder = make_workspace(changes, dvc=False)
    params = load(folder)
    asked = TrainedOn(repo="tester/triplets", revision=writer.dataset)
    with pytest.raises(InvalidData) as caught:
        trained.described(Hub(params.hub), asked, params.dataset, params.pin)
    assert said in str(caught.value)
    assert "Name another data set in live.trained_on, or none" in str(caught.value)


def a_set(stage: Stage, folder: Path, **changes: retrieval_sets.Table) -> dict[str, object]:
    """Put a retrieval set on the Hub, and give the value that names it in params.yaml."""
    tables = {
        "corpus": retrieval_sets.CORPUS,
        "queries": retrieval_sets.QUERIES,
        "qrels": retrieval_sets.QRELS,
    } | changes
    names = {"corpus": "corpus.jsonl", "queries": "queries.jsonl", "qrels": "qrels/test.tsv"}
    for name, table in tables.items():
        if table:
            retrieval_sets.write(folder / names[name], table)
    (folder / "loader.py").write_text("raise SystemExit\n")
    repo = f"tester/pin-{next(_numbers)}"
    return {"repo": repo, "revision": workspaces.put(stage.endpoint, repo, "dataset", folder), **names}


def some_pairs(stage: Stage, folder: Path, **changes: object) -> dict[str, object]:
    retrieval_sets.write(folder / "sts.parquet", retrieval_sets.PAIRS)
    repo = f"tester/pin-{next(_numbers)}"
    commit = workspaces.put(stage.endpoint, repo, "dataset", folder)
    columns = {"file": "sts.parquet", "first": "a", "second": "b", "score": "score"}
    return {"kind": "pairs", "repo": repo, "revision": commit, **columns, **changes}


def test_pin_brings_retrieval_and_probes(writer: Stage, make_workspace: Make, tmp_path: Path) -> None:
    own = a_set(writer, tmp_path / "own")
    probes = {"far": {"kind": "retrieval", **own}, "sts": some_pairs(writer, tmp_path / "sts")}
    folder = make_workspace({"retrieval": own, "probes": probes}, dvc=False)
    record = run(folder)
    three_tables = {"corpus.parquet", "queries.parquet", "qrels.parquet"}
    assert digests.files(folder / "data" / "retrieval").keys() == three_tables
    assert digests.files(folder / "data" / "probes").keys() == {
        *(f"far/{name}" for name in three_tables),
        "sts/pairs.parquet",
    }
    assert pl.read_parquet(folder / "data" / "retrieval" / "corpus.parquet")["id"].to_list() == [
        "d1",
        "d2",
        "d3",
    ]
    assert pl.read_parquet(folder / "data" / "probes" / "sts" / "pairs.parquet").columns == [
        "first",
        "second",
        "score",
    ]
    assert record.retrieval is not None
    assert (record.retrieval.repo, record.retrieval.revision) == (own["repo"], own["revision"])
    assert set(record.retrieval.files) == {"corpus.jsonl", "queries.jsonl", "qrels/test.tsv"}
    assert set(record.probes) == {"far", "sts"}
    assert set(record.probes["sts"].files) == {"sts.parquet"}

    before = digests.files(folder / "data")
    run(folder)
    assert digests.files(folder / "data") == before
    workspaces.set_params(folder, {"retrieval": None, "probes": {}})
    run(folder)
    for name in ("retrieval", "probes"):
        assert digests.files(folder / "data" / name).keys() == {"none"}


def test_pin_refuses_a_corpus_without_its_qrels(writer: Stage, make_workspace: Make, tmp_path: Path) -> None:
    own = a_set(writer, tmp_path / "own", qrels={})
    folder = make_workspace({"retrieval": own}, dvc=False)
    with pytest.raises(
        InvalidData, match=r"has no qrels/test.tsv, which retrieval.qrels names; .* in retrieval.qrels_from"
    ):
        run(folder)
    assert not (folder / "data").exists()
    assert not (folder / paths.LEDGER).exists()


def test_pin_refuses_a_probe_without_its_score_column(
    writer: Stage, make_workspace: Make, tmp_path: Path
) -> None:
    probes = {"sts": some_pairs(writer, tmp_path / "sts", score="gold")}
    folder = make_workspace({"probes": probes}, dvc=False)
    with pytest.raises(
        InvalidData, match=r"has the columns a, b, score; wanted 'gold' too. Correct probes.sts"
    ):
        run(folder)
    assert not (folder / "data").exists()
    assert not (folder / paths.LEDGER).exists()


def test_pin_names_the_line_of_a_damaged_ledger_before_it_fetches(make_workspace: Make) -> None:
    folder = make_workspace({"hub.endpoint": "http://127.0.0.1:1"}, dvc=False)
    (folder / paths.LEDGER).write_text("0123456789abcdef dev main\n", encoding="utf-8")
    with pytest.raises(InvalidData, match="line 1 of"):
        run(folder)


def test_pin_counts_what_the_ledger_holds_where_it_was(
    writer: Stage, make_workspace: Make, tmp_path: Path
) -> None:
    workspaces.write_splits(tmp_path / "set", three())
    changes = publish(writer, "dataset", tmp_path / "set")
    folder = make_workspace(changes, dvc=False)
    run(folder)
    moved = {key: [*texts, triplets(4, 20)[key][0]] for key, texts in triplets(6).items()}
    rest = {key: texts[1:] for key, texts in triplets(4, 20).items()}
    workspaces.write_splits(tmp_path / "set", three(train=moved, test=rest))
    head = workspaces.put(writer.endpoint, str(changes["dataset.repo"]), "dataset", tmp_path / "set")
    workspaces.set_params(folder, {"dataset.revision": head})
    record = run(folder)
    assert (record.splits["test"].moved_in, record.splits["train"].moved_out) == (1, 1)
    assert (record.splits["test"].rows, record.splits["train"].rows) == (4, 6)
    assert Pin.load(folder / RECORDS["pin"]).splits == record.splits
