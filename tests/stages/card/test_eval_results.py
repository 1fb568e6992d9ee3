"""What stands in the Hub's files of results: mteb's names and scale, and nothing but mteb's tasks."""

import pytest
from huggingface_hub import parse_eval_result_entries
from ruamel.yaml import YAML

from pipeline.params.model import Prompts
from pipeline.records import ProbeSet
from pipeline.stages.card import eval_results
from tests.support.golden_records import GOLDEN, OWN, twofold, with_task

NONE = Prompts(query="", document="")


def test_results_are_one_per_subset_and_the_mean_where_all_are_there() -> None:
    found = eval_results.files(*with_task("tr-tr", "en-en", whole=True), NONE)
    assert list(found) == [".eval_results/sts.yaml"]
    entries = parse_eval_result_entries(YAML(typ="safe").load(found[".eval_results/sts.yaml"]))
    assert [(one.task_id, one.value) for one in entries] == [
        ("STS17_tr-tr_test", 50.0),
        ("STS17_en-en_test", 62.5),
        ("STS17", 60.0),
    ]
    assert {(one.dataset_id, one.dataset_revision) for one in entries} == {(OWN.repo, OWN.revision)}
    assert entries[0].notes == "cosine_spearman by mteb 2.27.0, 384 dimensions"
    part = eval_results.files(*with_task("tr-tr", whole=False), NONE)[".eval_results/sts.yaml"]
    assert [one["dataset"]["task_id"] for one in YAML(typ="safe").load(part)] == ["STS17_tr-tr_test"]


def test_results_are_none_where_no_probe_is_a_task() -> None:
    assert eval_results.files(GOLDEN.pin, GOLDEN.metrics, NONE) == {}


def test_results_that_two_probes_share_are_given_once() -> None:
    records = with_task("tr-tr", "en-en", whole=True)
    assert eval_results.files(*twofold(*records), NONE) == eval_results.files(*records, NONE)


@pytest.mark.parametrize(
    ("documents", "said"),
    [
        (None, ", 'query: ' before each text"),
        (20, ", 'query: ' before each query, 'passage: ' before each document"),
    ],
)
def test_results_say_which_prompts_stood_before_the_texts(documents: int | None, said: str) -> None:
    pin, metrics = with_task("tr-tr", whole=False)
    sets = {"sts": ProbeSet(dim=384, queries=30, documents=documents)}
    found = eval_results.files(
        pin, metrics.model_copy(update={"probe_sets": sets}), Prompts(query="query: ", document="passage: ")
    )
    (entry,) = YAML(typ="safe").load(found[".eval_results/sts.yaml"])
    assert entry["notes"] == f"cosine_spearman by mteb 2.27.0, 384 dimensions{said}"
