"""What is published, as data: made before the first byte moves, and read by whatever moves the bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bergmann.findings import Finding, has_errors


@dataclass(frozen=True)
class Asset:
    """One file as the archive will have it.

    Attributes
    ----------
    path : Path
        The file on this disk.
    asset_path : str
        Its path in the dandiset, parts joined by ``/``, relative to the dandiset's root.
    metadata : dict
        What the archive stores beside the bytes, valid for dandischema but for the digest, which who sends the bytes adds.
    size : int
        In bytes.
    sha256 : str or None
        64 hexadecimal digits; None where it was not needed before the bytes move.
    modified : int
        When its content was last changed as it was looked at, in ns since 1970; 0 where nobody looked.
    """

    path: Path
    asset_path: str
    metadata: dict[str, Any]
    size: int
    sha256: str | None = None
    modified: int = 0

    @property
    def has_changed(self) -> bool:
        """Whether the file is another than the one that was looked at, by its size and time, or is not there any more."""
        try:
            found = self.path.stat()
        except OSError:
            return True
        return found.st_size != self.size or bool(self.modified and found.st_mtime_ns != self.modified)


@dataclass(frozen=True)
class Prediction:
    """What the archive will show of an asset, as its own code reads it out of the metadata.

    Attributes
    ----------
    asset_path : str
    approach, technique, variables : tuple of str
        The names that the archive files the asset under, e.g. ``"microscopy approach; cell population imaging"``.
    keywords : tuple of str
    session_start, session_end : str
        As in the asset's metadata (ISO 8601); empty where the archive will have none.
    subject : str
    """

    asset_path: str
    approach: tuple[str, ...] = ()
    technique: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    session_start: str = ""
    session_end: str = ""
    subject: str = ""


@dataclass(frozen=True)
class Prepared:
    """A folder that was looked through before it is published.

    Attributes
    ----------
    folder : Path
    assets : tuple of Asset
        In the order of their paths.
    dandiset : dict or None
        The dandiset's own metadata as dandischema names it; None where none is stated.
    predictions : tuple of Prediction
        One for each NWB file, in the order of `assets`.
    findings : tuple of Finding
        Everything that is wrong, at once. With an error among them nothing may be sent.
    """

    folder: Path
    assets: tuple[Asset, ...]
    dandiset: dict[str, Any] | None
    predictions: tuple[Prediction, ...]
    findings: tuple[Finding, ...]

    @property
    def is_refused(self) -> bool:
        """Whether something must be mended before a byte is sent."""
        return has_errors(self.findings)

    @property
    def size(self) -> int:
        """Bytes of all assets."""
        return sum(asset.size for asset in self.assets)

    def nwb_assets(self) -> Iterator[Asset]:
        """The assets that are NWB files."""
        return (asset for asset in self.assets if asset.path.suffix.lower() == ".nwb")
