"""A card that says what the records say, and that no data set can take over."""

import json
import re
import shutil
from dataclasses import fields, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from huggingface_hub import ModelCard
from markdown_it import MarkdownIt
from ruamel.yaml import YAML

from pipeline.dataset import training_fingerprint
from pipeline.errors import BrokenChain, printable
from pipeline.params import Params, load
from pipeline.records import BaseTrial, Card, Example, Metrics, Pin, Reembed, Training, Verdict
from pipeline.stages.card import markdown
from pipeline.stages.card import step as card
from pipeline.wording import words
from pipeline.workspace import digests, git
from pipeline.workspace.paths import RECORDS
from tests.conftest import Stage
from tests.support import workspaces
from tests.support.workspaces import set_params


@pytest.fixture(scope="module")
def text(finished: Path) -> str:
    return (finished / "card" / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def data(text: str) -> Any:
    return ModelCard(text).data


@pytest.fixture(scope="module")
def metrics(finished: Path) -> Metrics:
    return Metrics.load(finished / RECORDS["evaluate"])


def test_card_front_matter_is_what_the_hub_expects(data: Any) -> None:
    assert (data.model_name, data.license, data.language) == ("Küçük", "apache-2.0", ["tr"])
    assert (data.library_name, data.pipeline_tag) == ("sentence-transformers", "sentence-similarity")
    assert (data.base_model, data.datasets) == ("tester/tiny", ["tester/mixed"])
    assert data.metrics == ["cosine_accuracy", "cosine_ndcg@10"]
    assert {"sentence-transformers", "dataset_size:60", "loss:MatryoshkaLoss"} <= set(data.tags)


def test_card_is_valid_to_the_hub(text: str, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", stage.endpoint)
    ModelCard(text).validate(repo_type="model")


def test_card_results_read_back_are_the_metrics(data: Any, metrics: Metrics, finished: Path) -> None:
    revision = load(finished).dataset.revision
    found = {
        (
            result.metric_type,
            result.dataset_split,
            int(re.findall(r"(\d+) dimensions", result.metric_name)[0]),
        ): result
        for result in data.eval_results
    }
    wanted = {
        (kind, split, dim): value
        for split, scores in metrics.candidate.splits.items()
        for kind, by_dim in (
            ("cosine_accuracy", {dim: score.accuracy for dim, score in scores.triplets.items()}),
            ("cosine_ndcg@10", {dim: score.ndcg10 for dim, score in scores.retrieval.items()}),
        )
        for dim, value in by_dim.items()
    }
    assert {key: result.metric_value for key, result in found.items()} == wanted
    for result in data.eval_results:
        assert (result.dataset_type, result.dataset_revision) == ("tester/mixed", revision)


def test_card_results_name_the_probes(finished: Path) -> None:
    pin, metrics = Pin.load(finished / RECORDS["pin"]), Metrics.load(finished / RECORDS["evaluate"])
    probes = {"sts": pin.base.model_copy(update={"repo": "tester/sts", "revision": "5" * 40})}
    candidate = metrics.candidate.model_copy(update={"probes": {"sts": 0.75}})
    measured = {
        "probe_measures": {"sts": "spearman"},
        "models": dict.fromkeys(metrics.models, candidate),
    }
    text = rendered(
        finished,
        load(finished),
        pin=pin.model_copy(update={"probes": probes}),
        metrics=metrics.model_copy(update=measured),
    )
    found: Any = ModelCard(text).data
    last = found.eval_results[-1]
    assert (last.metric_type, last.metric_value, last.dataset_type, last.dataset_revision) == (
        "spearman_cosine",
        0.75,
        "tester/sts",
        "5" * 40,
    )


def tables(text: str) -> list[list[list[str]]]:
    """Read the tables of a Markdown text as a reader sees them: rows of plain cells."""
    found: list[list[list[str]]] = []
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(text)
    for place, token in enumerate(tokens):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif token.type in ("td_open", "th_open"):
            children = tokens[place + 1].children or []
            assert {child.type for child in children} <= {
                "text",
                "text_special",
                "code_inline",
                "link_open",
                "link_close",
            }
            found[-1][-1].append("".join(child.content for child in children))
    return found


def test_card_tables_show_every_model_split_and_width(text: str, metrics: Metrics) -> None:
    shown = [table for table in tables(text) if table[0] == ["dimensions", "base", "this model"]]
    assert list(metrics.candidate.splits) == ["dev", "test"]
    for table, split in zip(shown, metrics.candidate.splits, strict=True):
        for row, dim in zip(table[1:], (32, 16, 4), strict=True):
            scores = [one.splits[split].triplets[dim] for one in metrics.models.values()]
            cells = [f"{one.accuracy:.4f} ({one.low:.4f} to {one.high:.4f})" for one in scores]
            assert row == [str(dim), *cells]


def test_card_tables_show_every_check_and_the_whole_curve(text: str, finished: Path) -> None:
    verdict = Verdict.load(finished / RECORDS["gate"])
    training = Training.load(finished / RECORDS["train"])
    (checks,) = [table for table in tables(text) if table[0][0] == "check"]
    assert [row[0] for row in checks[1:]] == [words.of(name) for name in verdict.checks]
    assert not [row for row in checks if "_" in row[0]]
    assert {row[3] for row in checks[1:]} == {"pass"}
    narrow, wide = [table for table in tables(text) if table[0][0] == "epoch"]
    for curve in (narrow, wide):
        assert [int(row[1]) for row in curve[1:]] == [point.step for point in training.curve]
        assert curve[1][2] == "-"
    assert narrow[0] == ["epoch", "step", "training loss", "validation loss", "dev at 32", "dev at 4"]
    assert len(wide[0]) == 4 + 6
    assert "134 in all, of which 3% were rejected: duplicate 1, empty 1, same" in text


def test_card_links_lead_to_the_pinned_revisions(text: str, finished: Path, stage: Stage) -> None:
    params = load(finished)
    for address in (
        f"{stage.endpoint}/tester/tiny/tree/{params.base.revision}",
        f"{stage.endpoint}/datasets/tester/mixed/tree/{params.dataset.revision}",
        f"{stage.endpoint}/tester/mixed-tuned",
    ):
        assert f"]({address})" in text


def test_card_names_records_code_and_candidate(text: str, finished: Path) -> None:
    (table,) = [table for table in tables(text) if ["code", f"commit {code_commit(finished)}"] in table]
    stated = dict(table)
    for name, path in RECORDS.items():
        if name != "card":
            assert stated[path] == f"sha256 {digests.sha256(finished / path)}"
    assert stated["parameters"] == f"params.yaml, sha256 {digests.sha256(finished / 'params.yaml')}"
    assert stated["approvals"] == "by an unverified name: no keys of persons are configured"
    assert stated["candidate"] == f"sha256 {digests.digest(finished / 'model')}"


def code_commit(folder: Path) -> str:
    commit = Card.load(folder / RECORDS["card"]).code_commit
    assert commit is not None
    assert commit in workspaces.git(folder, "log", "--format=%H")
    return commit


# The card of the model that this product is measured by has these; ours has each, under the same name.
REFERENCE_KEYS = {
    "language",
    "license",
    "tags",
    "base_model",
    "widget",
    "datasets",
    "pipeline_tag",
    "library_name",
    "metrics",
    "model-index",
}
REFERENCE_HEADINGS = """
## ⚠️ Domain-Specific Warning
## Model Details
### Model Description
### Model Sources
### Full Model Architecture
## Usage
### Direct Usage (Sentence Transformers)
## Evaluation
### Metrics
#### Triplet
## Training Details
### Training Dataset
### Evaluation Dataset
### Training Hyperparameters
#### Non-Default Hyperparameters
#### All Hyperparameters
### Training Logs
### Framework Versions
## Citation
### BibTeX
#### Sentence Transformers
#### MatryoshkaLoss
#### CachedMultipleNegativesRankingLoss
"""


def headings(text: str) -> list[str]:
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(text.split("\n---\n", 1)[1])
    return [
        f"{token.markup} {tokens[place + 1].content}"
        for place, token in enumerate(tokens)
        if token.type == "heading_open"
    ]


def test_card_has_every_part_of_the_reference_card(text: str) -> None:
    front: dict[str, Any] = YAML(typ="safe").load(text.split("\n---\n", 1)[0])
    assert set(front) >= REFERENCE_KEYS
    assert all(front[key] for key in REFERENCE_KEYS)
    found = headings(text)
    wanted = REFERENCE_HEADINGS.split("\n")[1:-1]
    assert [heading for heading in found if heading in wanted] == wanted
    assert found[0] == "# Küçük"
    assert found.count("#### mixed") == 1


def test_card_says_what_the_reference_card_leaves_out(text: str, finished: Path) -> None:
    params = load(finished)
    front: dict[str, Any] = YAML(typ="safe").load(text.split("\n---\n", 1)[0])
    assert front["base_model_revision"] == params.base.revision
    assert front["base_model_relation"] == "finetune"
    assert {result["dataset"]["split"] for result in front["model-index"][0]["results"]} == {"dev", "test"}
    assert '"scale": 20.0' in text
    assert "| details | min: 6, mean: 6.00, max: 6 |" in text
    assert "the longest text that it was tested on has 6" in text
    assert "dense only" in text


def test_card_links_within_itself_lead_to_a_heading(text: str) -> None:
    slugs = {
        re.sub(r"[^\w\- ]", "", heading.lstrip("# ")).strip().lower().replace(" ", "-")
        for heading in headings(text)
    }
    anchors = set(re.findall(r"\]\(#([^)]+)\)", text))
    assert anchors
    assert anchors <= slugs


def test_card_of_a_base_with_other_heads_says_that_they_are_left_behind(finished: Path) -> None:
    pin = Pin.load(finished / RECORDS["pin"])
    heads = pin.base.model_copy(update={"unused": ("colbert_linear.pt", "sparse_linear.pt")})
    text = rendered(finished, load(finished), pin=pin.model_copy(update={"base": heads}))
    assert "sparse (lexical) head and multi-vector (ColBERT) head were not trained with it" in text


def test_card_says_what_the_base_was_given_and_how_it_was_measured(finished: Path, text: str) -> None:
    assert "Normalize was added" not in text
    assert "measured with its own prompts" not in text
    pin, metrics = Pin.load(finished / RECORDS["pin"]), Metrics.load(finished / RECORDS["evaluate"])
    trial = BaseTrial(
        tokens=16,
        prompts={"query": "q: ", "document": ""},
        normalize_added=True,
        similarity="dot",
        default_prompt="q: ",
        truncate_dim=8,
        pad_token="</s>",
    )
    text = rendered(
        finished,
        load(finished),
        pin=pin.model_copy(update={"base_trial": trial}),
        metrics=metrics.model_copy(update={"base_prompts": {"query": "q: ", "document": ""}}),
    )
    line = next(line for line in text.splitlines() if line.startswith("- **Base model:**"))
    for said in (
        "a module Normalize was added",
        'the similarity `"dot"`; this model is judged by, and saved with, the cosine',
        'It put `"q: "` before every text',
        "It was cut to 8 dimensions; this model is not",
        'this model pads with `"</s>"`',
        'measured with its own prompts (query `"q: "`, document `""`)',
    ):
        assert said in line


def test_card_says_where_licences_disagree(finished: Path) -> None:
    pin = Pin.load(finished / RECORDS["pin"])
    other = pin.base.model_copy(update={"license": "cc-by-nc-4.0"})
    params = load(finished)
    derived = params.model_copy(update={"model": params.model.model_copy(update={"license": None})})
    text = rendered(finished, derived, pin=pin.model_copy(update={"base": other}))
    assert "license: other\n" in text
    assert "They disagree: read each" in text


def test_card_takes_no_text_of_a_record_for_markup(finished: Path) -> None:
    params, pin = load(finished), Pin.load(finished / RECORDS["pin"])
    metrics = Metrics.load(finished / RECORDS["evaluate"])
    bomb = "a: &a [x]\n---\n*a"
    hostile = "<img src=x onerror=alert(1)>\n---\n# heading | `x` ```\u202e" + bomb
    example = Example(queries=(hostile,), documents=(hostile,), similarities=((0.5,),))
    test = metrics.candidate.splits["test"]
    sliced = test.model_copy(update={"slices": {"plan": {hostile: test.triplets[32]}}})
    candidate = metrics.candidate.model_copy(update={"splits": {"test": sliced}})
    changed = metrics.model_copy(
        update={"models": dict.fromkeys(metrics.models, candidate), "example": example}
    )
    base = pin.base.model_copy(update={"license": hostile})
    says = params.model_copy(
        update={
            "card": params.card.model_copy(update={"domain": hostile}),
            "model": params.model.model_copy(update={"name": hostile}),
        }
    )
    text = rendered(finished, says, pin=pin.model_copy(update={"base": base}), metrics=changed)
    data: Any = ModelCard(text).data
    shown = printable(hostile)
    assert data.model_name == shown
    assert data.widget == [{"source_sentence": shown, "sentences": [shown]}]
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(text.split("\n---\n\n", 1)[1])
    tags = Tags()
    tags.feed(html)
    assert "onerror" not in re.sub(r"&lt;.*?&gt;|<code.*?</code>", "", html, flags=re.DOTALL)
    ours = "h1 h2 h3 h4 p a ul li table thead tbody tr th td code pre strong img blockquote details summary"
    assert tags.seen <= set(ours.split(" "))
    assert "\u202e" not in re.sub(r"<pre>.*?</pre>", "", html, flags=re.DOTALL)


def test_card_shows_the_worst_mistakes_where_it_may(line: Path) -> None:
    text = show(line)
    worst = Metrics.load(line / RECORDS["evaluate"]).mistakes
    assert worst is not None
    rows = pl.read_parquet(line / "data" / "clean" / "test.parquet")
    (table,) = [table for table in tables(text) if table[0][-1] == "cos(query, negative)"]
    assert len(table) == 6
    for shown, (row, cosines) in zip(table[1:], worst.worst.items(), strict=False):
        query = rows.filter(pl.col("row") == row)["query"][0]
        assert (shown[0], shown[4]) == (query, markdown.decimal(cosines.cos_negative))


def test_card_keeps_turkish_letters(text: str) -> None:
    assert "model_name" not in text
    assert "# Küçük" in text
    assert "- name: Küçük" in text


def test_card_holds_no_local_path_and_no_token(finished: Path) -> None:
    for path in (finished / "card").rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            for secret in (workspaces.TOKEN, workspaces.READ_TOKEN, str(finished), "/tmp/", str(Path.home())):
                assert secret.encode() not in content


def test_card_of_equal_records_has_equal_bytes(line: Path, finished: Path) -> None:
    (line / "card" / "old.txt").write_text("x")
    card.run(line, load(line))
    stated, now = code_commit(finished), git.head(line)
    assert now is not None
    for path in (path for path in (finished / "card").rglob("*") if path.is_file()):
        wanted = path.read_bytes().replace(stated.encode(), now.encode())
        assert (line / "card" / path.relative_to(finished / "card")).read_bytes() == wanted
    assert not (line / "card" / "old.txt").exists()


def test_card_shows_pictures_that_are_there(text: str, finished: Path) -> None:
    shown = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", text)
    drawn = sorted(path.name for path in (finished / "card" / "pictures").iterdir())
    assert sorted(Path(path).name for path in shown) == drawn == ["bytes.svg", "scores.svg", "training.svg"]
    assert all((finished / "card" / path).is_file() for path in shown)


def test_card_example_loads_the_released_version(text: str) -> None:
    example, smaller, int8, binary = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    for code in (example, smaller, int8, binary):
        compile(code, "code", "exec")
        assert 'SentenceTransformer("tester/mixed-tuned", revision="v1"' in code
    assert 'SentenceTransformer("tester/mixed-tuned", revision="v1")' in example
    assert 'SentenceTransformer("tester/mixed-tuned", revision="v1", truncate_dim=16)' in smaller


HOSTILE = [
    "<script>alert(1)</script>",
    "a | b | c",
    "[click](javascript:alert(1))",
    "![x](http://127.0.0.1:1/x.png)",
    "**bold** _it_ `code` ~~out~~ \\| \\",
    "line\nbreak\r\n# heading\n---\n",
    "&lt;b&gt; &amp; <!-- comment",
    "{{ 7 * 7 }} {% raw %}",
    "<img src=x onerror=alert(1)>",
    "| --- |",
    "\u202egnp.exe\u200b\x00\x07",
    "$x$ #1 @tester 1. - + Iğdır İZMİR",
]


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)


def test_card_shows_hostile_rows_as_the_text_that_they_are(line: Path) -> None:
    rows = {"query": HOSTILE[0::4], "positive": HOSTILE[1::4], "negative": HOSTILE[2::4]}
    train = line / "data" / "clean" / "train.parquet"
    pl.DataFrame(rows).write_parquet(train)
    first = show(line)
    pl.DataFrame(dict.fromkeys(rows, HOSTILE[3::4])).write_parquet(train)
    second = show(line)
    for text, samples in ((first, rows), (second, dict.fromkeys(rows, HOSTILE[3::4]))):
        table = next(table for table in tables(text) if table[0] == ["query", "positive", "negative"])
        for place, row in enumerate(table[1:]):
            assert row == [seen(samples[key][place]) for key in rows]
        html = MarkdownIt("commonmark", {"html": True}).enable("table").render(text.split("---\n", 2)[2])
        tags = Tags()
        tags.feed(html)
        assert not tags.seen & {"script", "b"}
        assert "onerror" not in re.sub(r"&lt;.*?&gt;", "", html)
        assert html.count("<img") == 3


def show(folder: Path) -> str:
    set_params(folder, {"card.rows": "all"})
    card.run(folder, load(folder))
    return (folder / "card" / "README.md").read_text(encoding="utf-8")


def seen(text: str) -> str:
    """Give what a reader should see of a cell: its printable signs, white space collapsed."""
    return " ".join("".join(sign for sign in text if sign.isprintable() or sign.isspace()).split())


def test_card_shows_no_row_unless_it_may(text: str, finished: Path) -> None:
    for query in pl.read_parquet(finished / "data" / "clean" / "train.parquet")["query"].head(5):
        assert query not in text
    assert "Samples" not in text
    assert "Rows of the data set are not shown" in text


def rendered(folder: Path, params: Params, **changes: Any) -> str:
    """Render a card of a finished workspace, with some records or statements changed."""
    read = card.records(folder)
    names = {field.name for field in fields(read)}
    stated: dict[str, Any] = {"version": "v3", "code_commit": None, "params_file": "", "digests_of": {}}
    stated |= {"samples": {"train": [], "dev": [], "test": []}, "mistakes": {}}
    read = replace(read, **{name: change for name, change in changes.items() if name in names})
    return card.render(
        params, read, **(stated | {name: change for name, change in changes.items() if name not in names})
    )


def test_card_of_a_refused_candidate_says_so(finished: Path) -> None:
    verdict = Verdict.load(finished / RECORDS["gate"])
    name, check = next(iter(verdict.checks.items()))
    failed = check.model_copy(update={"passed": False, "value": "NaN"})
    refused = verdict.model_copy(
        update={"passed": False, "outcome": "underpowered", "checks": {name: failed}}
    )
    text = rendered(finished, load(finished), verdict=refused)
    assert "**The candidate for v3 is undecided and not released:** " in text
    assert "Use it for" not in text
    assert "(look 1 of 100" in text
    (checks,) = [table for table in tables(text) if table[0][0] == "check"]
    assert checks[1] == [words.of(name), "no number", words.wanted_value(name, check), "fail"]


def test_card_of_a_model_without_narrower_widths_reads_well(finished: Path) -> None:
    params = load(finished)
    one = params.model_copy(update={"model": params.model.model_copy(update={"dims": (32,)})})
    text = rendered(finished, one)
    assert "truncate_dim=" not in text
    assert "It maps texts to vectors of 32 dimensions.\n" in text
    assert text.startswith("---\nbase_model")
    assert "---\n\n# Küçük\n" in text


def test_card_of_a_model_wider_than_every_promised_width_says_where_to_cut(finished: Path) -> None:
    params = load(finished)
    one = params.model_copy(update={"model": params.model.model_copy(update={"dims": (16, 4)})})
    text = rendered(finished, one)
    assert "truncate_dim=16" in text
    assert "made to be cut to 16 or 4" in text


def test_card_without_evaluations_has_no_columns_of_nothing(finished: Path) -> None:
    training = Training.load(finished / RECORDS["train"])
    bare = tuple(one.model_copy(update={"accuracy": None, "validation_loss": None}) for one in training.curve)
    text = rendered(finished, load(finished), training=training.model_copy(update={"curve": bare}))
    (log,) = [table for table in tables(text) if table[0][0] == "epoch"]
    assert log[0][4:] == ["test at 32", "test at 16", "test at 4"]
    known = load(finished).model.dims, Metrics.load(finished / RECORDS["evaluate"])
    base, ours = (known[1].models[name].splits["test"].triplets for name in ("base", "candidate"))
    assert log[1][4:] == [f"{base[dim].accuracy:.4f}" for dim in known[0]]
    assert log[-1][4:] == [f"{ours[dim].accuracy:.4f}" for dim in known[0]]
    assert {cell for row in log[2:-1] for cell in row[4:]} == {"-"}


def test_card_with_a_live_model_names_it(finished: Path) -> None:
    pin = Pin.load(finished / RECORDS["pin"])
    live = pin.base.model_copy(update={"repo": "tester/mixed-tuned", "revision": "1" * 40})
    text = rendered(finished, load(finished), pin=pin.model_copy(update={"live": live}))
    assert f"| judged against | `tester/mixed-tuned` at `{'1' * 40}` |" in text


def test_card_leaves_citations_out_when_told(finished: Path) -> None:
    params = load(finished)
    without = params.model_copy(update={"card": params.card.model_copy(update={"citations": False})})
    assert "@misc" in rendered(finished, params)
    assert "@misc" not in rendered(finished, without)


def test_card_bears_the_version_after_the_last_receipt(finished: Path, text: str) -> None:
    assert Card.load(finished / RECORDS["card"]).version == "v1"
    assert "**Version:** v1 of" in text
    assert "**Version:** v3 of" in rendered(finished, load(finished))


def test_card_says_what_becomes_of_stored_vectors(finished: Path) -> None:
    reembed = Reembed.model_validate_json((finished / "reembed.json").read_bytes())
    new = reembed.model_copy(update={"compatible": False, "live_space": "old"})
    scores = {"live": 0.9, "candidate": 0.9, "new_on_old": 0.8765, "old_on_new": 0.9}
    same = reembed.model_copy(update={"compatible": True, "ndcg10": scores})
    assert "there was no live model" in rendered(finished, load(finished))
    assert f"**a new vector space** (`{new.space}`, before it `old`)" in rendered(
        finished, load(finished), reembed=new
    )
    assert "nDCG@10 0.8765" in rendered(finished, load(finished), reembed=same)


def test_card_folder_names_the_space_and_the_rows_trained_on(finished: Path) -> None:
    reembed = Reembed.model_validate_json((finished / "reembed.json").read_bytes())
    name = "config_sentence_transformers.json"
    config = json.loads((finished / "card" / name).read_text(encoding="utf-8"))
    assert config.pop("katman_space") == reembed.space
    assert config == json.loads((finished / "model" / name).read_text(encoding="utf-8"))
    trained = pl.read_parquet(finished / "data" / "clean" / "train.parquet")["query"].to_list()
    assert training_fingerprint.near(finished / "card" / "trained_rows.parquet", trained).all()


def test_card_never_shows_a_row_with_personal_data(line: Path) -> None:
    path = line / "data" / "clean" / "train.parquet"
    rows = pl.read_parquet(path)
    private = pl.when(pl.col("row") < 3).then(pl.lit("ara: 0532 123 45 67")).otherwise(pl.col("positive"))
    rows.with_columns(positive=private).write_parquet(path)
    assert "0532" not in show(line)


def test_card_that_fails_leaves_no_record(line: Path) -> None:
    (line / RECORDS["card"]).unlink()
    shutil.rmtree(line / "data" / "clean")
    with pytest.raises(BrokenChain, match="data/clean is missing, which `card` reads"):
        show(line)
    assert not (line / RECORDS["card"]).exists()
