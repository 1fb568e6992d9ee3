from __future__ import annotations

import json
import time

import pytest
from huggingface_hub import CommitOperationAdd, ModelCard
from huggingface_hub.utils._http import get_session

from localhub.repos.cards import EXPANDED_BYTES, METADATA_BYTES, read_card
from tests.localhub.conftest import TestHub

LAUGHS = "a: &a [" + "1," * 9 + "]\n" + "".join(
    f"{chr(97 + n)}: &{chr(97 + n)} [{','.join([f'*{chr(96 + n)}'] * 9)}]\n" for n in range(1, 9)
)  # fmt: skip
MERGES = "a: &a {k: 1}\n" + "".join(
    f"{chr(97 + n)}: &{chr(97 + n)}\n  <<: [{','.join([f'*{chr(96 + n)}'] * 9)}]\n" for n in range(1, 12)
)
LONG_TEXT = 'a: &a "' + "x" * 50_000 + '"\nb: [' + "*a," * 1000 + "]\n"


def card(metadata: str) -> str:
    return f"---\n{metadata}\n---\n# Text\n"


@pytest.mark.parametrize("before", ["", "\n", "\n\n", "\ufeff", "\ufeff\n", " \r\n"])
def test_cards_metadata_may_stand_behind_blank_lines(before: str) -> None:
    found = read_card(f"{before}---\nlicense: mit\n---\n# Text\n")
    assert (found.data, found.text, found.errors) == ({"license": "mit"}, "# Text\n", [])


def test_cards_behind_a_blank_line_are_what_the_client_reads_too(hub: TestHub, empty_model: str) -> None:
    readme = "\n---\nlicense: mit\ntags:\n- one\n---\n# Text\n"
    hub.owner.create_commit(
        empty_model, [CommitOperationAdd("README.md", readme.encode())], commit_message="card"
    )
    found = hub.owner.model_info(empty_model)
    assert ModelCard(readme).data.get("license") == "mit"
    assert found.card_data is not None
    assert (found.card_data.get("license"), found.tags) == ("mit", ["one", "license:mit"])


@pytest.mark.parametrize(
    "metadata", [LAUGHS, MERGES, LONG_TEXT], ids=["lists", "merged mappings", "a long text"]
)
def test_cards_aliases_are_followed_no_further_than_so_many_bytes(metadata: str) -> None:
    start = time.perf_counter()
    found = read_card(card(metadata))
    assert found.data is None
    assert found.errors == [
        f"The metadata is not valid YAML: more than {EXPANDED_BYTES} bytes where its aliases are followed"
    ]
    assert time.perf_counter() - start < 3


@pytest.mark.parametrize(
    ("metadata", "message"),
    [("a: " + "[" * 40_000, "more than 64 deep"), ("a: &a [*a]", "leads to what holds it"),
     ("a: &a {b: *a}", "leads to what holds it"), ("? " * 2000, "not valid YAML"),
     ("a: " + "1" * 5000, "not valid YAML"), ("a: !!python/object:os.system x", "not valid YAML")],
)  # fmt: skip
def test_cards_what_would_take_long_or_never_end_is_no_metadata(metadata: str, message: str) -> None:
    start = time.perf_counter()
    [error] = read_card(card(metadata)).errors
    assert message in error
    assert time.perf_counter() - start < 3


def test_cards_long_metadata_is_left_alone_with_a_warning() -> None:
    found = read_card(card("a: " + "x" * METADATA_BYTES))
    assert (found.data, found.errors, found.text) == (None, [], "# Text\n")
    assert str(METADATA_BYTES) in found.warnings[0]


@pytest.mark.filterwarnings("error")
def test_cards_metadata_is_what_json_can_hold() -> None:
    metadata = (
        'a: .inf\nb: "\\ud800"\n1: [2001-01-01, !!set {x}, &a 1, &a 2, *a]\n"\\udfff": null\nc: no\nd: 1e999'
    )
    data = read_card(card(metadata)).data
    assert data == {
        "a": "inf", "b": "?", "1": ["2001-01-01", ["x"], 1, 2, 2], "?": None, "c": "no", "d": "inf",
    }  # fmt: skip
    json.dumps(data, allow_nan=False, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("readme", "status", "text"),
    [("---\nlicense: mit\n---\n", 200, ""), ("no metadata", 200, "- Warning: empty or missing yaml metadata"),
     ("---\nlicense: 3\n---\n", 400, '- Error: "license" must be a string or a list of strings')],
)  # fmt: skip
def test_cards_are_validated_in_the_clients_own_words(
    hub: TestHub, readme: str, status: int, text: str
) -> None:
    answer = get_session().post(
        f"{hub.endpoint}/api/validate-yaml",
        json={"content": readme, "repoType": "model"},
        headers={"Accept": "text/plain"},
    )
    assert (answer.status_code, answer.text.startswith(text)) == (status, True)
    assert answer.headers["Content-Type"].startswith("text/plain")
