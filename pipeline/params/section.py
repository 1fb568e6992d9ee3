"""What every section of params.yaml is: frozen, and closed to keys that nobody reads."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def matching(pattern: str, wanted: str) -> AfterValidator:
    """Return what refuses a text that is not of a pattern, and says in words what was wanted."""

    def demand(value: str | None) -> str | None:
        if value is not None and not re.fullmatch(pattern, value):
            raise ValueError(f"{value!r} was found; wanted {wanted}")
        return value

    return AfterValidator(demand)


class Section(BaseModel):
    """A frozen part of params.yaml; an unknown key is an error, and `"8"` or `true` is no number."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def _is_commit(value: str) -> str:
    if len(value) != 40 or set(value) - set("0123456789abcdef"):
        raise ValueError(
            f"{value!r} is not a commit: wanted 40 hexadecimal digits, because a branch or tag can move. "
            "Copy the full commit from the repository's history"
        )
    return value


Commit = Annotated[str, AfterValidator(_is_commit)]


def _is_repo(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+", value):
        raise ValueError(f"{value!r} is not a repository; wanted its owner and name, like owner/name")
    return value


RepoId = Annotated[str, AfterValidator(_is_repo)]
Share = Annotated[float, Field(ge=0, le=1)]
