"""`params.yaml`, read once and checked whole: an unknown key, a wrong type or a contradiction is refused."""

from pipeline.params.document import Params, load

__all__ = ["Params", "load"]
