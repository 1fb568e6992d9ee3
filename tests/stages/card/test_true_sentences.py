"""Cards of random valid records: each sentence stands where its record says so, and nowhere else."""

import re
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.params import load
from pipeline.records import (
    Audit,
    CurvePoint,
    Difference,
    Metrics,
    Outcome,
    ProbeSet,
    Shortcut,
    Training,
    Verdict,
)
from pipeline.stages.card import step as card
from pipeline.stages.card.tables import Read
from pipeline.wording import words
from tests.golden import HERE

PARAMS, GOLDEN = load(HERE), card.records(HERE)
SHARE = st.floats(0, 1).map(lambda value: round(value, 4))
COUNT = st.integers(0, 500)
MAYBE = st.none() | st.integers(1, 100_000)
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


@st.composite
def differences(draw: st.DrawFn) -> Difference:
    low, middle, high = sorted(draw(st.lists(st.floats(-1, 1), min_size=3, max_size=3)))
    rows = draw(st.integers(1, 100_000))
    return Difference(
        difference=middle, low=low, high=high, alpha=0.01, rows=rows, clusters=rows, left_out=draw(COUNT)
    )


@st.composite
def verdicts(draw: st.DrawFn) -> Verdict:
    """Change outcome, bounds and checks of the golden verdict."""
    outcome: Outcome = draw(
        st.sampled_from(("passed", "failed", "underpowered", "not_comparable", "test_spent"))
    )
    drawn = {name: draw(differences()) for name in GOLDEN.verdict.comparisons}
    comparisons = {
        name: one.model_copy(update=drawn[name].model_dump())
        for name, one in GOLDEN.verdict.comparisons.items()
    }
    reported = {
        name: draw(differences())
        for name in draw(st.sets(st.sampled_from(["base_hard_384", "base_accuracy_384"])))
    }
    checks = {
        name: check.model_copy(update={"passed": outcome == "passed" or draw(st.booleans())})
        for name, check in GOLDEN.verdict.checks.items()
    }
    first = next(iter(checks))
    if outcome != "passed":
        checks[first] = checks[first].model_copy(update={"passed": False})
    return GOLDEN.verdict.model_copy(
        update={
            "outcome": outcome,
            "passed": outcome == "passed",
            "comparisons": comparisons,
            "reported": reported,
            "checks": checks,
            "needs_human": draw(st.booleans()),
        }
    )


@st.composite
def metrics(draw: st.DrawFn) -> Metrics:
    """Change probes, sizes of corpora, and slices."""
    names = draw(st.sets(st.sampled_from(["sts", "history", "law"])))
    documents = draw(MAYBE)
    models: dict[Any, Any] = {}
    for name, one in GOLDEN.metrics.models.items():
        probes = {probe: draw(SHARE) for probe in sorted(names)} if name != "anchor" else {}
        splits = {
            split: scores.model_copy(
                update={
                    "retrieval": {
                        dim: found.model_copy(update={"documents": documents})
                        for dim, found in scores.retrieval.items()
                    }
                }
            )
            for split, scores in one.splits.items()
        }
        models[name] = one.model_copy(update={"probes": probes, "splits": splits})
    return GOLDEN.metrics.model_copy(
        update={
            "models": models,
            "probe_measures": {name: draw(st.sampled_from(["spearman", "ndcg10"])) for name in sorted(names)},
            "probe_sets": {
                name: ProbeSet(dim=384, queries=draw(st.integers(1, 9999)), documents=draw(MAYBE))
                for name in sorted(names)
                if draw(st.booleans())
            },
        }
    )


@st.composite
def audits(draw: st.DrawFn) -> Audit:
    """Change what was rejected, near, short and personal."""
    splits = {}
    for name, one in GOLDEN.audit.splits.items():
        over = draw(COUNT)
        longest = draw(st.integers(65, 200)) if over else draw(st.integers(1, 64))
        tokens = {
            column: lengths.model_copy(update={"over_long": over, "max": longest})
            for column, lengths in one.tokens.items()
        }
        dropped = {"duplicate": draw(st.integers(1, 9))} if draw(st.booleans()) else {}
        splits[name] = one.model_copy(update={"tokens": tokens, "dropped": dropped})
    bag = draw(SHARE)
    shortcut = Shortcut(
        bag_of_words=bag, bm25=draw(SHARE), hard_rows=draw(COUNT), warn_above=0.7, warned=bag > 0.7
    )
    return GOLDEN.audit.model_copy(
        update={
            "splits": splits,
            "shortcut": draw(st.sampled_from([{}, {"test": shortcut}])),
            "near_train": {"dev": draw(COUNT), "test": draw(COUNT)},
            "personal_data": draw(st.sampled_from([{}, {"phone_number": 3}])),
        }
    )


