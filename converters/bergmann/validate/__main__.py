"""Validate and name files as they are told, a line of JSON each on the standard input and the standard output, until that ends."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path, PurePosixPath
from typing import Any

from bergmann.errors import SessionError, SourceError
from bergmann.writing import naming


def validate(paths: list[str], waivers: str | None, profile: Any) -> dict[str, Any]:
    """What `validate_paths` gives or raises, as JSON can hold it."""
    from bergmann.validate import validate_paths

    try:
        findings = validate_paths([Path(path) for path in paths], None if waivers is None else Path(waivers), profile)
    except SessionError as error:
        return {"refused": "session", "findings": [one.as_dict() for one in error.findings]}
    except SourceError as error:
        return {"refused": str(error), "findings": []}
    return {"refused": "", "findings": [one.as_dict() for one in findings]}


def organized_path(path: str, subject_id: str, session_id: str) -> str:
    """What dandi names a file."""
    return str(naming.organized_path(Path(path), subject_id, session_id))


def organized_videos(target: str, object_id: str, files: list[str]) -> list[str]:
    """What dandi names the videos beside a file."""
    return list(naming.organized_videos(PurePosixPath(target), object_id, tuple(Path(file) for file in files)))


ORDERS: dict[str, Callable[..., Any]] = {
    "validate": validate,
    "organized_path": organized_path,
    "organized_videos": organized_videos,
}

if __name__ == "__main__":
    # libraries of C, too, may write to the standard output: only answers may stand where answers are read
    with os.fdopen(os.dup(0), encoding="utf-8") as orders, os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        with redirect_stdout(sys.stderr):
            from bergmann.validate.tools import prepare

            prepare()
            for line in orders:
                order = json.loads(line)
                answers.write(json.dumps(ORDERS[order.pop("do")](**order)) + "\n")
                answers.flush()
