"""Every measure against sentence-transformers' own, on a small workspace written by hand."""

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.evaluation import (
    InformationRetrievalEvaluator,
    TripletEvaluator,
)

from pipeline.dataset import training_fingerprint
from pipeline.dataset.languages.tr import fold
from pipeline.errors import InvalidData, InvalidParams
from pipeline.params import load
from pipeline.records import (
    EncodedTexts,
    HeldOut,
    Metrics,
    ModelName,
    Pin,
    PinnedRepo,
    PinnedSplit,
    Reembed,
    RepoRef,
    Retrieval,
    SplitScores,
)
from pipeline.records.tables import OUTCOMES, RETRIEVED
from pipeline.stages.evaluate import step as evaluate
from pipeline.stages.evaluate.result_tables import accuracy
from pipeline.workspace import digests, lineage
from pipeline.workspace.files import write_text
from pipeline.workspace.paths import RECORDS
from tests.support import workspaces

DIMS = (32, 16, 4)
PROMPTS = {"query": "mi ", "document": "evet "}
SPLITS: tuple[HeldOut, ...] = ("dev", "test")
CHANGES: dict[str, Any] = {
    "dataset.slices": ["plan"],
    "model.dims": list(DIMS),
    "model.prompts": PROMPTS,
    "model.max_seq_length": 16,
    "train.loss.matryoshka_weights": [1, 1, 1],
    "evaluate.search_vectors": 200,
    "gate.floors": dict.fromkeys(DIMS, 0.0),
    "hardware.threads": 1,
}
LIVE = "1" * 40


def group(query: str) -> str:
    return hashlib.sha256(fold(query).encode()).hexdigest()[:16]


def write_split(folder: Path, name: str, columns: Mapping[str, Sequence[str]]) -> pl.DataFrame:
    rows = pl.DataFrame(columns).with_row_index("row")
    rows = rows.with_columns(group=rows["query"].map_elements(group, return_dtype=pl.String))
    (folder / "data" / "clean").mkdir(parents=True, exist_ok=True)
    rows.write_parquet(folder / "data" / "clean" / f"{name}.parquet")
    return rows.select(pl.lit(name).alias("split"), "row", "group").with_columns(
        component=pl.col("group").rank("dense").cast(pl.UInt32),
        hard=pl.col("row") % 3 == 0,
        near_train=pl.col("row") % 7 == 0,
        new=pl.col("row") < 5,
        personal=pl.lit(False),
        slice_plan=pl.when(pl.col("row") % 2 == 0).then(pl.lit("çift")).otherwise(pl.lit("tek")),
    )


def nothing(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "none").touch()


def pinned(repo: str, revision: str) -> PinnedRepo:
    return PinnedRepo(repo=repo, revision=revision, private=False, license=None, files={})


def name_in_pin(folder: Path, **repos: PinnedRepo | None) -> None:
    path = folder / RECORDS["pin"]
    path.write_text(Pin.load(path).model_copy(update=repos).dump(), encoding="utf-8")


