"""What pin brings here, what it refuses, and how it cuts splits that a data set does not have."""

import itertools
import json
import random
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import load_file, save_file

from pipeline import digests, pin
from pipeline.errors import BrokenChain, HubNotFound, InvalidData
from pipeline.folding import fold
from pipeline.hub import Listed
from pipeline.params import load
from pipeline.params.pin import CutParams, DatasetParams
from pipeline.records import Pin
from pipeline.stages import RECORDS
from tests import workspace
from tests.conftest import Make, Stage
from tests.test_pickles import Evil
from tests.workspace import COLUMNS, triplets

Splits = Mapping[str, Mapping[str, Sequence[Any]]]
_numbers = itertools.count()


def dataset_params(**changes: Any) -> DatasetParams:
    values: dict[str, Any] = {
        "repo": "tester/pin",
        "revision": "0" * 40,
        "branch": "main",
        "splits": {"train": "train", "dev": "validation", "test": "test"},
        "columns": {"query": "query", "positive": "positive", "negative": "negative"},
    }
    return DatasetParams.model_validate(values | changes)


WRITE: dict[str, Callable[[pl.DataFrame, Path], object]] = {
    "csv": lambda frame, path: frame.write_csv(path.with_suffix(".csv")),
    "json": lambda frame, path: frame.write_ndjson(path.with_suffix(".jsonl")),
    "parquet": lambda frame, path: frame.write_parquet(path.with_suffix(".parquet")),
}
CUT = CutParams(dev_share=0.2, test_share=0.3, salt="s")
ONLY_TRAIN = {"train": "train", "dev": None, "test": None}


def three(**changes: Mapping[str, Sequence[Any]]) -> dict[str, Mapping[str, Sequence[Any]]]:
    good: dict[str, Mapping[str, Sequence[Any]]] = {
        "train": triplets(6),
        "validation": triplets(3, 10),
        "test": triplets(4, 20),
    }
    return good | changes


def split(folder: Path, content: Splits, cut: CutParams = CUT, **changes: Any) -> dict[str, pl.DataFrame]:
    workspace.write_splits(folder, content)
    params = dataset_params(**changes)
    return pin.split(pin.load(folder, params), params, cut)[0]


def test_pin_maps_the_names_of_splits_and_columns(tmp_path: Path) -> None:
    rows = dict(zip(("soru", "iyi", "kötü"), triplets(3).values(), strict=True)) | {"note": ["x"] * 3}
    found = split(
        tmp_path,
        {"egitim": rows, "dogrulama": rows, "deneme": rows},
        splits={"train": "egitim", "dev": "dogrulama", "test": "deneme"},
        columns={"query": "soru", "positive": "iyi", "negative": "kötü"},
    )
    assert list(found) == ["train", "dev", "test"]
    for rows_found in found.values():
        assert rows_found.columns == ["row", *COLUMNS, "group"]
        assert rows_found.select(COLUMNS).to_dict(as_series=False) == triplets(3)
        assert rows_found["row"].to_list() == [0, 1, 2]


def test_pin_can_swap_columns(tmp_path: Path) -> None:
    columns = {"query": "positive", "positive": "query", "negative": "negative"}
    found = split(tmp_path, three(), columns=columns)
    assert found["train"]["query"].to_list() == triplets(6)["positive"]