@st.composite
def trainings(draw: st.DrawFn) -> Training:
    """Change device, warm-up and the length of the curve."""
    device = draw(st.sampled_from(["cpu AMD EPYC", "cuda NVIDIA H100 80GB HBM3"]))
    warmup: dict[str, Any] = draw(
        st.sampled_from(
            [
                {"warmup_steps": 0.1, "warmup_ratio": None},
                {"warmup_steps": 0, "warmup_ratio": 0.1},
                {"warmup_steps": 7},
            ]
        )
    )
    rest = {
        key: value for key, value in GOLDEN.training.hyperparameters.items() if not key.startswith("warmup")
    }
    point = GOLDEN.training.curve[0]
    curve: tuple[CurvePoint, ...] = (point,) * draw(st.integers(1, 9))
    return GOLDEN.training.model_copy(
        update={
            "speed": GOLDEN.training.speed.model_copy(update={"device": device}),
            "hyperparameters": rest | warmup,
            "curve": curve,
            "prompts": draw(
                st.sampled_from([{"query": "", "document": ""}, {"query": "q: ", "document": ""}])
            ),
        }
    )


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


@st.composite
def said(draw: st.DrawFn) -> Said:
    pin = GOLDEN.pin.model_copy(update={"probes": {"sts": GOLDEN.pin.dataset}})
    read = replace(
        GOLDEN,
        pin=pin,
        verdict=draw(verdicts()),
        metrics=draw(metrics()),
        audit=draw(audits()),
        training=draw(trainings()),
    )
    return Said(read, rendered(read).split("\n---\n", 1)[1])


several = settings(
    max_examples=40,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)


@several
@given(said())
def test_card_says_of_a_verdict_what_the_record_says(found: Said) -> None:
    verdict = found.read.verdict
    first = found.text.strip().split("\n\n")[1]
    assert first.startswith("**v3 passed its gate:**") is verdict.passed
    assert ("Use it for" in found.text) is verdict.passed
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


@several
@given(said())
def test_card_says_of_probes_and_texts_what_the_records_say(found: Said) -> None:
    metrics, audit, training = found.read.metrics, found.read.audit, found.read.training
    ours, base = (metrics.models[name].probes for name in ("candidate", "base"))
    assert ("forgot" in found.text) is any(ours[name] < base[name] for name in ours)
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


@several
@given(said())
def test_card_says_of_the_training_what_the_record_says(found: Said) -> None:
    training = found.read.training
    assert ("GPU" in found.text) is training.speed.device.startswith("cuda")
    assert len(set(re.findall(r'"warmup_\w+":', found.text))) == 1
    assert len(re.findall(r'^  "warmup_\w+":', found.text, flags=re.MULTILINE)) == 1
    assert ("pictures/training.svg" in found.text) is (len(training.curve) >= 5)


@several
@given(said())
def test_card_reads_well_whatever_the_records_say(found: Said) -> None:
    prose = re.sub(r"```.*?```|`[^`]*`|\]\([^)]*\)", "", found.text, flags=re.DOTALL)
    assert not RAW_NAME.search(prose.replace("\\", ""))
    assert not re.search(r"\b(None|nan|True|False|inf)\b", prose)
    for table in re.findall(r"(?:^\|.*\n)+", found.unfolded, flags=re.MULTILINE):
        head = table.splitlines()[0]
        assert len(re.findall(r"(?<!\\)\|", head)) - 1 <= 8, head
    assert "#### Slices" not in found.text, "the only slice is the whole split"
    assert not re.search(r"\.\.|\. \.|  +\S.*\.\.", prose.replace("...", ""))


@pytest.mark.parametrize("part", ["evaluation", "training"])
def test_card_sections_are_there(part: str) -> None:
    """The properties above would hold of an empty text, too."""
    text = rendered(GOLDEN)
    assert f"## {part.capitalize()}" in text
