"""Names in files as a person types them: the same to the eye may differ in their letters."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable


def folded(text: str) -> str:
    """The text as names are compared.

    The micro sign (U+00B5) is the Greek mu (U+03BC), letters with accents or of Hangul are one sign each, however they were put
    together, and blanks around the text do not count.
    """
    return unicodedata.normalize("NFC", text).replace("\N{MICRO SIGN}", "\N{GREEK SMALL LETTER MU}").strip()


def named(name: str, there: Iterable[str]) -> str | None:
    """The name among those that are there which a person means; None if there is none, or more than one.

    Parameters
    ----------
    name : str
        As stated.
    there : iterable of str
        As written in a file. The same letters win over those that only look the same (`folded`).
    """
    names = list(there)
    if name in names:
        return name if names.count(name) == 1 else None
    alike = [one for one in names if folded(one) == folded(name)]
    return alike[0] if len(alike) == 1 else None
