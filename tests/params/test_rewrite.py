"""A changed value and nothing else."""

from pathlib import Path

from dvc.utils.serialize import load_yaml, modify_yaml
from ruamel.yaml import YAML

from pipeline.params import load
from pipeline.params.rewrite import rewrite
from tests.support.workspaces import PROJECT

OLD = "1fe9d63490a69cb96da6b76f4bff1a43c48cbdee"
NEW = "0123456789" * 4


def test_rewrite_changes_one_value_and_keeps_every_other_letter() -> None:
    before = (PROJECT / "params.yaml").read_text(encoding="utf-8")
    after = rewrite(PROJECT / "params.yaml", {"dataset.revision": OLD[::-1]})
    assert after == before.replace(OLD, OLD[::-1])


def test_rewrite_of_nothing_gives_the_same_bytes() -> None:
    for path in (PROJECT / "params.yaml", PROJECT / "sample" / "params.yaml"):
        assert rewrite(path, {}) == path.read_text(encoding="utf-8")


def test_rewrite_leaves_the_file_alone() -> None:
    before = (PROJECT / "params.yaml").read_bytes()
    rewrite(PROJECT / "params.yaml", {"live.revision": OLD})
    assert (PROJECT / "params.yaml").read_bytes() == before


def test_rewrite_keeps_a_commit_a_string(tmp_path: Path) -> None:
    # Forty digits, or digits around one e, are numbers to YAML unless they are quoted.
    for commit in (NEW, "12e4567890" + "0" * 30):
        text = rewrite(PROJECT / "params.yaml", {"live.revision": commit})
        (tmp_path / "params.yaml").write_text(text, encoding="utf-8")
        assert load(tmp_path).live.revision == commit


def test_rewrite_writes_sentences_so_that_dvc_reads_and_writes_them_too(tmp_path: Path) -> None:
    sentences = ["Nasıl taşırım?", "ne: yapmalı?", "[a], {b} # c", 'say "no"', "plain", "true", "- x"]
    text = rewrite(PROJECT / "params.yaml", {"card.example": {"queries": sentences, "documents": ["x"]}})
    assert YAML(typ="safe", pure=False).load(text)["card"]["example"]["queries"] == sentences
    path = tmp_path / "params.yaml"
    path.write_text(text, encoding="utf-8")
    with modify_yaml(path) as found:  # as `dvc exp run -S` does it, which quotes only what it must
        found["train"]["learning_rate"] = 1e-5
    assert load_yaml(path)["card"]["example"]["queries"] == sentences
