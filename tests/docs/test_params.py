"""docs/params.md names every key of params.yaml, and no other."""

import re

from pydantic import BaseModel

from pipeline.params import Params
from tests.support.workspaces import PROJECT


def keys(section: type[BaseModel], prefix: str = "") -> set[str]:
    found: set[str] = set()
    for name, field in section.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found |= keys(kind, f"{prefix}{name}.")
        else:
            found.add(f"{prefix}{name}")
    return found


def test_docs_explain_every_key_of_params() -> None:
    text = (PROJECT / "docs" / "params.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"^\| `([\w.]+)` \|", text, flags=re.MULTILINE))
    assert explained == keys(Params)
