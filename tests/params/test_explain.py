"""What is said about a params.yaml that a person got wrong: where, the value as YAML, and what was wanted."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import InvalidParams
from pipeline.params import load
from tests.support.workspaces import PROJECT, set_params


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copyfile(PROJECT / "params.yaml", tmp_path / "params.yaml")
    return tmp_path


def refusal(folder: Path) -> str:
    with pytest.raises(InvalidParams) as caught:
        load(folder)
    return str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        (
            "train.learning_rate",
            "0,00005",
            'found "0,00005"; wanted a number, with a point and without quotes',
        ),
        ("train.learning_rate", float("nan"), "found .nan; wanted a number that is finite"),
        ("train.batch_size", "16", "found '16'; wanted a whole number, without quotes"),
        ("train.batch_size", 10**30, f"found {10**30}; wanted a number of 64 bits at most"),
        ("train.seed", 2**32, f"found {2**32}; wanted less than {2**32}"),
        ("train.bf16", "evet", "found evet; wanted true or false"),
        ("model.dims", 384, "found 384; wanted a list, like [a, b]"),
        ("model.name", None, "found null; wanted a text; quotes make one of a number or a date"),
        ("model.name", "a\n# Released", "was found; wanted one line, without controls"),
        ("gate.floors", [0.5, 0.5], "found [0.5, 0.5]; wanted keys with values, like {key: value}"),
        ("gate.floors", {"768": 0.5}, "found the key '768'; wanted a whole number, without quotes"),
        ("gate.live_margins.ndcg", -0.01, "found -0.01; wanted 0 or more"),
        ("gate.live_margins.ndcg", 2, "found 2; wanted 1 or less"),
        ("gate.alpha", 5, "found 5; wanted less than 0.5"),
        ("train.epochs", 0, "found 0; wanted more than 0"),
        ("audit.policies.empty", "Drop", "found Drop; wanted 'report', 'drop' or 'refuse'"),
        ("dataset.languages", [], "found []; wanted 1 or more of them"),
        ("tracking", "mlflow", "found mlflow; wanted keys with values, like {key: value}"),
        ("probes", {"a": {"kind": "beir"}}, "found {kind: beir}; wanted 'retrieval', 'pairs', 'mteb'"),
        ("probes", {"a": {"repo": "a/b"}}, "found {repo: a/b}; wanted the key 'kind' in it"),
        (
            "hub.endpoint",
            "huggingface.co",
            "wanted http:// or https:// and a host, without a slash behind it",
        ),
        ("card", None, "card: found null; wanted keys with values"),
    ],
)
def test_params_say_the_value_as_it_stands_and_what_was_wanted(
    folder: Path, key: str, value: Any, said: str
) -> None:
    set_params(folder, {key: value})
    message = refusal(folder)
    assert f"\n  {key}" in message
    assert said in message


def test_params_name_a_key_that_is_no_text(folder: Path) -> None:
    path = folder / "params.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "\n1: 2\n", encoding="utf-8")
    assert "  1: found the key 1; wanted a text as the key" in refusal(folder)


@pytest.mark.parametrize(
    ("typed", "line", "said"),
    [
        ("\tepochs: 1", "epochs: 1", "a tab, where YAML wants blanks"),
        ("  epochs: 1\n  epochs: 2", "epochs: 2", 'found duplicate key "epochs"'),
        ("  epochs:1", "epochs:1", "could not find expected ':'"),
        ("   epochs: 1", "epochs: 1", "expected <block end>"),
        ("<<<<<<< HEAD\n  epochs: 1", "<<<<<<< HEAD", "could not find expected ':'"),
        ("  epochs: *none", "epochs: *none", "found undefined alias 'none'"),
        ("  epochs: !int 1", "epochs: !int 1", "could not determine a constructor"),
        ("  epochs: {a: 1", "epochs: {a: 1", "expected ',' or '}'"),
    ],
)
def test_params_that_are_no_yaml_show_the_line(folder: Path, typed: str, line: str, said: str) -> None:
    path = folder / "params.yaml"
    text = path.read_text(encoding="utf-8")
    start = text.index("  epochs: 1")
    path.write_text(text[:start] + typed + text[text.index("\n", start) :], encoding="utf-8")
    number = text[:start].count("\n") + 1
    message = refusal(folder)
    first, shown, *rest = message.splitlines()
    assert said in first
    assert shown.strip().startswith(line) or "{a: 1" in typed  # which goes wrong further down
    assert any(f"in line {number + down}, column" in first for down in (0, 1))
    assert rest == ["Correct that line, or the one above it"]
    assert "yaml.dev" not in message


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("name: müşteri\n".encode("iso-8859-9"), "line 1 has the byte 0xfc, which is no UTF-8; wanted UTF-8"),
        ("a: 1\nb: ş\n".encode("iso-8859-9"), "line 2 has the byte 0xfe"),
        ("a: 1".encode("utf-16"), "line 1 has the byte 0xff"),
        (b"a: 1\nb: \x00", "is not YAML in line 2: the character of code 0x0000 is one that no text has"),
        (b"# only a comment\n", "holds nothing; wanted sections"),
        (b"merhaba\n", "holds merhaba; wanted sections"),
        (b"a: " + b"[" * 5000, "is not YAML: "),
    ],
)
def test_params_that_are_no_text_say_so(folder: Path, content: bytes, said: str) -> None:
    (folder / "params.yaml").write_bytes(content)
    assert said in refusal(folder)


def test_params_may_have_any_line_ends_and_a_mark_before_them(folder: Path) -> None:
    text = (folder / "params.yaml").read_text(encoding="utf-8")
    whole = load(folder)
    for written in (text.replace("\n", "\r\n"), "\ufeff" + text, text + "...\n"):
        (folder / "params.yaml").write_bytes(written.encode())
        assert load(folder) == whole
