"""Records that hang together, drawn whole by Hypothesis and built by their own models.

What a card's sentences hang on is drawn one by one: models, pairs or triplets, outcome, probes, device. The
figures of the many tables come from one drawn number.
"""

import random
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from pipeline.records import (
    Accuracy,
    Audit,
    BaseTrial,
    Check,
    Comparison,
    Cosines,
    CurvePoint,
    Difference,
    EncodedTexts,
    Example,
    HeldOut,
    Lengths,
    Machine,
    Metrics,
    Mistakes,
    ModelName,
    ModelScores,
    MtebScore,
    MtebTask,
    Outcome,
    Pin,
    PinnedRepo,
    PinnedSplit,
    Precision,
    ProbeMeasure,
    ProbeSet,
    Reembed,
    RepoRef,
    Retrieval,
    Rival,
    RowKind,
    Shortcut,
    Soundness,
    Speed,
    SplitAudit,
    SplitScores,
    StoredVectors,
    Training,
    Verdict,
)
from pipeline.records.reembed import Arrangement
from pipeline.stages.card.sections.tables import Read

DIMS = (384, 256, 128, 64)
LIMIT = 64
HELD_OUT: tuple[HeldOut, ...] = ("dev", "test")
COUNT = st.integers(0, 500)
MAYBE = st.booleans()
PROBES: dict[str, ProbeMeasure] = {"sts": "spearman", "history": "ndcg10", "law": "mteb"}


@dataclass(frozen=True)
class Shape:
    """What all records of a run have in common.

    Attributes:
        chance: Draws the figures.
        pairs: The data set has no negatives.
        negatives: Columns of them.
        rivals: What the candidate was compared with beside the base.
        live_dims: The widths that live and anchor have.
        rows: Of each held-out split.
        documents: Among how many texts each split's queries were searched; None in older records.
        hard: There is a hard subset.
        probes: Names of the probes.
        splits: Those that were scored; the last one decides.
        dims: The widths that are promised.
        once: The anchor is the live model.
        unknown: Of these models nobody knows what they were trained on.
        alpha: Level of every bound.
        left_out: How many rows a comparison may leave out, at most.
    """

    chance: random.Random
    pairs: bool
    negatives: int
    rivals: tuple[Rival, ...]
    live_dims: tuple[int, ...]
    rows: dict[HeldOut, int]
    documents: int | None
    hard: bool
    probes: tuple[str, ...]
    splits: tuple[HeldOut, ...]
    dims: tuple[int, ...]
    once: bool
    unknown: tuple[Rival, ...]
    alpha: float
    left_out: int

    @property
    def columns(self) -> list[str]:
        """The columns of texts."""
        further = [f"negative_{number}" for number in range(2, self.negatives + 1)]
        return ["query", "positive", *([] if self.pairs else ["negative", *further])]

    def share(self) -> float:
        """Give a share."""
        return round(self.chance.random(), 4)

    def accuracy(self, rows: int) -> Accuracy:
        """Give an accuracy inside its interval."""
        low, middle, high = sorted(self.share() for _ in range(3))
        return Accuracy(accuracy=middle, low=low, high=high, rows=rows)

    def bounds(self, *, least: int = 1) -> dict[str, Any]:
        """Give a difference between its bounds, of no rows, of fewest, or of some."""
        low, middle, high = sorted(round(self.chance.uniform(-1, 1), 4) for _ in range(3))
        rows = self.chance.choice([0, least, self.chance.randint(least, 100_000)])
        if not rows:  # as resampling nothing has it
            low, middle, high = -1.0, 0.0, 1.0
        clusters = self.chance.randint(min(1, rows), rows)
        counted = {"rows": rows, "clusters": clusters, "left_out": self.chance.randint(0, self.left_out)}
        return {"difference": middle, "low": low, "high": high, "alpha": self.alpha, **counted}

    def widths(self, model: ModelName) -> tuple[int, ...]:
        """Give the widths of a model."""
        return self.live_dims if model in self.rivals else self.dims

    @property
    def decides(self) -> HeldOut:
        """The split of the gate."""
        return self.splits[-1]

    @property
    def commits(self) -> dict[Rival, str]:
        """The commits of live and anchor."""
        found: dict[Rival, str] = {"live": "3" * 40, "anchor": ("3" if self.once else "4") * 40}
        return {name: found[name] for name in self.rivals}


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    """Draw what all records have in common."""
    pairs = draw(MAYBE)
    rivals: tuple[Rival, ...] = draw(st.sampled_from(((), ("live",), ("live", "anchor"))))
    dims = draw(st.sampled_from((DIMS, DIMS[:1], DIMS[1:])))
    every: tuple[tuple[HeldOut, ...], ...] = (HELD_OUT, ("test",), ("dev",))
    return Shape(
        chance=random.Random(draw(st.integers(0, 1 << 32))),
        pairs=pairs,
        negatives=draw(st.integers(1, 3)),
        rivals=rivals,
        live_dims=dims[draw(st.integers(0, len(dims))) :],
        rows={"dev": draw(st.integers(1, 9999)), "test": draw(st.integers(1, 9999))},
        documents=draw(st.none() | st.integers(1, 100_000)),
        hard=not pairs and draw(MAYBE),
        probes=tuple(sorted(draw(st.sets(st.sampled_from(sorted(PROBES)))))),
        splits=draw(st.sampled_from(every)),
        dims=dims,
        once=draw(MAYBE),
        unknown=tuple(one for one in rivals if draw(MAYBE)),
        alpha=draw(st.sampled_from([0.01, 0.001, 0.0000125])),
        left_out=draw(st.sampled_from([0, 1, 500])),
    )


