"""What the card says of the judgement: against what, what becomes of stored vectors, and who lets it out."""

from typing import Any

from pipeline.params import Params
from pipeline.records import HeldOut, Metrics, Pin, Reembed, Rival, Verdict
from pipeline.records.reembed import Arrangement
from pipeline.stages.card.markdown import decimal
from pipeline.stages.card.sections.score_tables import of_documents
from pipeline.wording import words
from pipeline.wording.counted import listed

_MIXTURES: dict[Arrangement, str] = {
    "new_on_old": "this model's queries on the live model's documents",
    "old_on_new": "the live model's queries on this model's documents",
    "mixed_10": "this model's queries where a tenth of the documents is embedded again",
    "mixed_50": "this model's queries where half of the documents is embedded again",
    "mixed_90": "this model's queries where nine tenths of the documents are embedded again",
}
_CALLED: dict[Rival, str] = {"live": "the live model", "anchor": "the best release so far"}


def context(params: Params, metrics: Metrics, verdict: Verdict, pin: Pin, reembed: Reembed) -> dict[str, Any]:
    """Return the sentences of the section on the release."""
    return {
        "against": _against(verdict, pin),
        "stored_vectors": _stored_vectors(params, metrics, reembed, passed=verdict.passed),
        "store": _store(metrics, params.evaluate.max_quality_loss),
        "to_weigh": _to_weigh(verdict),
    }


def unknown(verdict: Verdict) -> dict[Rival, str]:
    """Return the models of which nobody knows what they were trained on, as sentences name them."""
    return {name: called for name, called in _CALLED.items() if f"{name}_training" in verdict.assumptions}


def _against(verdict: Verdict, pin: Pin) -> str:
    """Say with which models it was compared; an anchor that is live is one model."""
    found = verdict.compared_with
    if not found:
        return "; there was no live model to compare with"
    called = dict(_CALLED)
    if len(set(found.values())) < len(found):
        found = {"live": found["live"]}
        called = {"live": "the live model, which is the best release so far,"}
    named = []
    for name, revision in found.items():
        pinned = pin.live if name == "live" else pin.anchor
        commit = f"`{revision[:7]}`"
        if pinned is not None:
            commit = f"[{commit}]({pin.endpoint}/{pinned.repo}/tree/{revision})"
        named.append(f"{called[name]} at {commit}")
    return f", against {listed(named)}"


def _stored_vectors(params: Params, metrics: Metrics, reembed: Reembed, *, passed: bool) -> str:
    """Say in a sentence what becomes of an index that holds the live model's vectors."""
    if reembed.compatible is None:
        return f"there was no live model to be compatible with; the vector space is `{reembed.space}`."
    measured = _mixed(params, metrics, reembed)
    if reembed.compatible:
        return f"compatible with the live model's (space `{reembed.space}`){measured and f': {measured}'}."
    first = "**a new vector space**" if passed else "a new vector space"
    do = "embed all documents again first" if passed else "all documents would have to be embedded again"
    return (
        f"{first} (`{reembed.space}`, before it `{reembed.live_space}`): {do}{measured and f'; {measured}'}. "
        f"The machine of the evaluation embeds {reembed.vectors_per_hour:,.0f} texts an hour."
    )


def _mixed(params: Params, metrics: Metrics, reembed: Reembed) -> str:
    """Say what the worst mixture with the live model's vectors finds; nothing where none was measured.

    One of them alone would mislead: queries can do well on old documents, and badly where both kinds lie.
    """
    found = {name: reembed.ndcg10[name] for name in _MIXTURES if name in reembed.ndcg10}
    if not found or "live" not in reembed.ndcg10:
        return ""
    worst = min(found, key=lambda name: found[name])
    split = params.gate.split
    dim = max(metrics.candidate.splits[split].retrieval)  # both have it, or nothing was mixed
    among = of_documents(metrics.candidate.splits[split].retrieval[dim].documents)
    alone, lost = decimal(reembed.ndcg10["live"]), words.limit(params.evaluate.compatible_loss)
    return (
        f"of the mixtures of both models' vectors the worst, {_MIXTURES[worst]}, reaches nDCG@10 "
        f"{decimal(found[worst])}, where the live model alone reaches {alone} and {lost} may be lost "
        f"({split}{among} at {dim:,} dimensions)"
    )


def _store(metrics: Metrics, max_loss: float) -> str:
    """Say which stored vectors are recommended, and by what they were chosen."""
    one = metrics.recommended
    chosen: HeldOut = "dev" if "dev" in one.ndcg10 else "test"
    own = {
        split: of_documents(next(iter(scores.retrieval.values())).documents)
        for split, scores in metrics.candidate.splits.items()
    }
    said = (
        f"{one.dim:,} dimensions in {one.precision} ({one.bytes_per_vector:,} bytes a vector), the fewest "
        f"that lose at most {words.limit(max_loss)} nDCG@10 on {chosen}"
    )
    split: HeldOut = "test" if "test" in one.ndcg10 else "dev"
    there = "there" if split == chosen else f"on {split}"
    return f"{said}; nDCG@10 {there} is {decimal(one.ndcg10[split])}{own[split]}"


def _to_weigh(verdict: Verdict) -> str | None:
    """Say what the gate leaves to a person; None where that is nothing."""
    reasons = []
    if verdict.needs_human:
        reasons.append("its vectors do not mix with the live model's, so that every stored one is made anew")
    if verdict.training_unknown:
        who = listed(list(unknown(verdict).values()), "or") or "a model that it was compared with"
        reasons.append(f"nobody knows what {who} was trained on, so that all rows were compared")
    if verdict.loosened:
        reasons.append("it was judged more loosely than the last release")
    return f"{listed(reasons)}." if verdict.passed and reasons else None
