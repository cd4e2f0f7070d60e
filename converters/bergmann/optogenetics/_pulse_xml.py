"""Reading the small XML files in which PrairieView keeps what it commanded."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from bergmann.disk import why_closed
from bergmann.errors import SourceError
from bergmann.registry import expand

_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")


def read_root(path: Path, tags: tuple[str, ...], what: str) -> tuple[Path, ElementTree.Element]:
    """The file that a path names, and the root of its XML.

    Parameters
    ----------
    path : Path
    tags : tuple of str
        What the root may be called.
    what : str
        What the file should be, for the messages.

    Raises
    ------
    SourceError
        If it is no one file, or is not such XML.
    """
    files = expand(path)
    if len(files) != 1:
        raise SourceError(f"{path.name}: {len(files)} files; {what} is one file")
    (file,) = files
    try:
        content = file.read_bytes()
        text = content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
        # PrairieView declares XML 1.1 in some versions, which the parser refuses and the content does not need
        root = ElementTree.fromstring(_DECLARATION.sub("", text, count=1))
    except PermissionError as error:
        raise SourceError(f"{file.name}: {why_closed(error)}") from error
    except (OSError, UnicodeDecodeError, ElementTree.ParseError) as error:
        raise SourceError(f"{file.name}: no whole XML file ({error}); expected {what}") from error
    if root.tag not in tags:
        raise SourceError(f"{file.name}: the XML of a {root.tag!r}; expected {what}, which begins with {' or '.join(tags)}")
    return file, root


def number(text: str | None, where: str) -> float:
    """A number of the file, finite.

    Raises
    ------
    SourceError
        If it is missing or is none.
    """
    try:
        value = float(text) if text is not None else float("nan")
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise SourceError(f"{where} is {'missing' if text is None else repr(text)}; expected a number")
    return value


def count(text: str | None, where: str) -> int:
    """A whole number of the file, not below 0.

    Raises
    ------
    SourceError
        If it is missing or is none.
    """
    value = number(text, where)
    if value != int(value) or value < 0:
        raise SourceError(f"{where} is {text}; expected a whole number")
    return int(value)


def milliseconds(text: str | None, where: str) -> float:
    """A time of the file in seconds, not below 0; PrairieView writes milliseconds.

    Raises
    ------
    SourceError
        If it is missing or is none.
    """
    value = number(text, where)
    if value < 0:
        raise SourceError(f"{where} is {text}; expected no time below 0")
    return value / 1000
