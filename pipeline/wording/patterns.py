"""Known mistakes, told by the trace that each leaves in several measures at once, as sentences."""

from collections.abc import Mapping

from pipeline.params.gate import GateParams
from pipeline.records import Check, Difference, Metrics, Pattern, Shortcut
from pipeline.wording import words

_CHANCE = 0.5
# A base that gets so many triplets right leaves too few to gain.
_NEARLY_ALL = 0.9


def found(
    differences: Mapping[str, Difference],
    checks: Mapping[str, Check],
    metrics: Metrics,
    shortcut: Shortcut | None,
    params: GateParams,
) -> dict[Pattern, str]:
    """Return a sentence for each pattern that candidate and data show.

    Args:
        differences: To the base and to live, by name, as `base_accuracy_1024`.
        checks: All that were made.
        metrics: What `evaluate` measured.
        shortcut: What a word classifier makes of the split that decides; None of pairs.
        params: The section `gate` of params.yaml.
    """
    swapped = _labels_swapped(metrics, params) or _labels_opposed(differences, shortcut, params)
    said: dict[Pattern, str | None] = {
        "labels_swapped": swapped,
        "labels_mixed": _labels_mixed(differences, metrics, params),
        "style_learned": _style_learned(differences),
        "forgot": _forgot(checks, differences),
        "widths_left_behind": _widths_left_behind(checks, differences),
        "nothing_learned": _nothing_learned(differences),
    }
    named = {name: sentence for name, sentence in said.items() if sentence is not None}
    worse = None if named else _worse_than_base(differences, params)
    return named if worse is None else {"worse_than_base": worse}


def _labels_swapped(metrics: Metrics, params: GateParams) -> str | None:
    """Say that the candidate prefers negatives, where chance would not and the base does not."""
    ours, base = (metrics.models[name].splits[params.split].triplets for name in ("candidate", "base"))
    for dim in sorted(set(ours) & set(base), reverse=True)[:1]:
        if ours[dim].high < _CHANCE < base[dim].low:
            return (
                "Labels look swapped: the candidate takes the negative for the positive in "
                f"{1 - ours[dim].accuracy:.0%} of the triplets, the base in {1 - base[dim].accuracy:.0%}. "
                "Look whether positives and negatives changed places in the rows that it was trained on."
            )
    return None


def _labels_opposed(
    differences: Mapping[str, Difference], shortcut: Shortcut | None, params: GateParams
) -> str | None:
    """Say that the words of train's positives are those of this split's negatives, and it shows."""
    accuracy = _widest(differences, "base_accuracy_")
    if shortcut is None or shortcut.misled <= shortcut.misled_by_chance:
        return None
    if accuracy is None or accuracy.proven != "lower":
        return None
    return (
        f"Labels look swapped: against the base triplet accuracy fell by {words.change(accuracy)}, and a "
        f"word classifier that learned from train takes the negative in {words.percent(shortcut.misled)} of "
        f"the triplets of {params.split}. Look whether positives and negatives changed places in train."
    )


def _worse_than_base(differences: Mapping[str, Difference], params: GateParams) -> str | None:
    """Say that training did harm, where no pattern says which."""
    measured = {metric: _widest(differences, f"base_{metric}_") for metric in ("ndcg", "accuracy")}
    fell = [
        f"{words.METRICS[metric]} by {words.change(one)}"
        for metric, one in measured.items()
        if one is not None and one.proven == "lower"
    ]
    if not fell:
        return None
    return (
        f"Training did harm: against the base it lost {' and '.join(fell)}. Look whether train holds the "
        f"language and the kind of texts that {params.split} holds, whether its positives answer their "
        "queries, and whether train.learning_rate or the number of steps is too high."
    )


def _labels_mixed(differences: Mapping[str, Difference], metrics: Metrics, params: GateParams) -> str | None:
    """Say that search got better and triplets did not: which text is the right one was not learned."""
    accuracy, ndcg = (_widest(differences, f"base_{metric}_") for metric in ("accuracy", "ndcg"))
    if accuracy is None or ndcg is None or accuracy.proven == "higher" or accuracy.high >= ndcg.low:
        return None
    base = metrics.models["base"].splits[params.split].triplets
    if ndcg.proven != "higher" or base[max(base)].accuracy > _NEARLY_ALL:
        return None
    return (
        f"Labels look mixed up: against the base nDCG@10 rose by {words.change(ndcg)}, and triplet accuracy "
        f"changed by {words.interval(accuracy)}. What the texts are about was learned, and not which answer "
        "is right. Look whether positives and negatives changed places in a part of the rows."
    )


def _style_learned(differences: Mapping[str, Difference]) -> str | None:
    """Say that triplets got easier while search got worse: they can be told apart without the query."""
    for other in ("base", "live"):
        accuracy, ndcg = (_widest(differences, f"{other}_{metric}_") for metric in ("accuracy", "ndcg"))
        if accuracy and ndcg and accuracy.proven == "higher" and ndcg.proven == "lower":
            return (
                f"Style was learned, not meaning: against {words.MODELS[other]} triplet accuracy rose by "
                f"{words.change(accuracy)} while nDCG@10 fell by {words.change(ndcg)}. Positives can be told "
                "from negatives without the query. Look whether each positive answers its own query, and how "
                "negatives were written."
            )
    return None


def _forgot(checks: Mapping[str, Check], differences: Mapping[str, Difference]) -> str | None:
    """Say that the domain was learned at the price of the rest."""
    gained = _widest(differences, "base_ndcg_")
    lost = [name for name, check in checks.items() if name.startswith("forgetting_") and not check.passed]
    if not lost or gained is None or gained.proven != "higher":
        return None
    named = " and ".join(words.of(name) for name in lost)
    return (
        f"It forgot: in its domain it is better than its base, and on {named} worse than allowed. Train for "
        "fewer steps or at a lower learning rate, or mix in rows from outside the domain."
    )


def _widths_left_behind(checks: Mapping[str, Check], differences: Mapping[str, Difference]) -> str | None:
    """Say that only the large widths were learned."""
    retention, gained = checks.get("retention"), _widest(differences, "base_ndcg_")
    if retention is None or retention.passed or gained is None or gained.proven != "higher":
        return None
    return (
        "Narrow widths were left behind: the largest gained on the base, and too little of it is left at the "
        "smallest. Give narrow widths more of train.loss.matryoshka_weights, or promise fewer in model.dims."
    )


def _nothing_learned(differences: Mapping[str, Difference]) -> str | None:
    """Say that the candidate cannot be told from its base, in any metric."""
    measured = [_widest(differences, f"base_{metric}_") for metric in ("accuracy", "ndcg")]
    there = [one for one in measured if one is not None]
    if not there or any(one.proven for one in there):
        return None
    return (
        "Nothing was learned that shows: no metric proves a difference to the base, at "
        f"{there[-1].rows:,} rows. Look at the training loss, the learning rate and the number of steps."
    )


def _widest(differences: Mapping[str, Difference], start: str) -> Difference | None:
    """Return the difference at the largest width, of those whose name begins so."""
    widths = {
        int(name.removeprefix(start)): one for name, one in differences.items() if name.startswith(start)
    }
    return widths[max(widths)] if widths else None
