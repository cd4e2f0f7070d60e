"""The paths of assets: their characters, their folders and what clashes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from loopback.http import Refused
from loopback.state import Asset

# The archive's own rule says A-z, which lets [ \ ] ^ and ` pass, too. Before each character may stand a slash, a dot, or both.
# It writes the rule with one more optional character, which accepts the same and takes exponential time to refuse.
_PATH = re.compile(r"^(/?\.?[A-z0-9(),&\s#+~_=-])+$")


def check_path(path: str) -> None:
    """Refuse, with 400, what the archive refuses as the path of an asset."""
    if path.startswith("/"):
        raise Refused(400, "Path must not begin with /")
    if not _PATH.match(path):
        raise Refused(400, "Path improperly formatted")
    if len(path) > 512:
        raise Refused(400, f"Ensure this value has at most 512 characters (it has {len(path)}).")


def clashes(path: str, existing: Iterable[str]) -> list[str]:
    """The paths that make a folder of this file, or of which this file's folders make a file."""
    parents = {"/".join(path.split("/")[:depth]) for depth in range(1, path.count("/") + 1)}
    return sorted(other for other in existing if other in parents or other.startswith(f"{path}/"))


@dataclass(frozen=True)
class Entry:
    """A file or a folder of a version."""

    path: str
    files: int
    size: int
    asset: Asset | None


def entries(folder: str, assets: dict[str, Asset]) -> list[Entry] | None:
    """What stands directly in a folder ("" is the root); None where there is no such folder or file."""
    prefix = f"{folder}/" if folder else ""
    if folder in assets:
        return []
    below = {path: asset for path, asset in assets.items() if path.startswith(prefix)}
    if folder and not below:
        return None
    found: dict[str, list[Asset]] = {}
    for path, asset in below.items():
        found.setdefault(prefix + path.removeprefix(prefix).partition("/")[0], []).append(asset)
    return [
        Entry(path, len(held), sum(asset.blob.size for asset in held), held[0] if held[0].path == path else None)
        for path, held in sorted(found.items())
    ]