def repo(name: str, digit: str) -> PinnedRepo:
    """Give a repository at a commit."""
    return PinnedRepo(repo=f"owner/{name}", revision=digit * 40, private=False, license="mit", files={})


@st.composite
def pins(draw: st.DrawFn, shape: Shape) -> Pin:
    """Draw what was pinned."""
    trial = BaseTrial(
        tokens=LIMIT,
        prompts={},
        normalize_added=draw(MAYBE),
        similarity=draw(st.sampled_from([None, "dot"])),
        pad_token=draw(st.sampled_from([None, "</s>"])),
        truncate_dim=draw(st.sampled_from([None, 128])),
    )
    task = MtebTask(
        name="STS17",
        kind="STS",
        metric="cosine_spearman",
        subsets=draw(st.sampled_from([("default",), ("tr", "en")])),
        splits=("test",),
        whole=draw(MAYBE),
        own=RepoRef(repo="owner/law", revision=draw(st.sampled_from("78")) * 40),
        version="2.26.24",
    )
    return Pin(
        endpoint="https://huggingface.co",
        dataset=repo("triplets", "1"),
        languages=draw(st.sampled_from([("tr",), ("tr", "en"), ("und",)])),
        base=repo("base", "2"),
        base_trial=draw(st.sampled_from([None, trial])),
        live=repo("tuned", "3") if "live" in shape.rivals else None,
        anchor=repo("tuned", shape.commits["anchor"][0]) if "anchor" in shape.rivals else None,
        retrieval=draw(st.sampled_from([None, repo("service", "5")])),
        probes={name: repo(name, "7") for name in shape.probes},
        mteb={name: task for name in shape.probes if PROBES[name] == "mteb"},
        converted_pickles=(),
        splits={
            name: PinnedSplit(source=name, cut=False, rows=1, moved_in=0, moved_out=0)
            for name in ("train", "dev", "test")
        },
    )


@st.composite
def audits(draw: st.DrawFn, shape: Shape) -> Audit:
    """Draw what was found in the rows."""
    splits = {}
    held_out = [(str(name), rows) for name, rows in shape.rows.items()]
    for name, kept in [("train", draw(st.integers(1, 9999))), *held_out]:
        over = draw(st.sampled_from([0, 0, 1, 300]))
        kept = 1 if draw(st.integers(0, 9)) == 0 and name == "train" else kept
        longest = draw(st.integers(LIMIT + 1, 200)) if over else draw(st.integers(1, LIMIT))
        one = Lengths(
            min=1,
            mean=float(longest) / 2,
            max=longest,
            texts=draw(st.sampled_from([1, kept])),
            over_long=over,
        )
        dropped = {"duplicate": draw(st.integers(1, 9))} if draw(MAYBE) else {}
        rows = kept + sum(dropped.values())
        splits[name] = SplitAudit(
            rows=rows,
            kept=kept,
            groups=kept,
            components=kept,
            found=dropped,
            dropped=dropped,
            tokens=dict.fromkeys(shape.columns, one),
        )
    shortcuts = {}
    for split in HELD_OUT:
        bag = shape.share()
        shortcuts[str(split)] = Shortcut(
            bag_of_words=bag,
            bm25=shape.share(),
            hard_rows=draw(st.sampled_from([0, 1, 47])),
            warn_above=0.7,
            warned=bag > 0.7,
        )
    return Audit(
        splits=splits,
        shortcut={} if shape.pairs else draw(st.sampled_from([{}, shortcuts])),
        personal_data=draw(st.sampled_from([{}, {"phone_number": 1}, {"phone_number": 3}])),
        near_train={name: draw(st.integers(0, rows)) for name, rows in shape.rows.items()},
        test_digest="t",
        rejected_share=shape.share(),
    )


