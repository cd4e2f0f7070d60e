"""One figure that cannot be made does not take the page with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec

from bergmann.errors import BergmannError
from bergmann.report.html import Html, el

P = ParamSpec("P")


def guarded(what: str, make: Callable[P, Html], *args: P.args, **kwargs: P.kwargs) -> Html:
    """What is made, or a line that says why it could not be."""
    try:
        return make(*args, **kwargs)
    except (BergmannError, OSError, ValueError, ArithmeticError, LookupError) as error:  # FFmpeg's errors are among these
        return el("p", f"No picture of {what}: {error}", class_="aside")
