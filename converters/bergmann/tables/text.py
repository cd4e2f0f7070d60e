"""Text files whose encoding a person may state; what cannot be decoded is refused, never replaced."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from bergmann.errors import SourceError

LIKELY = ("cp949", "cp932", "gb18030", "cp1252", "utf-16")
"""What spreadsheets on Windows write instead of UTF-8: Korean, Japanese, Chinese, Western European, and ``Unicode Text``."""


_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def _is_known(name: str) -> str:
    try:
        b"a".decode(name)
    except LookupError:
        raise ValueError(f"there is no text encoding {name!r}; it is one such as utf-8, {', '.join(LIKELY)}") from None
    except UnicodeDecodeError:
        pass  # an encoding of two bytes a letter
    return name


Encoding = Annotated[str, AfterValidator(_is_known)]
"""Name of the encoding of a text file, such as ``cp949``; UTF-8, with or without its mark, where none is stated."""


def read_text(path: Path, encoding: str | None = None) -> str:
    """The text of a file, with its line ends as they are and without a byte order mark.

    Raises
    ------
    SourceError
        If its bytes are not text in that encoding; the message names the encodings that are likely.
    """
    return decoded(path.read_bytes(), path, encoding)


def decoded(content: bytes, path: Path, encoding: str | None = None) -> str:
    """The first bytes of a file, or all of them, as text; for the rest see `read_text`."""
    name = encoding or "utf-8"
    if codecs.lookup(name).name == "utf-16" and not content.startswith(_UTF_16):
        raise SourceError(f"{path.name}: it does not begin as UTF-16 does; state `utf-16-le` or `utf-16-be` if it is that")
    try:
        text = content.decode(name)
    except UnicodeDecodeError as error:
        raise SourceError(f"{path.name}: not {name} text (byte {error.start}); {_hint(content, name)}") from error
    if "\0" in text:
        raise SourceError(f"{path.name}: signs of no text in it, read as {name}; {_hint(content, name)}")
    return text.removeprefix("\ufeff")


def _hint(content: bytes, tried: str) -> str:
    """What to state: the encoding that the first bytes give away, or those of which the bytes are text."""
    if content.startswith(_UTF_16) and codecs.lookup(tried).name != "utf-16":
        return "it begins as UTF-16 does; state `encoding: utf-16`"
    fitting = [name for name in LIKELY if name not in {tried, "utf-16"} and _fits(content, name)]
    if not fitting:
        return "is it a text file? Save it again as `CSV UTF-8`"
    return f"save it again as `CSV UTF-8`, or state how it is written: `encoding:` {' or '.join(fitting)} would fit"


def _fits(content: bytes, name: str) -> bool:
    try:
        return "\0" not in content.decode(name)
    except UnicodeDecodeError:
        return False