@st.composite
def trainings(draw: st.DrawFn, shape: Shape) -> Training:
    """Draw how the model came to be."""
    warmups: list[dict[str, Any]] = [
        {"warmup_steps": 0.1, "warmup_ratio": None},
        {"warmup_steps": 0, "warmup_ratio": 0.1},
        {"warmup_steps": 7},
    ]
    hyperparameters = {"learning_rate": 5e-05, **draw(st.sampled_from(warmups))}
    accuracy = draw(MAYBE) and not shape.pairs
    first, ended = draw(st.sampled_from([0, 3])), draw(st.integers(0, 8))
    loss = draw(MAYBE)
    # Beyond the last row that was logged there may be steps.
    steps = ended + draw(st.sampled_from([0, 5]))
    curve = tuple(
        CurvePoint(
            epoch=step / (10 if loss else 4),
            step=step,
            training_loss=shape.share() if step else None,
            validation_loss=0.5 if loss else None,
            learning_rate=0.1,
            accuracy={dim: shape.share() for dim in shape.dims} if accuracy and step % 2 == 0 else None,
        )
        for step in range(first, ended + 1)
    )
    device = draw(st.sampled_from(["cpu AMD EPYC", "cuda NVIDIA H100 80GB HBM3"]))
    return Training(
        recipe_version=4,
        engine="katman",
        loss={"loss": "MatryoshkaLoss"},
        hyperparameters=hyperparameters,
        non_default=tuple(hyperparameters),
        triplets=1000,
        rows_left_out=draw(st.sampled_from([0, 1])),
        steps=max(1, steps),
        seed=42,
        bf16=device.startswith("cuda"),
        curve=curve,
        speed=Speed(
            seconds=10.0,
            triplets_per_second=8.0,
            tokens_per_second=100.0,
            padding_share=0.1,
            second_forward_share=0.0,
            model_flops_utilisation=None,
            hardware_flops_utilisation=None,
            peak_memory_bytes=1 << 30,
            energy_joules=draw(st.sampled_from([None, 3600.0])),
            device=device,
            threads=draw(st.sampled_from([1, 2])),
            processes=draw(st.sampled_from([1, 8])) if device.startswith("cuda") else 1,
        ),
        architecture="SentenceTransformer()",
        model_type="bert",
        parameters=1000,
        width=DIMS[0],
        max_seq_length=LIMIT,
        prompts=draw(st.sampled_from([{"query": "", "document": ""}, {"query": "q: ", "document": ""}])),
        versions={"python": "3.11", "torch": "2.13.0"},
    )


def split_scores(shape: Shape, split: HeldOut, dims: tuple[int, ...], slices: dict[str, int]) -> SplitScores:
    """Give what a model scores on one split, and on so many rows of each value of a column `plan`."""
    rows = shape.rows[split]
    triplets = {} if shape.pairs else {dim: shape.accuracy(rows) for dim in dims}
    return SplitScores(
        triplets=triplets,
        hard=shape.accuracy(min(rows, 47)) if shape.hard and dims else None,
        slices={"plan": {value: shape.accuracy(count) for value, count in slices.items()}}
        if slices and triplets
        else {},
        retrieval=searched(shape, dims, rows),
    )


def searched(shape: Shape, dims: tuple[int, ...], queries: int) -> dict[int, Retrieval]:
    """Give what a search finds at each width."""
    return {
        dim: Retrieval(
            **{name: shape.share() for name in ("ndcg10", "mrr10", "recall10", "recall100")},
            queries=queries,
            documents=shape.documents,
        )
        for dim in dims
    }


