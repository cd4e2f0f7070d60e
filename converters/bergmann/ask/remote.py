"""An NWB file on a server, read in pieces over HTTP: h5py from PyPI is built without the driver (ros3) that would do it."""

from __future__ import annotations

import http.client
import io
import re
from collections import OrderedDict
from collections.abc import Mapping
from typing import IO, cast
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit, urlunsplit
from urllib.request import Request, urlopen

from bergmann.errors import SourceError

PIECE = 256 * 1024
"""Bytes that are asked for at once; the tables of a small file lie in a few such pieces."""

MOST_PIECES = 256
"""Pieces that are kept in memory (64 MB)."""

TIMEOUT = 60.0
"""Seconds without an answer after which a server is given up."""

_CONTENT_RANGE = re.compile(r"^bytes (?P<first>\d+)-(?P<last>\d+)/(?P<size>\d+)$")


def is_url(name: str) -> bool:
    """Whether a name is an address on a server."""
    return name.lower().startswith(("http://", "https://"))


def shown_url(url: str) -> str:
    """An address without what may be secret in it: user, password, and the signature behind the question mark."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rsplit("@", 1)[-1], parts.path, "", ""))


class RemoteFile(io.RawIOBase):
    """A file on a server that can be read at any place.

    Parameters
    ----------
    url : str
        Its address; one that leads on to another (such as an asset of the DANDI API) is followed.

    Raises
    ------
    SourceError
        If the server cannot be reached, has no such file, does not give parts of it, or gives another file than a moment before.
    """

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._place = 0
        self._pieces: OrderedDict[int, bytes] = OrderedDict()
        self._size: int | None = None
        self._version = ""
        self._piece(0)

    @property
    def size(self) -> int:
        """Its length in bytes."""
        return self._size or 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self.size}[whence]
        self._place = max(0, start + offset)
        return self._place

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        view = memoryview(buffer).cast("B")
        wanted = min(len(view), self.size - self._place)
        done = 0
        while done < wanted:
            number, begin = divmod(self._place, PIECE)
            part = self._piece(number)[begin : begin + wanted - done]
            view[done : done + len(part)] = part
            done += len(part)
            self._place += len(part)
        return max(done, 0)

    def _piece(self, number: int) -> bytes:
        if number in self._pieces:
            self._pieces.move_to_end(number)
            return self._pieces[number]
        piece = self._pieces[number] = self._fetch(number * PIECE)
        if len(self._pieces) > MOST_PIECES:
            self._pieces.popitem(last=False)
        return piece

    def _fetch(self, first: int) -> bytes:
        """The bytes of a piece, of which the server must give exactly those that were asked for."""
        name = shown_url(self._url)
        last = first + PIECE - 1 if self._size is None else min(first + PIECE, self._size) - 1
        try:
            with urlopen(Request(self._url, headers={"Range": f"bytes={first}-{last}"}), timeout=TIMEOUT) as answer:
                found = _CONTENT_RANGE.match(answer.headers.get("Content-Range", ""))
                if answer.status != http.client.PARTIAL_CONTENT or found is None:
                    raise SourceError(f"{name}: the server does not give parts of files; download the file and ask it then")
                self._check_same(name, answer.headers, int(found["size"]))
                content = cast("IO[bytes]", answer).read(PIECE + 1)
        except HTTPError as error:
            raise SourceError(
                f"{name}: the server answers {error.code} {error.reason}; is the address right and open to all?"
            ) from error
        except (URLError, OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise SourceError(f"{name}: the server cannot be reached ({reason}); check the address and the network") from error
        if int(found["first"]) != first or len(content) != min(last, self.size - 1) - first + 1:
            raise SourceError(
                f"{name}: the server gave other bytes than asked for; try again, or download the file and ask it then"
            )
        return content

    def _check_same(self, name: str, headers: Mapping[str, str], size: int) -> None:
        version = headers.get("ETag") or headers.get("Last-Modified") or ""
        if self._size is not None and (size, version) != (self._size, self._version):
            raise SourceError(f"{name}: the file was changed on the server while it was read; ask again")
        self._size, self._version = size, version
