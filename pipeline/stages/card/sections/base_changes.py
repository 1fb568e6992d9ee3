"""What a card says of its base: what the base was given or relieved of, and how it was measured."""

from collections.abc import Mapping

from pipeline.records import BaseTrial
from pipeline.stages.card.markdown import inline


def sentences(
    trial: BaseTrial | None, measured_with: Mapping[str, str] | None, prompts: Mapping[str, str]
) -> list[str]:
    """Return a sentence for each thing in which this model is not as its base was; they lack the full stop.

    Args:
        trial: How the base was tried; None where nobody did.
        measured_with: The prompts with which the base was measured; None where they are not known.
        prompts: Those of this model.
    """
    found = []
    if trial is not None and trial.normalize_added:
        found.append(
            "Its vectors had other lengths than 1: a module Normalize was added, so that theirs is 1"
        )
    if trial is not None and trial.similarity is not None:
        found.append(
            f"It was saved with the similarity {inline(trial.similarity)}; this model is judged by, and "
            "saved with, the cosine"
        )
    if trial is not None and trial.default_prompt is not None:
        found.append(
            f"It put {inline(trial.default_prompt)} before every text; this model puts nothing before a text "
            "that is not said to be a query or a document"
        )
    if trial is not None and trial.truncate_dim is not None:
        found.append(f"It was cut to {trial.truncate_dim} dimensions; this model is not")
    if trial is not None and trial.pad_token is not None:
        found.append(f"It named no padding token; this model pads with {inline(trial.pad_token)}")
    if measured_with is not None and dict(measured_with) != dict(prompts):
        shown = ", ".join(f"{role} {inline(prompt)}" for role, prompt in measured_with.items())
        found.append(f"It was measured with its own prompts ({shown}), because this model has none there")
    return found
