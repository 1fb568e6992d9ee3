"""Cards of random valid records: each sentence stands where its record says so, and nowhere else."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings

from pipeline.records import ModelName
from pipeline.stages.card import step as card
from pipeline.stages.card.sections.tables import Read
from pipeline.wording import words
from tests.support.drawn_records import reads
from tests.support.golden_records import GOLDEN, PARAMS

# A name of a check or a comparison, as records have it.
RAW_NAME = re.compile(
    r"\b(base|live|anchor)_(ndcg|accuracy|hard|clusters)|_visible\b|own_(test|dev)|slice_|floor_\d"
)


@dataclass(frozen=True)
class Said:
    """A card, and the records that it was rendered from."""

    read: Read
    text: str

    @property
    def unfolded(self) -> str:
        """What shows without a click."""
        return re.sub(r"<details>.*?</details>", "", self.text, flags=re.DOTALL)


def rendered(read: Read) -> str:
    """Render the card of some records, without samples and mistakes."""
    return card.render(
        PARAMS,
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
    of_a_release = ("Use it for", "How to verify", "load this release", "Release v3 of", "`provenance.json`")
    for part in of_a_release:
        assert (part in found.text) is verdict.passed, part
    assert ("is not on the Hub" in found.text) is not verdict.passed
    hard = {name: verdict.differences(name).get(("hard", 384)) for name in ("base", "live")}
    fell = [name for name, one in hard.items() if one is not None and one.difference < 0]
    assert ("rows that neither a word classifier" in found.text) is bool(fell)
    for name in fell:
        assert re.search(rf"(is|looks) worse than (the )?{name}, ", found.text)
    assert bool(re.search("is worse than (the base|live), ", found.text)) is any(
        one is not None and one.difference < 0 and one.high < 0 for one in hard.values()
    )
    for one in (*verdict.comparisons.values(), *verdict.reported.values()):
        assert words.interval(one) in found.text
        assert ("not proven" in words.interval(one)) is (one.low <= 0 <= one.high)


def holds_of_probes_and_texts(found: Said) -> None:
    metrics, audit, training = found.read.metrics, found.read.audit, found.read.training
    ours, base = (metrics.models[name].probes for name in ("candidate", "base"))
    fell = {
        name: found.read.verdict.probes.get(name, {}).get("base") for name in ours if ours[name] < base[name]
    }
    lost = [one for one in fell.values() if one is None or one.high < 0]
    assert ("This model forgot something" in found.text) is bool(lost)
    assert ("Whether it forgot something is open" in found.text) is (len(lost) < len(fell))
    for by_other in found.read.verdict.probes.values():
        assert all(words.interval(difference) in found.text for difference in by_other.values())
    over_long = sum(one.over_long for split in audit.splits.values() for one in split.tokens.values())
    assert bool(re.search(r"longer than 64 tokens and cut", found.text)) is (over_long > 0)
    longest = {name: max(one.max for one in audit.splits[name].tokens.values()) for name in ("train", "test")}
    assert found.text.count("(cut, of ") == sum(one > 64 for one in longest.values())
    assert ("is not read" in found.text) is (longest["test"] >= 64)
    assert ("none was rejected" in found.text) is not any(split.dropped for split in audit.splits.values())
    assert ("no such row is shown here" in found.text) is bool(audit.personal_data)
    assert ("no held-out row is the same" in found.text) is not any(audit.near_train.values())
    assert ("- **Shortcuts:**" in found.text) is bool(audit.shortcut)
    documents = metrics.candidate.splits["test"].retrieval[384].documents
    assert (documents is None) or f"among {documents:,} texts" in found.text
    for name, one in metrics.probe_sets.items():
        (row,) = re.findall(rf"^\| {name} \|.*$", found.text, flags=re.MULTILINE)
        assert f"{one.queries:,} " in row
        assert "at 384 dimensions" in row
        assert (one.documents is None) or f"among {one.documents:,} texts" in row
    assert ("q: " in found.text.split("## Training Details")[0]) is any(training.prompts.values())


def holds_of_the_training(found: Said) -> None:
    training = found.read.training
    released = found.read.verdict.passed  # of nothing else it says what training it again gives
    assert ("GPU" in found.text) is (released and training.speed.device.startswith("cuda"))
    assert len(set(re.findall(r'"warmup_\w+":', found.text))) == 1
    assert len(re.findall(r'^  "warmup_\w+":', found.text, flags=re.MULTILINE)) == 1
    assert ("pictures/training.svg" in found.text) is (len(training.curve) >= 5)


def holds_of_the_models(found: Said) -> None:
    metrics, read = found.read.metrics, found.read
    head = re.findall(r"^\| \| (.*) \|$", found.text, flags=re.MULTILINE)[0].split(" | ")
    known: tuple[ModelName, ...] = ("base", "live")
    named = [name for name in known if name in metrics.models]
    less = [f"against {name}" for name in named if read.verdict.differences(name)]
    assert head == [*named, "this model", *less]
    pairs = not metrics.candidate.splits["test"].triplets
    assert ("The data set holds pairs without negatives" in found.text) is pairs
    assert ("Pairs have no negatives" in found.text) is (metrics.mistakes is None)
    assert ("no live model to be compatible with" in found.text) is (read.reembed.compatible is None)
    assert ("there was no live model to compare with." in found.text) is (not read.verdict.compared_with)
    assert ("**a new vector space**" in found.text) is (read.reembed.compatible is False)
    assert ("The service's own retrieval set" in found.text) is (metrics.service is not None)
    for name, task in read.pin.mteb.items():
        (said_of_it,) = re.findall(rf"^\* {name} is mteb's task .*$", found.text, flags=re.MULTILINE)
        assert f"scored by mteb {metrics.mteb_version} on " in said_of_it
        same = read.pin.probes[name].revision == task.own.revision
        assert said_of_it.endswith("the commit that mteb names.") is same


def reads_well(found: Said) -> None:
    prose = re.sub(r"```.*?```|`[^`]*`|\]\([^)]*\)", "", found.text, flags=re.DOTALL)
    assert not RAW_NAME.search(prose.replace("\\", ""))
    assert not re.search(r"\b(None|nan|True|False|inf)\b", prose)
    for table in re.findall(r"(?:^\|.*\n)+", found.unfolded, flags=re.MULTILINE):
        head = table.splitlines()[0]
        assert len(re.findall(r"(?<!\\)\|", head)) - 1 <= 8, head
    parts = [
        one
        for values in found.read.metrics.candidate.splits["test"].slices.values()
        for one in values.values()
    ]
    rows = found.read.audit.splits["test"].kept
    assert ("#### Slices" in found.text) is any(one.rows < rows for one in parts), "the whole is no slice"
    assert not re.search(r"\.\.|\. \.|  +\S.*\.\.", prose.replace("...", ""))


HOLDS: tuple[Callable[[Said], None], ...] = (
    holds_of_the_verdict,
    holds_of_probes_and_texts,
    holds_of_the_training,
    holds_of_the_models,
    reads_well,
)


@settings(
    max_examples=80,
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
