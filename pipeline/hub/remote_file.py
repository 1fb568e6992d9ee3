"""A file read where it lies on the Hub: only the parts that somebody asks for are fetched."""

import io
import os
from collections.abc import Callable


class RemoteFile(io.RawIOBase):
    """A file of known size, for a reader that needs its end, or its beginning, and not all of it.

    Attributes:
        size: In bytes.
        fetched: Bytes that were fetched so far.
    """

    def __init__(self, size: int, fetch: Callable[[int, int], bytes]) -> None:
        """Open a file.

        Args:
            size: In bytes.
            fetch: Returns the bytes from a place up to another.
        """
        self.size = size
        self.fetched = 0
        self._fetch = fetch
        self._place = 0

    def readable(self) -> bool:
        """Return that it is."""
        return True

    def seekable(self) -> bool:
        """Return that it is."""
        return True

    def tell(self) -> int:
        """Return the place of the next byte."""
        return self._place

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Go to a place, and return it."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self.size}[whence]
        self._place = max(0, start + offset)
        return self._place

    def read(self, size: int = -1, /) -> bytes:
        """Return so many bytes, or all that are left."""
        stop = self.size if size < 0 else min(self.size, self._place + size)
        if stop <= self._place:
            return b""
        content = self._fetch(self._place, stop)
        self._place += len(content)
        self.fetched += len(content)
        return content
