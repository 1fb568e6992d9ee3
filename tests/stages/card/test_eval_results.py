"""What stands in the Hub's files of results: mteb's names and scale, and nothing but mteb's tasks."""

from huggingface_hub import parse_eval_result_entries
from ruamel.yaml import YAML

from pipeline.records import Metrics, MtebScore, MtebTask, Pin, ProbeSet, RepoRef
from pipeline.stages.card import eval_results, probe_tables
from pipeline.stages.card import step as card
from tests.golden import HERE

GOLDEN = card.records(HERE)
OWN = RepoRef(repo="mteb/sts17", revision="7" * 40)


def records(*subsets: str, whole: bool, at: RepoRef = OWN) -> tuple[Pin, Metrics]:
    """Give the golden records with a task of mteb and an ordinary probe."""
    task = MtebTask(
        name="STS17",
        kind="STS",
        metric="cosine_spearman",
        subsets=subsets,
        splits=("test",),
        whole=whole,
        own=OWN,
        version="2.26.24",
    )
    repo = GOLDEN.pin.dataset.model_copy(update=at.model_dump())
    parts = tuple(
        MtebScore(subset=one, split="test", score=0.5 + place / 8) for place, one in enumerate(subsets)
    )
    scored = {"probes": {"sts": 0.6, "law": 0.5}, "mteb": {"sts": parts}}
    models = {name: one.model_copy(update=scored) for name, one in GOLDEN.metrics.models.items()}
    metrics = GOLDEN.metrics.model_copy(
        update={
            "models": models,
            "probe_measures": {"sts": "mteb", "law": "ndcg10"},
            "probe_sets": {"sts": ProbeSet(dim=384, queries=1500, documents=None)},
            "mteb_version": "2.27.0",
        }
    )
    pin = GOLDEN.pin.model_copy(update={"probes": {"sts": repo, "law": repo}, "mteb": {"sts": task}})
    return pin, metrics


def test_results_are_one_per_subset_and_the_mean_where_all_are_there() -> None:
    found = eval_results.files(*records("tr-tr", "en-en", whole=True))
    assert list(found) == [".eval_results/sts.yaml"]
    entries = parse_eval_result_entries(YAML(typ="safe").load(found[".eval_results/sts.yaml"]))
    assert [(one.task_id, one.value) for one in entries] == [
        ("STS17_tr-tr_test", 50.0),
        ("STS17_en-en_test", 62.5),
        ("STS17", 60.0),
    ]
    assert {(one.dataset_id, one.dataset_revision) for one in entries} == {(OWN.repo, OWN.revision)}
    assert entries[0].notes == "cosine_spearman by mteb 2.27.0, 384 dimensions"
    part = eval_results.files(*records("tr-tr", whole=False))[".eval_results/sts.yaml"]
    assert [one["dataset"]["task_id"] for one in YAML(typ="safe").load(part)] == ["STS17_tr-tr_test"]


def test_results_are_none_where_no_probe_is_a_task() -> None:
    assert eval_results.files(GOLDEN.pin, GOLDEN.metrics) == {}


def test_card_says_what_a_task_was_scored_on() -> None:
    def said(*subsets: str, at: RepoRef = OWN) -> str:
        pin, metrics = records(*subsets, whole=False, at=at)
        (sentence,) = probe_tables.context(metrics, pin)["tasks_said"]
        return str(sentence)

    start = "sts is mteb's task STS17 (STS; subset tr-tr, split test), scored by mteb 2.27.0 on [mteb/sts17]"
    assert said("tr-tr").startswith(start)
    assert said("tr-tr").endswith(", the commit that mteb names.")
    assert "(STS; split test)" in said("default")
    assert "subsets (6 of them)" in said(*"abcdef")
    moved = OWN.model_copy(update={"revision": "8" * 40})
    assert said("tr-tr", at=moved).endswith(", where mteb names the commit 7777777.")
    other = RepoRef(repo="trmteb/sts", revision="8" * 40)
    assert said("tr-tr", at=other).endswith(", which is another data set than mteb's own (mteb/sts17).")
    pin, metrics = records("tr-tr", whole=False)
    rows = probe_tables.context(metrics, pin)["probes"]
    assert rows[0][:2] == ["sts", "Spearman's correlation, 1,500 texts, at 384 dimensions"]