@st.composite
def metrics(draw: st.DrawFn, shape: Shape, pin: Pin) -> Metrics:
    """Draw what was measured."""
    whole = shape.rows[shape.decides]
    values = {"a|b <i>*": draw(st.integers(1, whole)), "b": 1}
    slices = draw(st.sampled_from([{}, values, {"a": whole}]))
    names: tuple[ModelName, ...] = ("base", "candidate", *shape.rivals)
    models = {}
    revisions: dict[ModelName, str] = {"base": "2" * 40, "candidate": "c" * 64}
    revisions |= dict(shape.commits.items())
    for name in names:
        dims = shape.widths(name)
        probed = {probe: shape.share() for probe in shape.probes} if name != "anchor" and dims else {}
        models[name] = ModelScores(
            revision=revisions[name],
            splits={
                split: split_scores(shape, split, dims, slices if split == shape.decides else {})
                for split in shape.splits
            },
            service=searched(shape, dims, 70) if pin.retrieval else {},
            probes=probed,
            mteb={
                probe: tuple(
                    MtebScore(subset=one, split="test", score=shape.share())
                    for one in pin.mteb[probe].subsets
                )
                for probe in probed
                if probe in pin.mteb
            },
        )
    precisions: tuple[Precision, ...] = ("float32", "int8", "binary")
    stored = tuple(
        StoredVectors(
            dim=dim,
            precision=precision,
            ndcg10={split: shape.share() for split in shape.splits},
            bytes_per_vector=dim * 4,
            search_ms=draw(st.sampled_from([0.0012, 9.7])),
        )
        for dim in shape.dims
        for precision in precisions[: draw(st.integers(1, 3))]
    )
    wrong = draw(st.sampled_from([0, 1, whole]))
    kinds: dict[RowKind, Accuracy] = {"signal": shape.accuracy(draw(st.sampled_from([1, 30])))}
    kinds["other"] = shape.accuracy(20)
    mistakes = Mistakes(
        split=shape.decides,
        dim=shape.dims[0],
        wrong=wrong,
        kinds={name: one for name, one in kinds.items() if draw(MAYBE)},
        worst={0: Cosines(cos_positive=0.1, cos_negative=0.2)} if wrong else {},
    )
    sized = st.builds(
        ProbeSet,
        dim=st.just(shape.dims[0]),
        queries=st.sampled_from([1, 9999]),
        documents=st.none() | st.integers(1, 9999),
    )
    return Metrics(
        bf16=draw(MAYBE),
        models=models,
        service=pin.retrieval.ref() if pin.retrieval else None,
        probe_measures={name: PROBES[name] for name in shape.probes},
        probe_sets={
            name: draw(sized) for name in shape.probes if PROBES[name] == "mteb" or draw(st.booleans())
        },
        stored_vectors=stored,
        recommended=draw(st.sampled_from(stored)),
        soundness=Soundness(weights_finite=True, unit_norm=True, safetensors_only=True),
        example=Example(
            queries=("q1", "q2"),
            documents=("d1", "d2", "d3"),
            similarities=tuple(tuple(shape.share() for _ in range(3)) for _ in range(2)),
        ),
        mistakes=None if shape.pairs else mistakes,
        encoded=EncodedTexts(encoded=1, cached=0),
        machine=draw(st.sampled_from([None, Machine(platform="Linux", device="cpu", libraries={})])),
        base_prompts=draw(st.sampled_from([None, {"query": "b: ", "document": ""}])),
        mteb_version="2.26.24" if pin.mteb else None,
    )


def differences(draw: st.DrawFn, shape: Shape) -> dict[ModelName, Difference]:
    """Draw what the candidate gained or lost on a probe; a record of before knows nothing of it."""
    others: tuple[ModelName, ...] = ("base", "live") if "live" in shape.rivals else ("base",)
    return {name: Difference(**shape.bounds()) for name in others} if draw(MAYBE) else {}


