"""Cards of random valid records: each sentence stands where its record says so, and nowhere else."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings

from pipeline.records import Difference, HeldOut, Metric, ModelName, SplitScores
from pipeline.stages.card import step as card
from pipeline.stages.card.sections.tables import Read
from pipeline.wording import words
from tests.support.drawn_records import reads
from tests.support.golden_records import GOLDEN, PARAMS

# A name of a check or a comparison, as records have it.
RAW_NAME = re.compile(
    r"\b(base|live|anchor)_(ndcg|accuracy|hard|clusters)|_visible\b|own_(test|dev)|slice_|floor_\d"
)

# The plural of one thing.
ONE_OF_MANY = re.compile(
    r"(?<![\d,.@-])1 (?!(?:is|this|less|was|process)\b)(?:training |evaluation |dev |test )?[a-z]+s\b(?!\|)"
)
LOSSES = ("training_loss", "validation_loss")
OTHERS: tuple[ModelName, ...] = ("base", "live")


@dataclass(frozen=True)
class Said:
    """A card, and the records that it was rendered from."""

    read: Read
    text: str

    @property
    def unfolded(self) -> str:
        """What shows without a click."""
        return re.sub(r"<details>.*?</details>", "", self.text, flags=re.DOTALL)

    @property
    def first_screen(self) -> str:
        """What stands above the first heading of a section."""
        return self.text.split("\n## ")[0]

    @property
    def split(self) -> HeldOut:
        """The split that decides."""
        return decides(self.read)

    @property
    def scores(self) -> SplitScores:
        """What the candidate scores there."""
        return self.read.metrics.candidate.splits[self.split]

    @property
    def dims(self) -> list[int]:
        """The widths of the first screen."""
        widths = self.scores.retrieval
        return sorted({max(widths), min(widths)}, reverse=True)

    def shown(self, other: ModelName) -> list[Difference]:
        """The differences to another model on the first screen."""
        found = self.read.verdict.differences(other)
        metrics: tuple[Metric, ...] = ("accuracy", "ndcg")
        return [found[key] for metric in metrics for dim in self.dims if (key := (metric, dim)) in found]

    def rows(self, head: str) -> list[list[str]]:
        """The cells of each row of the first table whose head begins so."""
        (_, table) = re.split(
            rf"^\| {re.escape(head)}.*\n\|[-:|]+\|\n", self.text, maxsplit=1, flags=re.MULTILINE
        )
        lines = table.split("\n\n")[0].splitlines()
        return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def decides(read: Read) -> HeldOut:
    """Return the split of the gate: the last that was scored."""
    return list(read.metrics.candidate.splits)[-1]


def rendered(read: Read) -> str:
    """Render the card of some records, without samples and mistakes."""
    dims = tuple(read.metrics.candidate.splits[decides(read)].retrieval)
    params = PARAMS.model_copy(
        update={
            "gate": PARAMS.gate.model_copy(update={"split": decides(read)}),
            "model": PARAMS.model.model_copy(update={"dims": dims}),
        }
    )
    return card.render(
        params,
        read,
        version="v3",
        code_commit=None,
        params_file="0" * 64,
        digests_of={},
        samples={"train": [], "dev": [], "test": []},
        mistakes={},
    )


def said(read: Read) -> Said:
    """Render a card, its metadata aside."""
    return Said(read, rendered(read).split("\n---\n", 1)[1])


def holds_of_the_verdict(found: Said) -> None:
    verdict = found.read.verdict
    first = found.text.strip().split("\n\n")[1]
    assert first.startswith("**v3 passed its gate:**") is verdict.passed
    assert first.startswith("**The candidate for v3 ") is not verdict.passed
    of_a_release = (
        "Use it for",
        "How to verify",
        "load this release",
        "Release v3 of",
        "`provenance.json`",
        "\n## Release\n",
        "**Version:** v3 of",
        "- **Store:**",
    )
    for part in of_a_release:
        assert (part in found.text) is verdict.passed, part
    assert ("is not on the Hub" in found.text) is not verdict.passed
    assert ("\n## Why it is not released\n" in found.text) is not verdict.passed
    assert all(first.count(pattern.removesuffix(".")) == 1 for pattern in verdict.patterns.values())
    new_space = found.read.reembed.compatible is False
    assert ("embed all documents again first" in first) is (verdict.passed and new_space)
    assert ("more loosely" in first) is (verdict.passed and bool(verdict.loosened))
    weighed = verdict.needs_human or verdict.training_unknown or bool(verdict.loosened)
    assert ("- **For a person to weigh:**" in found.text) is (verdict.passed and weighed)


def holds_of_the_hard_subset(found: Said) -> None:
    fell = {
        (name, dim): one
        for name in (*OTHERS,)
        for (metric, dim), one in found.read.verdict.differences(name).items()
        if metric == "hard" and one.difference < 0
    }
    assert ("On the hard subset, which neither" in found.text) is bool(fell)
    for (name, dim), one in fell.items():
        verb = "is" if one.high < 0 else "looks"
        start = rf"{verb} worse than (the )?{name} in accuracy at {dim}: {re.escape(words.interval(one))} on "
        assert re.search(rf"{start}{one.rows:,} row", found.first_screen)
    hard = {split: one.hard for split, one in found.read.metrics.candidate.splits.items() if one.hard}
    for split, scored in hard.items():
        assert re.search(rf"^\| {split}, {scored.rows:,} triplets? \|", found.text, flags=re.MULTILINE)


def holds_of_the_first_table(found: Said) -> None:
    """Each number of it says on what split, how many rows, at which width, how sure."""
    verdict, metrics, screen = found.read.verdict, found.read.metrics, found.first_screen
    dims = " and ".join(str(dim) for dim in found.dims)
    (note,) = re.findall(rf"^On {found.split}, at {dims} dimensions: .*$", screen, flags=re.MULTILINE)
    for one in list(found.scores.triplets.values())[:1]:
        assert f"{one.rows:,} triplet" in note
    searched = found.scores.retrieval[found.dims[0]]
    assert f"{searched.queries:,} quer" in note
    assert ("among" in note) is (searched.documents is not None)
    compared = {name: shown for name in OTHERS if (shown := found.shown(name))}
    assert ("A difference is" in note) is bool(compared)
    for shown in compared.values():
        (sure,) = re.findall(r"with its ([\d.]+)% interval", note)
        assert 100 * (1 - 2 * shown[0].alpha) == pytest.approx(float(sure), abs=0.06)
        assert float(sure) < 100
    spent = verdict.outcome == "test_spent" and bool(compared)
    assert ("have judged more candidates than they may: no interval here proves" in note) is spent
    left_out = {name: max(one.left_out for one in shown) for name, shown in compared.items()}
    assert ("(left out: " in note) is any(left_out.values())
    for name, count in left_out.items():
        assert bool(re.search(rf"{count:,} against (the )?{name}\b", note)) is (count > 0)
    unknown = "live_training" in verdict.assumptions and "live" in compared
    assert ("Nobody knows what the live model was trained on" in note) is unknown
    live = metrics.models["live"].splits[found.split].retrieval if "live" in metrics.models else None
    lacks = live is not None and bool(set(found.dims) - set(live))
    assert ("Live is the model that was in service when this" in note) is bool(live)
    assert ("has none of these widths and was not measured" in note) is (live == {})
    assert ("; it does not have " in note) is (lacks and live != {})
    cells = [cell for row in found.rows("| ")[: len(found.dims) * 2] for cell in row]
    nothing = any(one.rows == 0 for shown in compared.values() for one in shown)
    assert ("no comparable row" in cells) is nothing
    assert lacks or "-" not in cells


def holds_of_the_widths(found: Said) -> None:
    dims, width = list(found.scores.retrieval), found.read.training.width
    assert ("uncut, it was neither trained nor judged" in found.first_screen) is (max(dims) < width)
    assert ("trained and scored at" in found.text) is (dims != [width])
    assert ("made to be cut to" in found.first_screen) is any(dim < width for dim in dims)


def holds_of_differences(found: Said) -> None:
    verdict = found.read.verdict
    once = len(set(verdict.compared_with.values())) < len(verdict.compared_with)
    assert ("which is the best release so far" in found.text) is once
    assert ("| against the best release |" in found.text) is (
        "anchor" in verdict.compared_with and not once
    ) or (not verdict.differences("anchor"))
    models = found.read.metrics.models
    measured = "anchor" in models and bool(models["anchor"].splits[found.split].retrieval)
    assert ("best release so far |" in found.text) is (measured and not once)
    others: tuple[ModelName, ...] = ("base", "live") if once else ("base", "live", "anchor")
    for name in others:
        for one in verdict.differences(name).values():
            if one.rows:
                assert words.interval(one) in found.text
                assert ("not proven" in words.interval(one)) is (one.low <= 0 <= one.high)


def holds_of_probes(found: Said) -> None:
    metrics, verdict = found.read.metrics, found.read.verdict
    ours, base = (metrics.models[name].probes for name in ("candidate", "base"))
    fell = {name: verdict.probes.get(name, {}).get("base") for name in ours if ours[name] < base[name]}
    fell = {name: one if one is not None and one.rows else None for name, one in fell.items()}
    lost = [
        name
        for name, one in fell.items()
        if (one.high < 0 if one is not None else not verdict.checks[f"forgetting_{name}"].passed)
    ]
    assert ("This model forgot something" in found.text) is bool(lost)
    assert bool(re.search("Whether it forgot something( else)? is open", found.text)) is (
        len(lost) < len(fell)
    )
    outside = found.text.partition("### Outside the domain")[2].partition("### Limitations")[0]
    assert ("A difference is this model less" in outside) is any(verdict.probes.values())
    for by_other in verdict.probes.values():
        assert all(words.interval(one) in found.text for one in by_other.values() if one.rows)
    for name, probe in metrics.probe_sets.items():
        (row,) = re.findall(rf"^\| {name} \|.*$", found.text, flags=re.MULTILINE)
        assert f"{probe.queries:,} " in row
        assert f"at {probe.dim} dimensions" in row
        assert (probe.documents is None) or f"among {probe.documents:,} text" in row


def holds_of_texts(found: Said) -> None:
    metrics, audit, training = found.read.metrics, found.read.audit, found.read.training
    over_long = sum(one.over_long for split in audit.splits.values() for one in split.tokens.values())
    assert bool(re.search(r"longer than 64 tokens and cut", found.text)) is (over_long > 0)
    longest = {name: max(one.max for one in split.tokens.values()) for name, split in audit.splits.items()}
    tested = max(longest[split] for split in metrics.candidate.splits)
    for done, most in (("trained", longest["train"]), ("tested", tested)):
        cut = " and was cut to 64" if most > 64 else ""
        assert re.search(
            rf"the longest (measured )?text that it was {done} on has {most}{cut}[,\n]", found.text
        )
    assert ("is not read" in found.text) is (tested >= 64)
    assert ("none was rejected" in found.text) is not any(split.dropped for split in audit.splits.values())
    assert ("no such row is shown here" in found.text) is bool(audit.personal_data)
    assert ("no held-out row is the same" in found.text) is not any(audit.near_train.values())
    assert ("- **Shortcuts:**" in found.text) is bool(audit.shortcut)
    assert found.text.count("there is no hard subset") == sum(
        not one.hard_rows for one in audit.shortcut.values()
    )
    warned = [name for name, one in audit.shortcut.items() if one.warned]
    assert found.text.count("partly measures style: read") == sum(
        bool(metrics.candidate.splits[name].triplets) for name in warned if name in metrics.candidate.splits
    )
    documents = found.scores.retrieval[found.dims[0]].documents
    assert (documents is None) or f"among {documents:,} text" in found.text
    assert ("q: " in found.text.split("## Training Details")[0]) is any(training.prompts.values())


def holds_of_mistakes(found: Said) -> None:
    wrong = found.read.metrics.mistakes
    if wrong is None:
        return
    rows = found.scores.triplets[wrong.dim].rows
    many = f"{wrong.wrong:,}" if wrong.wrong else "none"
    assert re.search(rf"{many} of the {rows:,} triplets? of {found.split} (is|are) wrong", found.text)
    assert ("of them the cosine" in found.text) is (wrong.wrong > 1)
    assert ("In that one the cosine" in found.text) is (wrong.wrong == 1)


def holds_of_the_training(found: Said) -> None:
    training, metrics = found.read.training, found.read.metrics
    released = found.read.verdict.passed  # of nothing else it says what training it again gives
    assert ("GPU" in found.text) is (released and training.speed.device.startswith("cuda"))
    assert ("processes, each on" in found.text) is (training.speed.processes > 1)
    assert (", in bfloat16 |" in found.text) is training.bf16
    assert len(set(re.findall(r'"warmup_\w+":', found.text))) == 1
    assert len(re.findall(r'^  "warmup_\w+":', found.text, flags=re.MULTILINE)) == 1
    losses = [len([1 for point in training.curve if getattr(point, name) is not None]) for name in LOSSES]
    assert ("pictures/training.svg" in found.text) is (max(losses) >= 5)
    for shown in re.findall(r"^!\[(.*)\]\(pictures/training.svg\)$", found.text, flags=re.MULTILINE):
        assert [name in shown.lower() for name in ("training", "validation")] == [
            count > 0 for count in losses
        ]
        assert ("accuracy" in shown) is any(point.accuracy for point in training.curve)
    assert ("Step 0 is the base" in found.text) is any(point.step == 0 for point in training.curve)
    for ends in re.findall(
        r"<summary>The same at every width, with test (.*) training</summary>", found.text
    ):
        steps = {"before": 0, "after": training.steps}
        logged = {point.step for point in training.curve}
        assert ends.split(" and ") == [when for when, step in steps.items() if step in logged]
    assert ("Nothing was logged" in found.text) is (not training.curve)
    last = training.curve[-1] if training.curve else None
    epochs = last.epoch * training.steps / last.step if last is not None and last.step else 1.0
    assert ("training ended after" in found.text) is (epochs < 1)
    for head in re.findall(r"^\| (epoch \|.*) \|$", found.text, flags=re.MULTILINE):
        rows, columns = found.rows(head), head.split(" | ")
        assert len(rows) == len(training.curve)
        for place, column in enumerate(columns[4:], 4):
            assert any(row[place] != "-" for row in rows), "a column of nothing"
            split, dim = column.split(" at ")
            if split == "test":
                for row, point in zip(rows, training.curve, strict=True):
                    known = {0: metrics.models["base"], training.steps: metrics.candidate}.get(point.step)
                    one = None if known is None else known.splits["test"].triplets[int(dim)]
                    assert row[place] == (f"{one.accuracy:.4f}" if one is not None else "-")


def holds_of_the_models(found: Said) -> None:
    metrics, read = found.read.metrics, found.read
    head = re.findall(r"^\| \| (.*) \|$", found.text, flags=re.MULTILINE)[0].split(" | ")
    named = [
        name
        for name in OTHERS
        if name in metrics.models
        and set(found.dims) & set(metrics.models[name].splits[found.split].retrieval)
    ]
    less = [f"against {name}" for name in OTHERS if found.shown(name)]
    assert head == [*named, "this model", *less]
    pairs = not found.scores.triplets
    assert ("The data set holds pairs without negatives" in found.text) is pairs
    assert ("Pairs have no negatives" in found.text) is (metrics.mistakes is None)
    assert ("no live model to be compatible with" in found.text) is (read.reembed.compatible is None)
    assert ("there was no live model to compare with." in found.text) is (not read.verdict.compared_with)
    assert ("a new vector space" in found.text) is (read.reembed.compatible is False)
    mixed = [value for name, value in read.reembed.ndcg10.items() if name not in ("candidate", "live")]
    worst = re.findall(
        r"of the mixtures of both models' vectors the worst, .*?, reaches nDCG@10 ([\d.]+), where", found.text
    )
    assert worst == ([f"{min(mixed):.4f}"] if mixed else [])
    assert ("The service's own retrieval set" in found.text) is (metrics.service is not None)
    for name, task in read.pin.mteb.items():
        (said_of_it,) = re.findall(rf"^\* {name} is mteb's task .*$", found.text, flags=re.MULTILINE)
        assert f"scored by mteb {metrics.mteb_version} on " in said_of_it
        same = read.pin.probes[name].revision == task.own.revision
        assert said_of_it.endswith("the commit that mteb names.") is same


def reads_well(found: Said) -> None:
    prose = re.sub(r"```.*?```|`[^`]*`|\]\([^)]*\)", "code", found.text, flags=re.DOTALL)
    assert not RAW_NAME.search(prose.replace("\\", ""))
    assert not re.search(r"\b(None|nan|True|False|inf)\b", prose)
    assert not ONE_OF_MANY.findall(prose)
    assert not re.search(r"that neither was trained on", prose), "nobody knows that of a base"
    for table in re.findall(r"(?:^\|.*\n)+", found.unfolded, flags=re.MULTILINE):
        head = table.splitlines()[0]
        assert len(re.findall(r"(?<!\\)\|", head)) - 1 <= 8, head
    parts = [one for values in found.scores.slices.values() for one in values.values()]
    rows = found.read.audit.splits[found.split].kept
    assert ("#### Slices" in found.text) is any(one.rows < rows for one in parts), "the whole is no slice"
    assert not re.search(r"\.\.|\. \.|  +\S.*\.\.| ,|;\.|: \.| -\.", prose.replace("...", ""))


HOLDS: tuple[Callable[[Said], None], ...] = (
    holds_of_the_verdict,
    holds_of_the_hard_subset,
    holds_of_the_first_table,
    holds_of_the_widths,
    holds_of_differences,
    holds_of_probes,
    holds_of_texts,
    holds_of_mistakes,
    holds_of_the_training,
    holds_of_the_models,
    reads_well,
)


@settings(
    max_examples=250,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(reads())
def test_card_of_any_records_says_what_they_say(read: Read) -> None:
    """One rendering for all of them: it is what costs time."""
    found = said(read)
    for holds in HOLDS:
        holds(found)


@pytest.mark.parametrize("part", ["evaluation", "training"])
def test_card_sections_are_there(part: str) -> None:
    """The properties above would hold of an empty text, too."""
    text = rendered(GOLDEN)
    assert f"## {part.capitalize()}" in text