def test_pin_reads_splits_that_the_data_set_declares_itself(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    for name, start in (("bir", 0), ("iki", 10), ("uc", 20)):
        pl.DataFrame(triplets(3, start)).write_csv(tmp_path / "files" / f"{name}.csv")
    (tmp_path / "files" / "other.csv").write_text("this,is\nno,triplet\n")
    files = "".join(
        f"  - split: {theirs}\n    path: files/{name}.csv\n"
        for theirs, name in (("train", "bir"), ("validation", "iki"), ("test", "uc"))
    )
    readme = f"---\nconfigs:\n- config_name: default\n  data_files:\n{files}---\n"
    (tmp_path / "README.md").write_text(readme)
    params = dataset_params()
    found, origins = pin.split(pin.load(tmp_path, params), params, CUT)
    assert found["dev"].select(COLUMNS).to_dict(as_series=False) == triplets(3, 10)
    assert {name: (one.source, one.cut, one.rows) for name, one in origins.items()} == {
        "train": ("train", False, 3),
        "dev": ("validation", False, 3),
        "test": ("test", False, 3),
    }


@pytest.mark.parametrize("kind", ["csv", "json", "parquet"])
def test_pin_gives_the_same_rows_whatever_the_files_are(tmp_path: Path, kind: str) -> None:
    for name, columns in three().items():
        WRITE[kind](pl.DataFrame(columns), tmp_path / name)
    params = dataset_params()
    found, _ = pin.split(pin.load(tmp_path, params), params, CUT)
    assert found["test"].select(COLUMNS).to_dict(as_series=False) == triplets(4, 20)


def test_pin_names_a_split_that_is_missing(tmp_path: Path) -> None:
    splits = three()
    del splits["validation"]
    with pytest.raises(
        InvalidData, match="has the splits test, train; wanted 'validation' for dev"
    ) as caught:
        split(tmp_path, splits)
    assert "Correct dataset.splits.dev, or set it to null" in str(caught.value)


def test_pin_names_a_column_that_is_missing(tmp_path: Path) -> None:
    rows = {name: triplets(3)[name] for name in ("query", "positive")}
    with pytest.raises(
        InvalidData, match=r"'train'.* has the columns query, positive; wanted 'negative' too"
    ):
        split(tmp_path, {"train": rows, "validation": rows, "test": rows})


@pytest.mark.parametrize("kind", ["parquet", "csv", "json"])
def test_pin_refuses_a_split_without_rows(tmp_path: Path, kind: str) -> None:
    empty = pl.DataFrame(schema=dict.fromkeys(COLUMNS, pl.String))
    for name, frame in (
        ("train", pl.DataFrame(triplets(3))),
        ("validation", pl.DataFrame(triplets(3))),
        ("test", empty),
    ):
        WRITE[kind](frame, tmp_path / name)
    params = dataset_params()
    with pytest.raises(InvalidData, match=r"has no rows|cannot be read: .*wanted files that hold"):
        pin.split(pin.load(tmp_path, params), params, CUT)


@pytest.mark.parametrize("content", [b"", b"no parquet", b"PAR1PAR1"])
def test_pin_refuses_a_file_that_cannot_be_read(tmp_path: Path, content: bytes) -> None:
    workspace.write_splits(tmp_path, three())
    (tmp_path / "data" / "train-00000-of-00001.parquet").write_bytes(content)
    with pytest.raises(
        InvalidData, match=r"data set tester/pin at 000000000000 cannot be read: .*pin a commit"
    ):
        pin.load(tmp_path, dataset_params())


def test_pin_refuses_a_repository_without_data(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# Nothing\n")
    with pytest.raises(InvalidData, match="cannot be read"):
        pin.load(tmp_path, dataset_params())


def test_pin_names_the_row_of_a_null(tmp_path: Path) -> None:
    rows = triplets(6)
    bad: dict[str, list[Any]] = {**rows, "positive": [*rows["positive"][:4], None, None]}
    with pytest.raises(InvalidData, match="'positive' of split 'train' is null in 2 rows, first in row 4"):
        split(tmp_path, three(train=bad))


def test_pin_refuses_an_empty_cell_of_a_csv_file_as_null(tmp_path: Path) -> None:
    for name in ("train", "validation", "test"):
        (tmp_path / f"{name}.csv").write_text("query,positive,negative\na,,c\nd,e,f\n")
    params = dataset_params()
    with pytest.raises(InvalidData, match="'positive' of split 'train' is null in 1 rows, first in row 0"):
        pin.split(pin.load(tmp_path, params), params, CUT)


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ([1, 2], "int"),
        ([1.5, 2.5], "float"),
        ([True, False], "bool"),
        ([["a"], ["b"]], "list"),
        ([{"a": 1}, {"a": 2}], "dict"),
        ([None, None], "NoneType"),
    ],
)
def test_pin_refuses_a_column_that_holds_no_strings(tmp_path: Path, cells: list[Any], kind: str) -> None:
    bad: dict[str, list[Any]] = {**triplets(2), "negative": cells}
    with pytest.raises(
        InvalidData, match=f"'negative' of split 'train' holds .*, a {kind}, in row 0; wanted strings"
    ):
        split(tmp_path, three(train=bad, validation=bad, test=bad))


