"""What a person has said may run, remembered by digest in their own settings folder of this computer."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import click

_DIGEST = re.compile(r"[0-9a-f]{64}")


def consent_path() -> Path:
    """Where it is remembered: below ``%APPDATA%``, ``~/Library/Application Support`` or ``~/.config``."""
    return Path(click.get_app_dir("bergmann")) / "allowed-formats.json"


def allowed_digests() -> frozenset[str]:
    """The digests of the files that may run; none where nothing usable is remembered, so that it is asked again."""
    try:
        content = json.loads(consent_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return frozenset()
    listed = content.get("sha256") if isinstance(content, dict) else None
    return (
        frozenset(one for one in listed if isinstance(one, str) and _DIGEST.fullmatch(one))
        if isinstance(listed, list)
        else frozenset()
    )


def remember(digests: Iterable[str]) -> bool:
    """Remember that these may run.

    Returns
    -------
    bool
        False where the folder cannot be written; it will be asked again.
    """
    path = consent_path()
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    text = json.dumps({"sha256": sorted(allowed_digests() | set(digests))}, indent=1)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError:
        with suppress(OSError):
            partial.unlink()
        return False
    return True
