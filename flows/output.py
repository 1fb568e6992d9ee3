"""What a step prints, as lines: a progress bar, which is drawn over and over in one place, is told apart."""

import codecs
import re
from collections.abc import Iterator
from typing import NamedTuple

from pipeline.errors import printable

_ENDS = re.compile(r"\r\n|\n|\r")
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
# As tqdm draws it, whole: `train:  33%|███   | 1/3 [00:01<00:02,  1.00it/s]`.
_BAR = re.compile(r"^.*?\d+%\|[^|\n]*\|[^\[\n]*\[[^\]\n]*\]")
_PERCENT = re.compile(r"\d+%")


class Line(NamedTuple):
    """One line.

    Attributes:
        bar: It is a progress bar as it stands, which the next one is drawn over.
    """

    text: str
    bar: bool


class Lines:
    """Cuts a step's output into lines, as it comes."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._rest = ""
        self._over = False  # what is left was begun by a return to the line's start

    def feed(self, content: bytes, *, final: bool = False) -> Iterator[Line]:
        r"""Yield the lines that are whole by now.

        Args:
            content: What was printed.
            final: Nothing more comes: what is left is a line too.

        Example:
            >>> lines = Lines()
            >>> [line.text for line in lines.feed(b"good day\ntrain:  0%|")]
            ['good day']
            >>> list(lines.feed(b"  | 0/3 [00:00<?]", final=True))
            [Line(text='train:  0%|  | 0/3 [00:00<?]', bar=True)]
        """
        self._rest += self._decoder.decode(content, final)
        # A return at the end may be the first half of one that ends a line.
        while (end := _ENDS.search(self._rest)) and (final or end.end() < len(self._rest) or end[0] == "\n"):
            text, self._rest = self._rest[: end.start()], self._rest[end.end() :]
            yield from _told_apart(text, over=self._over or end[0] == "\r")
            self._over = end[0] == "\r"
        if final and self._rest:
            yield from _told_apart(self._rest, over=self._over)
            self._rest = ""


def _told_apart(text: str, *, over: bool) -> Iterator[Line]:
    """Yield a bar, and what a step wrote behind it on the same line; nothing of an empty line."""
    text = printable(_CONTROL.sub("", text)).rstrip()
    if not text.strip():
        return
    bar = _BAR.match(text)
    if bar is not None:
        yield Line(bar[0].strip(), bar=True)
        behind = text[bar.end() :].strip()
        if behind:
            yield Line(behind, bar=False)
    else:
        yield Line(text, bar="%|" in text or (over and _PERCENT.search(text) is not None))