def test_pin_refuses_a_split_whose_column_is_of_another_type(tmp_path: Path) -> None:
    bad: dict[str, list[Any]] = {**triplets(2), "negative": [1, 2]}
    with pytest.raises(
        InvalidData, match=r"cannot be read: .*wanted files that hold the same columns, of strings"
    ):
        split(tmp_path, three(train=bad))


def test_pin_refuses_strings_mixed_with_numbers(tmp_path: Path) -> None:
    rows = [{"query": "a", "positive": "b", "negative": "c"}, {"query": 5, "positive": "b", "negative": "c"}]
    for name in ("train", "validation", "test"):
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    params = dataset_params()
    with pytest.raises(
        InvalidData, match="'query' of split 'train' holds '5', a int, in row 1; wanted strings"
    ):
        pin.split(pin.load(tmp_path, params), params, CUT)


def many(count: int = 300, seed: int = 3) -> dict[str, list[str]]:
    """Make rows in which most queries stand several times, in several spellings."""
    rows = triplets(count)
    draw = random.Random(seed)
    spellings = ("iptal {}", "İPTAL {}", "  iptal   {} ")
    rows["query"] = [draw.choice(spellings).format(draw.randrange(count // 3)) for _ in range(count)]
    return rows


def test_pin_cuts_splits_by_group_of_query(tmp_path: Path) -> None:
    found = split(tmp_path, {"train": many()}, splits=ONLY_TRAIN)
    assert sum(rows.height for rows in found.values()) == 300
    seen: dict[str, str] = {}
    for name, rows in found.items():
        for query in rows["query"]:
            assert seen.setdefault(fold(query), name) == name
    assert 0.1 < found["dev"].height / 300 < 0.3
    assert 0.2 < found["test"].height / 300 < 0.4


def test_pin_cuts_the_same_splits_again(tmp_path: Path) -> None:
    first = split(tmp_path / "a", {"train": many()}, splits=ONLY_TRAIN)
    again = split(tmp_path / "b", {"train": many()}, splits=ONLY_TRAIN)
    assert all(first[name].equals(again[name]) for name in first)


def test_pin_cuts_the_same_splits_whatever_the_order_of_rows(tmp_path: Path) -> None:
    rows = pl.DataFrame(many())
    first = split(tmp_path / "a", {"train": rows.to_dict(as_series=False)}, splits=ONLY_TRAIN)
    mixed = rows.sample(fraction=1, shuffle=True, seed=1).to_dict(as_series=False)
    other = split(tmp_path / "b", {"train": mixed}, splits=ONLY_TRAIN)
    for name in first:
        assert first[name].drop("row").sort(COLUMNS).equals(other[name].drop("row").sort(COLUMNS))


def test_pin_cuts_a_query_into_the_same_split_when_rows_are_added(tmp_path: Path) -> None:
    rows = many()
    first = split(
        tmp_path / "a", {"train": {key: texts[:200] for key, texts in rows.items()}}, splits=ONLY_TRAIN
    )
    more = split(tmp_path / "b", {"train": rows}, splits=ONLY_TRAIN)
    for name in first:
        assert set(first[name]["group"]) <= set(more[name]["group"])


def test_pin_cuts_other_splits_with_another_salt(tmp_path: Path) -> None:
    other = CUT.model_copy(update={"salt": "t"})
    first = split(tmp_path / "a", {"train": many()}, splits=ONLY_TRAIN)
    second = split(tmp_path / "b", {"train": many()}, cut=other, splits=ONLY_TRAIN)
    assert not first["test"].equals(second["test"])


def test_pin_cuts_only_what_is_missing(tmp_path: Path) -> None:
    splits = {"train": many(), "test": triplets(5, 100)}
    found = split(tmp_path, splits, splits={"train": "train", "dev": None, "test": "test"})
    assert found["test"].height == 5
    assert found["train"].height + found["dev"].height == 300
    assert 0.1 < found["dev"].height / 300 < 0.3


def test_pin_rows_keep_their_number_when_they_are_cut(tmp_path: Path) -> None:
    rows = many()
    found = split(tmp_path, {"train": rows}, splits=ONLY_TRAIN)
    for part in found.values():
        for row, query in part.select("row", "query").iter_rows():
            assert rows["query"][row] == query


@pytest.mark.parametrize(("dev", "test"), [(0.0, 0.3), (0.3, 0.0)])
def test_pin_refuses_a_cut_that_leaves_a_split_empty(tmp_path: Path, dev: float, test: float) -> None:
    cut = CutParams(dev_share=dev, test_share=test, salt="s")
    empty = "dev" if dev == 0 else "test"
    with pytest.raises(
        InvalidData, match=f"the split {empty} of .*has no rows.*enlarge the shares in pin.cut"
    ):
        split(tmp_path, {"train": many()}, cut=cut, splits=ONLY_TRAIN)


# --- which files of a model repository are fetched -------------------------------------------------------


def listed(*paths: str) -> dict[str, Listed]:
    return {path: Listed(path, 1, "git:0") for path in paths}


BGE_M3 = (
    ".gitattributes",
    "1_Pooling/config.json",
    "README.md",
    "colbert_linear.pt",
    "config.json",
    "config_sentence_transformers.json",
    "imgs/bm25.jpg",
    "long.jpg",
    "modules.json",
    "onnx/Constant_7_attr__value",
    "onnx/config.json",
    "onnx/model.onnx",
    "onnx/model.onnx_data",
    "pytorch_model.bin",
    "sentence_bert_config.json",
    "sentencepiece.bpe.model",
    "sparse_linear.pt",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
)
BGE_M3_WANTED = {
    "1_Pooling/config.json",
    "README.md",
    "config.json",
    "config_sentence_transformers.json",
    "modules.json",
    "sentence_bert_config.json",
    "sentencepiece.bpe.model",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
}


def test_pin_wants_of_bge_m3_only_what_training_reads() -> None:
    wanted = pin.wanted_files(listed(*BGE_M3), "BAAI/bge-m3", ("pytorch_model.bin",))
    assert wanted == BGE_M3_WANTED | {"pytorch_model.bin"}


def test_pin_wants_no_pickle_beside_safetensors_even_where_it_is_named() -> None:
    found = listed(*BGE_M3, "model.safetensors")
    assert pin.wanted_files(found, "BAAI/bge-m3", ("pytorch_model.bin",)) == BGE_M3_WANTED | {
        "model.safetensors"
    }


def test_pin_refuses_a_pickle_that_is_not_named() -> None:
    with pytest.raises(InvalidData) as caught:
        pin.wanted_files(listed(*BGE_M3), "BAAI/bge-m3", ())
    message = str(caught.value)
    assert "no safetensors weights, only colbert_linear.pt, pytorch_model.bin, sparse_linear.pt" in message
    assert "name the file in base.allow_pickle" in message


@pytest.mark.parametrize("allowed", [(), ("pytorch_model.bin",)])
def test_pin_refuses_a_repository_without_weights(allowed: tuple[str, ...]) -> None:
    with pytest.raises(InvalidData, match=r"only no weights at all; wanted model.safetensors"):
        pin.wanted_files(listed("config.json", "onnx/model.safetensors"), "tester/none", allowed)


def test_pin_wants_every_shard_of_the_weights() -> None:
    shards = [f"model-0000{place}-of-00002.safetensors" for place in (1, 2)]
    found = listed("config.json", "model.safetensors.index.json", *shards)
    assert pin.wanted_files(found, "tester/sharded", ()) == set(found)


# --- the whole step, against a Hub ------------------------------------------------------------------------


def publish(stage: Stage, kind: str, folder: Path) -> dict[str, object]:
    """Put a folder on the Hub as a new repository, and give the parameters that pin it."""
    repo = f"tester/pin-{next(_numbers)}"
    commit = workspace.put(stage.endpoint, repo, kind, folder)
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
    assert record.live is None
    assert record.dataset.license == "apache-2.0"
    assert {name: one.rows for name, one in record.splits.items()} == {"train": 60, "dev": 20, "test": 30}
    base = folder / "data" / "base"
    assert set(record.base.files) == set(digests.files(base))
    for path, file in record.base.files.items():
        assert file.size == (base / path).stat().st_size
        kind, wanted = file.digest.split(":")
        assert wanted == (digests.sha256 if kind == "sha256" else digests.git_oid)(base / path)


def test_pin_twice_gives_the_same_bytes(writer: Stage, make_workspace: Make) -> None:
    folder = make_workspace(dvc=False)
    run(folder)
    before = digests.files(folder / "data") | digests.files(folder / "records")
    (folder / "data" / "raw" / "left_over.parquet").write_bytes(b"x")
    (folder / "data" / "base" / "left_over.json").write_bytes(b"x")
    run(folder)
    assert digests.files(folder / "data") | digests.files(folder / "records") == before


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
    with pytest.raises(InvalidData, match=r"only pytorch_model.bin; .*name the file in base.allow_pickle"):
        run(folder)
    assert not (folder / RECORDS["pin"]).exists()
    assert not (folder / "data").exists()


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

    from pipeline import models

    assert models.load(folder / "data" / "base").get_embedding_dimension() == 32


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


def test_pin_never_fetches_code_of_a_data_set(writer: Stage, make_workspace: Make, tmp_path: Path) -> None:
    workspace.write_splits(tmp_path / "set", three())
    (tmp_path / "set" / "set.py").write_text("raise SystemExit('ran')\n")
    changes = publish(writer, "dataset", tmp_path / "set")
    folder = make_workspace(changes, dvc=False)
    record = run(folder)
    assert "set.py" not in record.dataset.files
    repo = str(changes["dataset.repo"]).replace("/", "--")
    assert not list((Path(constants.HF_HUB_CACHE) / f"datasets--{repo}").rglob("*.py"))


def test_pin_stays_on_its_commit_when_the_branch_moves(
    writer: Stage, make_workspace: Make, tmp_path: Path
) -> None:
    workspace.write_splits(tmp_path / "set", three())
    changes = publish(writer, "dataset", tmp_path / "set")
    workspace.write_splits(tmp_path / "set", three(train=triplets(9, 50)))
    head = workspace.put(writer.endpoint, str(changes["dataset.repo"]), "dataset", tmp_path / "set")
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
    with pytest.raises(InvalidData, match=r"no safetensors weights, only pytorch_model.bin"):
        run(folder)


@pytest.mark.parametrize("key", ["dataset.revision", "base.revision", "live.revision"])
def test_pin_names_a_commit_that_is_not_there(writer: Stage, make_workspace: Make, key: str) -> None:
    folder = make_workspace({"live.repo": "tester/tiny", key: "0" * 40}, dvc=False)
    with pytest.raises(HubNotFound, match=r"no such revision. Copy the commit again"):
        run(folder)
    assert not (folder / "data").exists()


def test_pin_leaves_the_record_of_before_when_the_cache_is_damaged(
    writer: Stage, make_workspace: Make, tmp_path: Path
) -> None:
    workspace.write_splits(tmp_path / "set", three())
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
