"""A probe that is a task of mteb, from its data set on the Hub to the card and the files of a release."""

import shutil
from contextlib import nullcontext
from pathlib import Path

import pytest
from huggingface_hub import parse_eval_result_entries
from ruamel.yaml import YAML
from scipy.stats import spearmanr  # type: ignore[import-untyped]
from sentence_transformers import SentenceTransformer

from pipeline.isolated import mteb_process
from pipeline.isolated.mteb_process import Mteb
from pipeline.params import load
from pipeline.publishing.release_tree import contents
from pipeline.publishing.unsafe_files import refuse_unsafe
from pipeline.records import Metrics, Pin, Verdict
from pipeline.stages.card import step as card
from pipeline.stages.evaluate import step as evaluate
from pipeline.stages.gate import step as gate
from pipeline.stages.pin import step as pin
from pipeline.workspace import digests, lineage, paths
from pipeline.workspace.paths import RECORDS
from tests.conftest import Stage
from tests.support import mteb_tasks, workspaces

ROWS = mteb_tasks.STS["default"]["test"]


@pytest.fixture(scope="module")
def probed(finished: Path, stage: Stage, mteb: Mteb, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the finished workspace with two such probes; nothing is trained again."""
    root = tmp_path_factory.mktemp("mteb")
    folder = Path(shutil.copytree(finished, root / "work", symlinks=True))
    probes = {}
    for name, task, data in (
        ("sts_tr", "STSBenchmark", mteb_tasks.STS),
        ("passages", "TurkishRAGEvalRetrieval", mteb_tasks.RETRIEVAL),
    ):
        repo = f"tester/mteb-{name}"
        commit = workspaces.put(stage.endpoint, repo, "dataset", mteb_tasks.write(root / name, data))
        probes[name] = {"kind": "mteb", "task": task, "repo": repo, "revision": commit}
    workspaces.set_params(folder, {"probes": probes, "gate.max_forgetting": 0.0})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_TOKEN", workspaces.TOKEN)
        patch.setenv("HF_ENDPOINT", stage.endpoint)
        patch.setattr(mteb_process, "running", lambda threads=None: nullcontext(mteb))
        pin.run(folder, load(folder))
        patch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
        for step in (evaluate, gate, card):
            step.run(folder, load(folder))
    return folder


def test_probe_of_mteb_is_pinned_as_any_other(probed: Path) -> None:
    record = Pin.load(probed / RECORDS["pin"])
    assert set(record.mteb) == set(record.probes) == {"sts_tr", "passages"}
    assert record.probes["sts_tr"].repo == "tester/mteb-sts_tr"
    found = digests.files(probed / paths.PROBES)
    assert set(found) == {
        "sts_tr/README.md",
        "sts_tr/0000/0000.parquet",
        "passages/README.md",
        *(f"passages/000{number}/0000.parquet" for number in range(3)),
    }
    assert record.wrote[paths.PROBES] == digests.digest(probed / paths.PROBES)
    assert "probe  sts_tr: STSBenchmark of mteb 2." in pin.summary(record)
    assert not (probed / paths.CHECKPOINTS / "mteb").exists()


def test_probe_of_mteb_scores_the_models_own_vectors(probed: Path) -> None:
    metrics = Metrics.load(probed / RECORDS["evaluate"])
    assert metrics.probe_measures == {"sts_tr": "mteb", "passages": "mteb"}
    assert metrics.mteb_version == mteb_process.installed()
    sts, passages = (metrics.probe_sets[name] for name in ("sts_tr", "passages"))
    assert (sts.dim, sts.queries, sts.documents) == (32, 60, None)
    assert (passages.queries, passages.documents) == (10, 20)
    model = SentenceTransformer(str(probed / paths.MODEL), device="cpu")
    first, second = (model.encode(ROWS[name], prompt_name="query") for name in ("sentence1", "sentence2"))
    wanted = spearmanr(ROWS["score"], (first * second).sum(axis=1)).statistic
    assert metrics.candidate.probes["sts_tr"] == pytest.approx(wanted, abs=0.005)
    (part,) = metrics.candidate.mteb["sts_tr"]
    assert (part.subset, part.split, part.score) == ("default", "test", metrics.candidate.probes["sts_tr"])
    assert metrics.models["base"].probes.keys() == metrics.models["base"].mteb.keys()


def test_probe_of_mteb_is_held_to_what_the_base_knew(probed: Path) -> None:
    metrics, verdict = Metrics.load(probed / RECORDS["evaluate"]), Verdict.load(probed / RECORDS["gate"])
    for name in ("sts_tr", "passages"):
        check = verdict.checks[f"forgetting_{name}"]
        base, candidate = (metrics.models[one].probes[name] for one in ("base", "candidate"))
        assert (check.value, check.wanted) == (candidate, base)
        assert check.passed is (candidate >= base)


def test_probe_of_mteb_stands_in_the_card_and_in_files_for_the_hub(probed: Path) -> None:
    metrics, record = Metrics.load(probed / RECORDS["evaluate"]), Pin.load(probed / RECORDS["pin"])
    text = (probed / "card" / "README.md").read_text(encoding="utf-8")
    score = metrics.candidate.probes["sts_tr"]
    assert "| sts\\_tr | Spearman's correlation, 60 texts, at 32 dimensions | " in text
    assert "passages is mteb's task TurkishRAGEvalRetrieval (Retrieval; subset passages, split test)" in text
    assert "which is another data set than mteb's own (mteb/stsbenchmark-sts)." in text
    tree = contents(probed)
    assert {".eval_results/sts_tr.yaml", ".eval_results/passages.yaml"} <= set(tree)
    refuse_unsafe(tree)
    found = parse_eval_result_entries(YAML(typ="safe").load(tree[".eval_results/sts_tr.yaml"]))
    assert [(one.task_id, one.value) for one in found] == [
        ("STSBenchmark_default_test", round(100 * score, 5)),
        ("STSBenchmark", round(100 * score, 5)),
    ]
    assert {(one.dataset_id, one.dataset_revision) for one in found} == {
        ("tester/mteb-sts_tr", record.probes["sts_tr"].revision)
    }
    assert lineage.broken_links(probed) == []
