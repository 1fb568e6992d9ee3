"""What every section of params.yaml is: frozen, and closed to keys that nobody reads."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints


class Section(BaseModel):
    """A frozen part of params.yaml; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _is_commit(value: str) -> str:
    if len(value) != 40 or set(value) - set("0123456789abcdef"):
        raise ValueError(
            f"{value!r} is not a commit: wanted 40 hexadecimal digits, because a branch or tag can move. "
            "Copy the full commit from the repository's history"
        )
    return value


Commit = Annotated[str, AfterValidator(_is_commit)]
RepoId = Annotated[str, StringConstraints(pattern=r"^[\w.-]+/[\w.-]+$")]
Share = Annotated[float, Field(ge=0, le=1)]
