"""What every record is: a frozen JSON document that names, by digest, all that it rests on."""

from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.errors import BrokenChain


class Part(BaseModel):
    """A frozen piece of a record; an unknown key is an error, NaN is no number."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Document(Part):
    """A part that is a file of its own."""

    def dump(self) -> str:
        """Return indented JSON, the same bytes for the same content."""
        return self.model_dump_json(indent=2) + "\n"


class Record(Document):
    """One step's account of one run.

    `read` and `wrote` map workspace paths to sha256 (see `pipeline.workspace.digests`); they are exactly the
    stage's deps and outs in dvc.yaml, the record itself aside. `params` is the digest of the stage's
    parameters. They are empty until `pipeline.workspace.lineage.seal` fills them.
    """

    read: dict[str, str] = {}
    wrote: dict[str, str] = {}
    params: str = ""

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return the record of a file.

        Raises:
            BrokenChain: The file is missing, or is not such a record.
        """
        try:
            return cls.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            raise BrokenChain(
                f"{path} is missing; wanted the record of an earlier step. Run `dvc repro`"
            ) from None
        except ValidationError as error:
            raise BrokenChain(
                f"{path} is not a {cls.__name__.lower()} record ({error.error_count()} faults, first: "
                f"{error.errors()[0]['loc']} {error.errors()[0]['msg']}). Run its step again"
            ) from None


JSON = dict[str, Any]
