"""JSON that can be written again as it came."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from localhub.errors import BadRequest

_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def read_json(body: bytes) -> Any:
    """Read JSON that can be written again: UTF-8, finite numbers, no half letters, not too deep.

    Raises:
        BadRequest: The body is something else.
    """
    try:
        text = body.decode()
        value = json.loads(text, parse_constant=_refuse_constant)
        if _ESCAPED_SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        what = "too deep" if isinstance(error, RecursionError) else str(error)[:200]
        raise BadRequest(f"The body is not JSON: {what}") from None
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
