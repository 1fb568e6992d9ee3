"""The licence of a release, from those of what it was made of."""

from collections.abc import Mapping
from dataclasses import dataclass

# Between the licences of one card, as `hub` gives them.
SEVERAL = " and "


@dataclass(frozen=True)
class Licence:
    """A licence, and why it is this one.

    Attributes:
        name: The licence as the Hub calls it.
        reason: A sentence: what base and data set say, and where they disagree.
    """

    name: str
    reason: str


def derive(stated: str | None, base: str | None, dataset: str | None) -> Licence:
    """Derive the licence.

    Args:
        stated: What params.yaml says; None leaves it to the others.
        base: What the base's card says; None where it says nothing, several joined by " and ".
        dataset: What the data set's card says; likewise.

    Returns:
        The stated one; without one, the one that base and data set share, or the one that either states;
        `other` where they are several, `unknown` where neither says anything.
    """
    said = {"the base": base, "the data set": dataset}
    known = sorted({name for one in said.values() if one is not None for name in one.split(SEVERAL)})
    name = stated or (known[0] if len(known) == 1 else "other" if known else "unknown")
    parts = [f"{who} {f'is under {one}' if one else 'states none'}" for who, one in said.items()]
    reason = f"T{' and '.join(parts)[1:]}"
    if stated is None:
        reason += "; this one follows from them" if len(known) == 1 else ""
    elif len(known) == 1 and known[0] == stated and None not in said.values():
        reason += ", as this model is"
    if len(known) > 1:
        maker = "" if stated is None else f"; the maker of this model states {stated}"
        reason += f". They disagree{maker}: read each before you use this model"
    elif stated is not None and any(one != stated for one in known):
        reason += f". The maker of this model states {stated}, which disagrees: ask before you rely on it"
    elif stated is not None and None in said.values():
        reason += f"; the maker of this model states {stated}"
    return Licence(name, reason + ".")


def measured(sets: Mapping[str, str | None]) -> str:
    """Return a sentence about the licences of what the model was measured on; nothing where that is nothing.

    Nothing of these sets is in the model, so that they say nothing of its licence.

    Args:
        sets: What each set's card says, by the name of the set.
    """
    said = "; ".join(f"{name}: {one or 'states none'}" for name, one in sets.items())
    return f"Measured on sets under licences of their own ({said})." if said else ""
