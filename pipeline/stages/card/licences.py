"""The licence of a release, from those of what it was made of."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Licence:
    """A licence, and why it is this one.

    Attributes:
        name: Its identifier on the Hub.
        reason: A sentence: what base and data set say, and where they disagree.
    """

    name: str
    reason: str


def derive(stated: str | None, base: str | None, dataset: str | None) -> Licence:
    """Derive the licence.

    Args:
        stated: What params.yaml says; None leaves it to the others.
        base: What the base's card says; None where it says nothing.
        dataset: What the data set's card says; None likewise.

    Returns:
        The stated one; without one, the one that base and data set share, or the one that either states;
        `other` where they differ, `unknown` where neither says anything.
    """
    said = {"the base": base, "the data set": dataset}
    known = sorted({one for one in said.values() if one is not None})
    name = stated or (known[0] if len(known) == 1 else "other" if known else "unknown")
    parts = [f"{who} {f'is under {one}' if one else 'states none'}" for who, one in said.items()]
    reason = f"{' and '.join(parts)}".capitalize()
    if stated is None:
        reason += "; this one follows from them" if known else ""
    elif len(known) == 1 and known[0] == stated and None not in said.values():
        reason += ", as this model is"
    if len(known) > 1:
        reason += ". They disagree: read both before you use this model"
    elif stated is not None and any(one != stated for one in known):
        reason += f". The maker of this model states {stated}, which disagrees: ask before you rely on it"
    elif stated is not None and None in said.values():
        reason += f"; the maker of this model states {stated}"
    return Licence(name, reason + ".")