def tuned(folder: Path, seed: int) -> None:
    """Save a tiny model with the recipe's prompts and length, as training does."""
    workspaces.tiny_model(folder.with_name("untuned"), seed=seed)
    model = SentenceTransformer(str(folder.with_name("untuned")), device="cpu")
    model.prompts, model.max_seq_length = dict(PROMPTS), 16
    model.save_pretrained(str(folder), create_model_card=False)
    shutil.rmtree(folder.with_name("untuned"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace as pin, audit and train leave it: no live model, anchor, probe or retrieval set."""
    folder = tmp_path_factory.mktemp("evaluate") / "work"
    folder.mkdir()
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copyfile(workspaces.PROJECT / name, folder / name)
    (folder / "pipeline").symlink_to(workspaces.PROJECT / "pipeline")
    workspaces.set_params(folder, CHANGES)
    splits = workspaces.mixed()
    for place in range(0, 20, 2):  # ten groups of two rows, one of them in capitals
        splits["test"]["query"][place + 1] = splits["test"]["query"][place].replace("i", "İ").upper()
    traits = [
        write_split(folder, "dev", splits["validation"]),
        write_split(folder, "test", splits["test"]),
    ]
    pl.concat(traits).write_parquet(folder / "data" / "traits.parquet")
    workspaces.tiny_model(folder / "data" / "base")
    tuned(folder / "model", seed=1)
    for name in ("live", "anchor", "probes", "retrieval"):
        nothing(folder / "data" / name)
    split = PinnedSplit(source="x", cut=False, rows=1, moved_in=0, moved_out=0)
    pin = Pin(
        endpoint="http://127.0.0.1",
        dataset=pinned("tester/mixed", "d" * 40),
        base=pinned("tester/tiny", "b" * 40),
        live=None,
        anchor=None,
        retrieval=None,
        probes={},
        converted_pickles=(),
        splits={"test": split},
    )
    write_text(folder / RECORDS["pin"], pin.dump())
    return folder


@pytest.fixture(scope="module")
def done(made: Path) -> Path:
    """The same, evaluated; nobody changes it."""
    evaluate.run(made, load(made))
    return made


@pytest.fixture(scope="module")
def metrics(done: Path) -> Metrics:
    return Metrics.load(done / RECORDS["evaluate"])


@pytest.fixture
def work(done: Path, tmp_path: Path) -> Path:
    """A copy of the evaluated workspace to change, with its cache."""
    return Path(shutil.copytree(done, tmp_path / "work", symlinks=True))


def with_live(folder: Path, source: str, revision: str = LIVE) -> Path:
    """Make a copy of another model the live one."""
    shutil.rmtree(folder / "data" / "live")
    shutil.copytree(folder / source, folder / "data" / "live")
    name_in_pin(folder, live=pinned("tester/live", revision))
    return folder


def retrieval(found: Metrics, model: ModelName, split: HeldOut) -> dict[int, Retrieval]:
    return found.models[model].splits[split].retrieval


def rows_of(folder: Path, split: str) -> pl.DataFrame:
    return pl.read_parquet(folder / "data" / "clean" / f"{split}.parquet")


def triplet_accuracy(
    model: SentenceTransformer, folder: Path, split: str, dim: int, query: str, document: str
) -> float:
    """Score a split with sentence-transformers, the prompts written into the texts."""
    rows = rows_of(folder, split)
    model.prompts = dict.fromkeys(model.prompts, "")
    evaluator = TripletEvaluator(
        anchors=[query + text for text in rows["query"]],
        positives=[document + text for text in rows["positive"]],
        negatives=[document + text for text in rows["negative"]],
        truncate_dim=dim,
        name="x",
    )
    return float(evaluator(model)["x_cosine_accuracy"])


@pytest.mark.parametrize(("name", "place"), [("base", "data/base"), ("candidate", "model")])
@pytest.mark.parametrize("split", ["dev", "test"])
def test_evaluate_gives_the_accuracies_of_triplet_evaluator(
    done: Path, metrics: Metrics, name: ModelName, place: str, split: HeldOut
) -> None:
    model = SentenceTransformer(str(done / place), device="cpu")
    model.max_seq_length = 16
    for dim in DIMS:
        wanted = triplet_accuracy(model, done, split, dim, PROMPTS["query"], PROMPTS["document"])
        assert metrics.models[name].splits[split].triplets[dim].accuracy == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("split", ["dev", "test"])
def test_evaluate_gives_the_retrieval_of_information_retrieval_evaluator(
    done: Path, metrics: Metrics, split: HeldOut
) -> None:
    rows = rows_of(done, split)
    queries: dict[str, Any] = {}
    corpus: dict[str, Any] = {}
    relevant: dict[str, set[str]] = {}
    for query, positive, negative, key in rows.select("query", "positive", "negative", "group").iter_rows():
        queries.setdefault(key, query)
        relevant.setdefault(key, set()).add(fold(positive))
        for text in (positive, negative):
            corpus.setdefault(fold(text), text)
    model = SentenceTransformer(str(done / "model"), device="cpu")
    for dim in DIMS:
        evaluator = InformationRetrievalEvaluator(
            queries,
            corpus,
            relevant,
            mrr_at_k=[10],
            ndcg_at_k=[10],
            precision_recall_at_k=[10, 100],
            accuracy_at_k=[1],
            map_at_k=[1],
            query_prompt=PROMPTS["query"],
            corpus_prompt=PROMPTS["document"],
            truncate_dim=dim,
            write_csv=False,
        )
        wanted = evaluator(model)
        found = retrieval(metrics, "candidate", split)[dim]
        assert found.queries == len(queries)
        assert found.ndcg10 == pytest.approx(wanted["cosine_ndcg@10"], abs=1e-6)
        assert found.mrr10 == pytest.approx(wanted["cosine_mrr@10"], abs=1e-6)
        assert found.recall10 == pytest.approx(wanted["cosine_recall@10"], abs=1e-6)
        assert found.recall100 == pytest.approx(wanted["cosine_recall@100"], abs=1e-6)


def test_evaluate_scores_are_neither_all_nor_nothing(metrics: Metrics) -> None:
    # Else the tests above could pass with anything.
    scores = [one.splits["test"].triplets[dim].accuracy for one in metrics.models.values() for dim in DIMS]
    scores += [retrieval(metrics, "candidate", name)[dim].ndcg10 for name in SPLITS for dim in DIMS]
    assert len(set(scores)) > 6
    assert all(0 < score < 1 for score in scores)


def test_evaluate_outcomes_have_a_row_per_model_split_triplet_and_width(done: Path, metrics: Metrics) -> None:
    outcomes = pl.read_parquet(done / "outcomes.parquet")
    assert dict(outcomes.schema) == OUTCOMES.columns
    assert outcomes.height == 2 * (30 + 40) * len(DIMS)
    assert outcomes.select("model", "split", "row", "dim").is_duplicated().sum() == 0
    assert outcomes.null_count().sum_horizontal().item() == 0
    assert outcomes["cos_positive"].is_between(-1.0001, 1.0001).all()
    hits = outcomes.group_by("model", "split", "dim").agg(
        hits=(pl.col("cos_positive") > pl.col("cos_negative")).sum(), rows=pl.len()
    )
    for model, split, dim, count, rows in hits.iter_rows():
        assert metrics.models[model].splits[split].triplets[dim] == accuracy(count, rows)
    clean = rows_of(done, "test").select("row", "group")
    one = outcomes.filter(pl.col("model") == "base", pl.col("split") == "test", pl.col("dim") == 4)
    assert one.select("row", "group").equals(clean)
    assert one["seen"].to_list() == [row % 7 == 0 for row in range(40)]  # near_train


def test_evaluate_retrieved_has_a_row_per_query_and_cell(done: Path, metrics: Metrics) -> None:
    retrieved = pl.read_parquet(done / "retrieved.parquet")
    assert dict(retrieved.schema) == RETRIEVED.columns
    assert retrieved.select("model", "set", "split", "query", "dim", "precision").is_duplicated().sum() == 0
    # 30 and 30 groups; the candidate at three precisions, the base in float32.
    assert retrieved.height == (30 + 30) * len(DIMS) * (3 + 1)
    assert set(retrieved["set"]) == {"own"}
    means = retrieved.group_by("model", "split", "dim", "precision").agg(pl.col("ndcg10").mean())
    for model, split, dim, precision, ndcg10 in means.iter_rows():
        if precision == "float32":
            wanted = retrieval(metrics, model, split)[dim].ndcg10
            assert ndcg10 == pytest.approx(wanted, abs=1e-12)
        if model == "candidate":
            (stored,) = [
                one for one in metrics.stored_vectors if (one.dim, one.precision) == (dim, precision)
            ]
            assert ndcg10 == pytest.approx(stored.ndcg10[split], abs=1e-12)
    traits = pl.read_parquet(done / "data" / "traits.parquet").filter(pl.col("split") == "test")
    by_group = traits.group_by("group").agg(pl.col("component").first(), pl.col("near_train").any())
    one = retrieved.filter(model="candidate", split="test", dim=4, precision="binary")
    joined = one.join(by_group, left_on="query", right_on="group", validate="1:1")
    assert joined.height == 30
    assert (joined["component"] == joined["component_right"]).all()
    assert (joined["seen"] == joined["near_train"]).all()


def test_evaluate_tells_hard_rows_and_slices_apart(done: Path, metrics: Metrics) -> None:
    outcomes = pl.read_parquet(done / "outcomes.parquet").filter(model="candidate", split="test", dim=32)
    hit = (outcomes["cos_positive"] > outcomes["cos_negative"]).to_list()

    def wanted(rows: Sequence[int]) -> Any:
        return accuracy(sum(hit[row] for row in rows), len(rows))

    scores = metrics.candidate.splits["test"]
    assert scores.hard == wanted(range(0, 40, 3))
    assert scores.slices == {
        "plan": {"tek": wanted(range(1, 40, 2)), "çift": wanted(range(0, 40, 2))},
        "rows": {"new": wanted(range(5)), "old": wanted(range(5, 40))},
    }
    assert metrics.candidate.splits["dev"].slices == {}


def test_evaluate_names_what_it_scored(done: Path, metrics: Metrics) -> None:
    candidate = digests.digest(done / "model")
    revisions = [(name, one.revision) for name, one in metrics.models.items()]
    assert revisions == [("base", "b" * 40), ("candidate", candidate)]
    assert (metrics.service, metrics.candidate.service, metrics.rivals) == (None, {}, {})
    assert metrics.soundness.model_dump() == {
        "weights_finite": True,
        "unit_norm": True,
        "safetensors_only": True,
    }
    found = Reembed.load(done / "reembed.json")
    assert (found.compatible, found.live_space, found.space) == (None, None, candidate[:12])
    assert found.ndcg10 == {"candidate": retrieval(metrics, "candidate", "test")[32].ndcg10}
    assert found.gigabytes_per_million[16] == {"float32": 0.064, "int8": 0.016, "binary": 0.002}


def measured(found: Metrics) -> dict[str, Any]:
    """Give the metrics without what another run may well do in another time."""
    content = found.model_dump(exclude={"encoded"})
    for stored in (*content["stored_vectors"], content["recommended"]):
        del stored["search_ms"]
    return content


def test_evaluate_measures_the_base_with_its_own_prompts_where_the_recipe_has_none(
    work: Path, metrics: Metrics
) -> None:
    assert metrics.base_prompts == PROMPTS
    path = work / "data" / "base" / "config_sentence_transformers.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"prompts": PROMPTS}))
    workspaces.set_params(work, {"model.prompts": {"query": "", "document": ""}})
    found = evaluate.run(work, load(work))
    assert found.base_prompts == PROMPTS
    assert found.models["base"].splits == metrics.models["base"].splits


def test_evaluate_again_gives_the_same_from_the_cache(work: Path, metrics: Metrics) -> None:
    before = {
        path: (work / path).read_bytes() for path in ("outcomes.parquet", "retrieved.parquet", "reembed.json")
    }
    found = evaluate.run(work, load(work))
    assert metrics.encoded.encoded > 0
    assert metrics.encoded.cached == 0
    assert found.encoded == EncodedTexts(encoded=0, cached=metrics.encoded.encoded)
    assert measured(found) == measured(metrics)
    assert before == {path: (work / path).read_bytes() for path in before}


def test_evaluate_without_its_cache_gives_the_same(work: Path, metrics: Metrics) -> None:
    before = {path: (work / path).read_bytes() for path in ("outcomes.parquet", "retrieved.parquet")}
    shutil.rmtree(work / ".vectors")
    found = evaluate.run(work, load(work))
    assert found.encoded == metrics.encoded
    assert before == {path: (work / path).read_bytes() for path in before}


def test_evaluate_scores_the_live_model_as_its_users_load_it(work: Path) -> None:
    found = evaluate.run(with_live(work, "data/base"), load(work))  # 32 tokens and no prompts
    assert list(found.models) == ["base", "candidate", "live"]
    assert found.rivals["live"].revision == LIVE
    model = SentenceTransformer(str(work / "data" / "live"), device="cpu")
    for split in SPLITS:
        for dim in DIMS:
            wanted = triplet_accuracy(model, work, split, dim, "", "")
            scores = found.models["live"].splits[split].triplets
            assert scores[dim].accuracy == pytest.approx(wanted, abs=1e-6)
    assert found.models["live"].splits != found.models["base"].splits
    outcomes = pl.read_parquet(work / "outcomes.parquet")
    assert outcomes["model"].n_unique() == 3
    # It does not say what it was trained on, so nobody knows what it has seen.
    assert outcomes.filter(model="live")["seen"].null_count() == (30 + 40) * len(DIMS)
    retrieved = pl.read_parquet(work / "retrieved.parquet")
    assert retrieved.filter(model="live")["seen"].is_null().all()
    assert retrieved.filter(model="base")["seen"].is_not_null().all()


def test_evaluate_marks_what_the_live_model_was_trained_on(work: Path) -> None:
    with_live(work, "data/base")
    trained = rows_of(work, "test").head(4)
    training_fingerprint.trained_rows(trained["query"].to_list(), ["tr"]).write_parquet(
        work / "data" / "live" / "trained_rows.parquet"
    )
    evaluate.run(work, load(work))
    outcomes = pl.read_parquet(work / "outcomes.parquet").filter(model="live", dim=32)
    test = outcomes.filter(split="test")["seen"].to_list()
    assert test == [True] * 4 + [False] * 36  # another number is another text
    assert not outcomes.filter(split="dev")["seen"].any()
    retrieved = pl.read_parquet(work / "retrieved.parquet").filter(model="live", split="test", dim=4)
    assert retrieved.filter("seen")["query"].sort().equals(trained["group"].unique().sort())
    assert retrieved["seen"].null_count() == 0


def test_evaluate_of_the_live_model_itself_finds_its_vectors_compatible(work: Path) -> None:
    with_live(work, "model")
    config = work / "data" / "live" / "config_sentence_transformers.json"
    content = json.loads(config.read_text(encoding="utf-8"))
    config.write_text(json.dumps({**content, "katman_space": "uzay"}), encoding="utf-8")
    evaluate.run(work, load(work))
    found = Reembed.load(work / "reembed.json")
    assert (found.compatible, found.live_space, found.space) == (True, "uzay", "uzay")
    assert set(found.ndcg10) == {
        "candidate", "live", "new_on_old", "old_on_new", "mixed_10", "mixed_50", "mixed_90",
    }  # fmt: skip
    assert len(set(found.ndcg10.values())) == 1
    assert found.score_shift == {"0.05": 0.0, "0.5": 0.0, "0.95": 0.0}


def test_evaluate_of_another_training_is_another_vector_space(work: Path, metrics: Metrics) -> None:
    evaluate.run(with_live(work, "data/base"), load(work))
    found = Reembed.load(work / "reembed.json")
    assert (found.compatible, found.live_space, found.space) == (False, LIVE, metrics.candidate.revision[:12])
    assert found.ndcg10["new_on_old"] < found.ndcg10["live"] - 0.01
    assert found.ndcg10["mixed_50"] != found.ndcg10["mixed_90"]


def test_evaluate_scores_a_narrower_live_model_at_the_widths_that_it_has(work: Path) -> None:
    workspaces.tiny_model(work / "narrow", width=16)
    found = evaluate.run(with_live(work, "narrow"), load(work))
    live, candidate = found.models["live"].splits["test"], found.candidate.splits["test"]
    assert list(live.triplets) == list(live.retrieval) == [16, 4]
    assert live.hard is not None
    assert candidate.hard is not None
    assert live.hard.rows == candidate.hard.rows
    space = Reembed.load(work / "reembed.json")
    assert space.compatible is False
    assert space.ndcg10 == {
        "candidate": candidate.retrieval[16].ndcg10,
        "live": live.retrieval[16].ndcg10,
    }


def test_evaluate_has_nothing_of_a_live_model_below_every_width(work: Path) -> None:
    workspaces.set_params(work, {"model.dims": [32, 16], "train.loss.matryoshka_weights": [1, 1]})
    workspaces.set_params(work, {"gate.floors": {32: 0.0, 16: 0.0}})
    workspaces.tiny_model(work / "narrow", width=8)
    found = evaluate.run(with_live(work, "narrow"), load(work))
    nothing = SplitScores(triplets={}, hard=None, slices={}, retrieval={})
    assert found.models["live"].splits == {"dev": nothing, "test": nothing}
    space = Reembed.load(work / "reembed.json")
    assert (space.compatible, list(space.ndcg10), space.score_shift) == (False, ["candidate"], {})


def test_evaluate_measures_an_anchor_that_is_live_once(work: Path) -> None:
    with_live(work, "data/base")
    once = evaluate.run(work, load(work)).encoded
    name_in_pin(work, anchor=pinned("tester/live", LIVE))
    found = evaluate.run(work, load(work))
    assert found.encoded.encoded + found.encoded.cached == once.encoded + once.cached
    assert found.models["anchor"].revision == LIVE
    assert found.models["anchor"] == found.models["live"]
    outcomes = pl.read_parquet(work / "outcomes.parquet")
    assert outcomes.filter(model="anchor").drop("model").equals(outcomes.filter(model="live").drop("model"))


def test_evaluate_measures_an_anchor_of_its_own(work: Path) -> None:
    with_live(work, "data/base")
    shutil.rmtree(work / "data" / "anchor")
    tuned(work / "data" / "anchor", seed=3)
    name_in_pin(work, anchor=pinned("tester/live", "2" * 40))
    found = evaluate.run(work, load(work))
    assert list(found.models) == ["base", "candidate", "live", "anchor"]
    assert found.models["anchor"].splits != found.models["live"].splits


def test_evaluate_refuses_a_candidate_that_is_narrower(work: Path) -> None:
    before = (work / RECORDS["evaluate"]).read_bytes()
    shutil.rmtree(work / "model")
    workspaces.tiny_model(work / "model", width=16)
    with pytest.raises(InvalidParams, match=r"the candidate has 16 dimensions and model.dims asks for 32"):
        evaluate.run(work, load(work))
    assert (work / RECORDS["evaluate"]).read_bytes() == before


def write_sets(folder: Path) -> dict[str, dict[str, list[Any]]]:
    """Write a service's retrieval set, and a probe of each kind."""
    tables: dict[str, dict[str, list[Any]]] = {
        "corpus": {"id": ["a", "b", "c"], "text": ["fatura var 1", "hat yok 2", "tarife"]},
        "queries": {"id": ["x", "y", "z"], "text": ["fatura mi", "hat mi", "paket"]},
        "qrels": {"query": ["x", "y", "y"], "document": ["a", "b", "c"], "score": [1, 1, 0]},
    }
    for place in ("retrieval", "probes/arama"):
        shutil.rmtree(folder / "data" / place.split("/")[0], ignore_errors=True)
    for place in ("retrieval", "probes/arama"):
        (folder / "data" / place).mkdir(parents=True)
        for name, columns in tables.items():
            pl.DataFrame(columns).write_parquet(folder / "data" / place / f"{name}.parquet")
    (folder / "data" / "probes" / "benzer").mkdir()
    pl.DataFrame(
        {
            "first": ["fatura var", "hat yok", "paket açık", "cihaz 5"],
            "second": ["fatura var 1", "hat 2", "tarife kapalı", "numara"],
            "score": [5.0, 4.0, 1.0, 0.0],
        }
    ).write_parquet(folder / "data" / "probes" / "benzer" / "pairs.parquet")
    return tables


def test_evaluate_measures_the_users_retrieval_and_the_probes(work: Path) -> None:
    write_sets(work)
    with_live(work, "data/base")
    name_in_pin(work, retrieval=pinned("tester/service", "e" * 40), anchor=pinned("tester/live", LIVE))
    found = evaluate.run(work, load(work))
    assert found.probe_measures == {"arama": "ndcg10", "benzer": "spearman"}
    asked = {name: sorted(one.probes) for name, one in found.models.items()}
    both = ["arama", "benzer"]
    assert asked == {"base": both, "candidate": both, "live": both, "anchor": []}
    assert found.service == RepoRef(repo="tester/service", revision="e" * 40)
    assert list(found.models["base"].service) == list(DIMS)
    assert found.models["base"].service[32].queries == 2  # z has no relevant document
    assert found.candidate.probes["arama"] == found.candidate.service[32].ndcg10
    retrieved = pl.read_parquet(work / "retrieved.parquet")
    service = retrieved.filter(model="candidate", set="service", dim=16)
    assert service.select("query", "component", "seen", "split").rows() == [
        ("x", 0, False, None),
        ("y", 1, False, None),
    ]
    assert retrieved.filter(set="arama")["dim"].unique().to_list() == [32]


def test_evaluate_refuses_a_probe_whose_scores_are_all_one(work: Path) -> None:
    write_sets(work)
    path = work / "data" / "probes" / "benzer" / "pairs.parquet"
    pl.read_parquet(path).with_columns(score=pl.lit(1.0)).write_parquet(path)
    with pytest.raises(InvalidData, match=r"the probe benzer have 1 different scores; wanted at least 2"):
        evaluate.run(work, load(work))


def test_evaluate_of_broken_weights_says_so_and_gives_numbers(work: Path) -> None:
    write_sets(work)
    path = next((work / "model").rglob("*.safetensors"))
    weights = load_file(path)
    name = next(name for name in weights if name.endswith("output.dense.weight"))
    weights[name] = torch.full_like(weights[name], float("nan"))
    save_file(weights, path, {"format": "pt"})
    (work / "model" / "training_args.bin").write_bytes(b"x")
    found = evaluate.run(work, load(work))
    assert found.soundness.model_dump() == {
        "weights_finite": False,
        "unit_norm": False,
        "safetensors_only": False,
    }
    assert found.candidate.splits["test"].triplets[32].accuracy == 0
    assert found.candidate.probes["benzer"] == 0
    assert found.candidate.splits["test"].retrieval[32].ndcg10 < 0.5
    done = Metrics.load(work / RECORDS["evaluate"])
    assert found.models["base"].splits == done.models["base"].splits


def test_evaluate_of_one_split_chooses_on_it(work: Path) -> None:
    workspaces.set_params(work, {"evaluate.splits": ["test"]})
    found = evaluate.run(work, load(work))
    assert list(found.models["base"].splits) == ["test"]
    assert list(found.recommended.ndcg10) == ["test"]
    assert found.recommended in found.stored_vectors


def test_evaluate_of_a_single_row_is_defined(work: Path) -> None:
    data = work / "data"
    for split in ("dev", "test"):
        path = data / "clean" / f"{split}.parquet"
        pl.read_parquet(path).head(1).write_parquet(path)
    traits = pl.read_parquet(data / "traits.parquet").with_columns(hard=pl.lit(False))
    traits.write_parquet(data / "traits.parquet")
    found = evaluate.run(work, load(work))
    scores = found.models["base"].splits["test"]
    assert scores.hard is None
    assert {column: set(values) for column, values in scores.slices.items()} == {
        "plan": {"çift"},
        "rows": {"new"},
    }
    assert scores.retrieval[32].queries == 1
    assert scores.retrieval[32].recall100 == 1


def test_evaluate_refuses_a_split_without_rows(work: Path) -> None:
    path = work / "data" / "clean" / "dev.parquet"
    pl.read_parquet(path).clear().write_parquet(path)
    with pytest.raises(InvalidData, match=r"dev.parquet has no rows; wanted at least one"):
        evaluate.run(work, load(work))


def test_evaluate_refuses_rows_without_traits(work: Path) -> None:
    path = work / "data" / "traits.parquet"
    pl.read_parquet(path).head(-1).write_parquet(path)
    with pytest.raises(InvalidData, match=r"describes 39 of the 40 rows"):
        evaluate.run(work, load(work))


def test_evaluate_record_names_the_stages_files(done: Path, metrics: Metrics) -> None:
    stage = lineage.stage(done, "evaluate")
    assert set(metrics.read) == set(stage.deps)
    assert {*metrics.wrote, RECORDS["evaluate"]} == set(stage.outs)


@pytest.mark.parametrize(
    # Newcombe 1998, Statistics in Medicine 17, table I, method 3 (Wilson without continuity correction).
    ("hits", "rows", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_evaluate_intervals_are_the_published_ones(hits: int, rows: int, low: float, high: float) -> None:
    found = accuracy(hits, rows)
    assert found.accuracy == hits / rows
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)
    mirrored = accuracy(rows - hits, rows)
    assert (mirrored.low, mirrored.high) == pytest.approx((1 - found.high, 1 - found.low))


def test_evaluate_interval_of_all_rows_ends_at_one() -> None:
    assert accuracy(20, 20).high == 1.0
    assert accuracy(0, 20).low == 0.0
    assert accuracy(1, 1).low > 0


def test_evaluate_accuracy_of_19_in_20_is_no_less_than_95_percent() -> None:
    # As a mean in float32 it is 0.949999988, which a floor of 0.95 refused.
    assert accuracy(19, 20).accuracy >= 0.95
