"""Step `card`: the model card, from the records alone; a number that no record holds cannot stand in it."""

import json
import shutil
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import polars as pl
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipeline.dataset import language
from pipeline.dataset.training_fingerprint import TRAINED_ROWS, trained_rows
from pipeline.embedding.vector_space import CONFIG, SPACE_KEY
from pipeline.errors import printable
from pipeline.params import Params
from pipeline.records import Audit, Card, Metrics, Pin, Reembed, Training, Verdict
from pipeline.stages.card import eval_results, licences, markdown, plots, shown_rows
from pipeline.stages.card.front_matter import front_matter
from pipeline.stages.card.sections import tables, usage_snippet, verify_commands
from pipeline.stages.card.sections.tables import Read
from pipeline.wording import words
from pipeline.wording.counted import counted, listed
from pipeline.workspace import digests, git, lineage, paths, receipts
from pipeline.workspace.files import write_text

_TEMPLATES = Path(__file__).parent / "templates"


def run(workspace: Path, params: Params) -> Card:
    """Write `card/README.md` and its pictures, and what else is released beside the model."""
    before = lineage.opened(workspace, "card")
    read = records(workspace)
    version = receipts.next_version(workspace, params.release.repo)
    commit, params_file = git.head(workspace), digests.sha256(workspace / paths.PARAMS)
    folder = workspace / paths.CARD
    shutil.rmtree(folder, ignore_errors=True)
    plots.draw(read.metrics, read.training, params.model.dims, params.gate.split, folder / "pictures")
    clean, private = workspace / paths.CLEAN, read.pin.dataset.private
    wrong = read.metrics.mistakes
    text = render(
        params,
        read,
        version=version,
        code_commit=commit,
        params_file=params_file,
        digests_of={
            path: digests.sha256(workspace / path) for name, path in paths.RECORDS.items() if name != "card"
        },
        samples={
            split: shown_rows.samples(clean, split, params.card, private, read.pin.languages)
            for split in ("train", "dev", "test")
        },
        mistakes={}
        if wrong is None
        else shown_rows.numbered(
            clean, wrong.split, list(wrong.worst), params.card, private, read.pin.languages
        ),
    )
    write_text(folder / "README.md", text)
    for path, content in eval_results.files(read.pin, read.metrics, params.model.prompts).items():
        (folder / path).parent.mkdir(exist_ok=True)
        write_text(folder / path, content)
    _name_space(workspace, read.reembed.space)
    rows = pl.read_parquet(paths.clean(workspace, "train"), columns=["query"]).head(read.training.triplets)
    trained_rows(rows["query"].to_list(), language.foldings(read.pin.languages)).write_parquet(
        folder / TRAINED_ROWS
    )
    return lineage.seal(
        workspace,
        before,
        Card(
            version=version,
            candidate=read.verdict.candidate,
            code_commit=commit,
            params_file=params_file,
        ),
    )


def summary(card: Card) -> str:
    """Return where the card stands, and for which version."""
    return f"card/README.md for {card.version}"


def records(workspace: Path) -> Read:
    """Read everything that a card says."""
    at = {name: workspace / path for name, path in paths.RECORDS.items()}
    return Read(
        pin=Pin.load(at["pin"]),
        audit=Audit.load(at["audit"]),
        training=Training.load(at["train"]),
        metrics=Metrics.load(at["evaluate"]),
        verdict=Verdict.load(at["gate"]),
        reembed=Reembed.load(workspace / paths.REEMBED),
    )


def render(
    params: Params,
    read: Read,
    *,
    version: str,
    code_commit: str | None,
    params_file: str,
    digests_of: Mapping[str, str],
    samples: Mapping[str, list[list[str]]],
    mistakes: Mapping[int, list[str]],
) -> str:
    """Render the card: front matter that the Hub accepts, then the text.

    Args:
        params: What the card may say and show.
        read: The records.
        version: The one that the release will bear.
        code_commit: Of the workspace; None where git does not say.
        params_file: sha256 of params.yaml.
        digests_of: sha256 of each record, by path.
        samples: Rows that may be shown, by split: query, positive, negative.
        mistakes: Those of the worst mistakes that may be shown, by number of the row.
    """
    pin, training, metrics = read.pin, read.training, read.metrics
    licence = licences.derive(params.model.license, pin.base.license, pin.dataset.license)
    narrower = [dim for dim in params.model.dims if dim < training.width]
    repo = params.release.repo
    body = (
        _environment()
        .get_template("card.md.j2")
        .render(
            params=params,
            pin=pin,
            audit=read.audit,
            training=training,
            metrics=metrics,
            verdict=read.verdict,
            version=version,
            code_commit=code_commit,
            params_file=params_file,
            signers=sorted({signer.name for signer in params.approve.signers}),
            records=digests_of,
            languages=params.model.languages(pin.languages),
            licence=licence,
            narrower=narrower,
            snippet=usage_snippet.snippet(repo, version, training.width, metrics.example),
            smaller=usage_snippet.smaller(repo, version, narrower[0], metrics.example) if narrower else None,
            samples={
                split: [[markdown.cell(text) for text in row] for row in rows]
                for split, rows in samples.items()
            },
            citations=tomllib.loads((_TEMPLATES / "citations.toml").read_text(encoding="utf-8")),
            verify=verify_commands.commands(repo, version, pin.endpoint),
            int8=usage_snippet.int8(repo, version, training.width, metrics.example),
            binary=usage_snippet.binary(repo, version, training.width, metrics.example),
            **tables.context(params, read, mistakes, version),
        )
    )
    front = front_matter(params, pin, training, metrics, licence.name).to_yaml(line_break="\n")
    return printable(f"---\n{front}\n---\n\n{body}")


@cache
def _environment() -> Environment:  # compiling the templates takes ten times as long as rendering them
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        # Not HTML: `cell` escapes what comes from a data set, and Markdown's own signs too.
        autoescape=False,
    )
    environment.filters |= {
        "cell": markdown.cell,
        "counted": counted,
        "listed": listed,
        "percent": words.percent,
        "decimal": markdown.decimal,
        "inline": markdown.inline,
        "fenced": markdown.fenced,
        "json": markdown.pretty,
    }
    return environment


def _name_space(workspace: Path, space: str) -> None:
    """Put the vector space's name into the configuration that is released with the model.

    A candidate of an older version can still have the similarity and the default prompt of its base.
    """
    config = json.loads((workspace / paths.MODEL / CONFIG).read_text(encoding="utf-8"))
    judged = {"similarity_fn_name": "cosine", "default_prompt_name": None}
    text = json.dumps({**config, **judged, SPACE_KEY: space}, indent=2, ensure_ascii=False)
    write_text(workspace / paths.CARD / CONFIG, text + "\n")
