from __future__ import annotations

import pytest

from localhub.errors import BadRequest
from localhub.strict_json import read_json


@pytest.mark.parametrize(
    "body",
    [b"{", b"[" * 100_000, b"9" * 5000, b"NaN", b'{"a": Infinity}', b'"\\ud800"', b'{"\\uDfff": 1}',
     b'"\xed\xa0\x80"', b"\xff", b"\xff\xfe{\0}\0", b""],
)  # fmt: skip
def test_strict_json_what_no_answer_could_repeat_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest, match="not JSON"):
        read_json(body)