@st.composite
def verdicts(draw: st.DrawFn, shape: Shape) -> Verdict:
    """Draw a verdict whose outcome, checks and comparisons fit each other."""
    outcome: Outcome = draw(
        st.sampled_from(("passed", "failed", "underpowered", "not_comparable", "test_spent"))
    )
    limits: dict[str, float] = {f"base_ndcg_{shape.dims[0]}": 0.0}
    reported = {f"base_ndcg_{dim}" for dim in shape.dims[1:]}
    if not shape.pairs:
        reported |= {f"base_accuracy_{dim}" for dim in shape.dims}
    if shape.hard and draw(MAYBE):
        reported |= {f"base_hard_{shape.dims[0]}"}
    for rival in shape.rivals:
        limits |= {f"{rival}_ndcg_{dim}": 0.01 for dim in shape.live_dims}
        limits |= {f"{rival}_accuracy_{dim}": 0.006 for dim in shape.live_dims if not shape.pairs}
        limits |= {f"{rival}_hard_{dim}": 0.05 for dim in shape.live_dims[:1] if shape.hard}
    comparisons = {
        name: Comparison(
            **shape.bounds(least=2), margin=margin, visible=shape.share(), rows_needed=draw(COUNT)
        )
        for name, margin in limits.items()
    }

    def check(value: float, wanted: float) -> Check:
        passed = outcome == "passed" or draw(MAYBE)
        return Check(value=value, rule=">=", wanted=wanted, passed=passed)

    spent = outcome == "test_spent"
    look = Check(value=101.0 if spent else 3.0, rule="<=", wanted=100.0, passed=not spent)
    checks = {"look": look, "rejected_share": check(0.1, 0.2), "retention": check(0.9, 0.8)}
    checks |= {f"{name}_clusters": check(5, 9) for name in ("base", *shape.rivals)}
    checks |= {name: check(one.low, -one.margin) for name, one in comparisons.items()}
    open_ones = [name for name in comparisons if not name.startswith("base_") and draw(MAYBE)]
    checks |= {f"{name}_visible": check(comparisons[name].visible, 0.01) for name in open_ones}
    checks |= {f"floor_{dim}": check(shape.share(), 0.5) for dim in shape.dims if not shape.pairs}
    checks |= {f"forgetting_{name}": check(shape.share(), 0.5) for name in shape.probes}
    decides = {"test_spent": "look", "not_comparable": "base_clusters"}.get(
        outcome, f"base_ndcg_{shape.dims[0]}"
    )
    if outcome != "passed":
        checks[decides] = checks[decides].model_copy(update={"passed": False})
    return Verdict(
        candidate="c" * 64,
        passed=outcome == "passed",
        outcome=outcome,
        first_release=not shape.rivals,
        compared_with=shape.commits,
        look=101 if spent else 3,
        looks_allowed=100,
        looks_left=0 if spent else 97,
        checks=checks,
        comparisons=comparisons,
        reported={name: Difference(**shape.bounds()) for name in sorted(reported)},
        probes={name: differences(draw, shape) for name in shape.probes if PROBES[name] == "ndcg10"},
        patterns=draw(
            st.sampled_from([{}, {"style_learned": "Style looks learned. Shuffle the positives."}])
        ),
        needs_human=draw(MAYBE),
        training_unknown=bool(shape.unknown),
        better_than_anchor=draw(MAYBE),
        hard_judged=shape.hard,
        loosened=draw(st.sampled_from([{}, {"alpha": "gate.alpha was 0.01 and is 0.05"}])),
        assumptions={"rows": "Rows are drawn from one population."}
        | {f"{name}_training": f"Nobody knows what the {name} model saw." for name in shape.unknown},
    )


@st.composite
def reembeds(draw: st.DrawFn, shape: Shape) -> Reembed:
    """Draw whether stored vectors stay."""
    known: list[Arrangement]
    if not shape.rivals:
        compatible, live, known = None, None, ["candidate"]
    elif shape.live_dims == shape.dims:
        compatible, live = draw(MAYBE), "old"
        known = ["candidate", "live", "new_on_old", "old_on_new", "mixed_10", "mixed_50", "mixed_90"]
    else:
        compatible, live, known = False, "old", ["candidate"]
        known += ["live"] if shape.live_dims else []
    return Reembed(
        compatible=compatible,
        space="old" if compatible else "new",
        live_space=live,
        ndcg10={name: shape.share() for name in known},
        score_shift={},
        vectors_per_hour=1000.0,
        gigabytes_per_million={},
    )


@st.composite
def reads(draw: st.DrawFn) -> Read:
    """Draw all records behind a card."""
    shape = draw(shapes())
    pin = draw(pins(shape))
    return Read(
        pin=pin,
        audit=draw(audits(shape)),
        training=draw(trainings(shape)),
        metrics=draw(metrics(shape, pin)),
        verdict=draw(verdicts(shape)),
        reembed=draw(reembeds(shape)),
    )
