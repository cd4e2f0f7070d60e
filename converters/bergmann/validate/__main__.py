"""Validate files as they are named, a line of JSON each on the standard input and the standard output, until that ends."""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from bergmann.errors import SessionError, SourceError


def _answer(order: dict[str, Any]) -> dict[str, Any]:
    """What `validate_paths` gives or raises, as JSON can hold it."""
    from bergmann.validate import validate_paths

    waivers = None if order["waivers"] is None else Path(order["waivers"])
    try:
        findings = validate_paths([Path(path) for path in order["paths"]], waivers, order["profile"])
    except SessionError as error:
        return {"refused": "session", "findings": [one.as_dict() for one in error.findings]}
    except SourceError as error:
        return {"refused": str(error), "findings": []}
    return {"refused": "", "findings": [one.as_dict() for one in findings]}


if __name__ == "__main__":
    answers = sys.stdout
    with redirect_stdout(sys.stderr):
        from bergmann.validate import prepare

        prepare()
        for line in sys.stdin:
            answers.write(json.dumps(_answer(json.loads(line))) + "\n")
            answers.flush()
