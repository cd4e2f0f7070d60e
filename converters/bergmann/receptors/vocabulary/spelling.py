"""Spellings that mean the same, and identifiers written as CURIEs."""

from __future__ import annotations

import re
import unicodedata

_GREEK = {
    "α": "alpha",
    "β": "beta",
    "γ": "gamma",
    "δ": "delta",
    "ε": "epsilon",
    "κ": "kappa",
    "μ": "mu",
    "σ": "sigma",
}
_SAME = (("adrenergic receptor", "adrenoceptor"), ("grey", "gray"), ("coeruleus", "ceruleus"))
_CURIE = re.compile(r"^[A-Za-z][A-Za-z0-9_.]*:[^\s:\[\]][^\s\[\]]*$")
_WITH_ID = re.compile(r"^(?P<name>.*\S)\s*\[(?P<id>[^\[\]]+)\]$")

UNLISTED = "unlisted"
"""What stands in brackets behind a name that is meant as written: ``Lugaro cell [unlisted]``."""


def plain(text: str) -> str:
    """The letters and digits that tell one name from another.

    Greek letters become their names (the micro sign is a mu), case, accents, spaces and punctuation go, as does a final
    ``receptor`` or ``subunit``.
    """
    spelled = unicodedata.normalize("NFKC", text).casefold()
    spelled = "".join(_GREEK.get(letter, letter) for letter in spelled)
    spelled = unicodedata.normalize("NFKD", spelled)
    for one, other in _SAME:
        spelled = spelled.replace(one, other)
    spelled = re.sub(r"\s+(receptor|subunit)s?\s*$", "", spelled.strip())
    return "".join(letter for letter in spelled if letter.isalnum())


def is_curie(text: str) -> bool:
    """Whether a text is an identifier with its prefix, such as ``CL:0000644``."""
    return bool(_CURIE.match(text.strip()))


def split_id(text: str) -> tuple[str, str] | None:
    """Name and identifier of ``name [CURIE]``; the identifier is empty for ``name [unlisted]``, None for any other text."""
    match = _WITH_ID.match(text.strip())
    if match is None:
        return None
    name, identifier = match["name"], match["id"].strip()
    if identifier == UNLISTED:
        return name, ""
    return (name, identifier) if is_curie(identifier) else None
