"""The version of DANDI's schema that an archive reads, and metadata in that version.

An archive stores metadata of a newer version than its own and then calls them invalid (dandi-archive, ``services/metadata``); the
dandi client uploads nothing to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bergmann.findings import Finding
from bergmann.publish.assets import Asset

CHECK = "schema version"


def in_version_read(assets: Sequence[Asset], info: Mapping[str, Any], place: str) -> tuple[tuple[Asset, ...], tuple[Finding, ...]]:
    """Assets with their metadata in a version of the schema that an archive reads.

    Parameters
    ----------
    assets : sequence of Asset
    info : mapping
        What the archive says of itself (``Client.info``).
    place : str
        The archive's name, for messages.

    Returns
    -------
    assets : tuple of Asset
    findings : tuple of Finding
        A note if the version is another than that of the dandischema here; an error if the archive reads none that it can write.
    """
    from dandischema.consts import DANDI_SCHEMA_VERSION
    from dandischema.metadata import migrate

    theirs = str(info.get("schema_version") or "")
    if _reads(info, DANDI_SCHEMA_VERSION):
        return tuple(assets), ()
    differ = f"the archive reads version {theirs} of DANDI's schema, and dandischema here writes {DANDI_SCHEMA_VERSION}"
    try:
        moved = tuple(replace(one, metadata=migrate(one.metadata, theirs, skip_validation=True)) for one in assets)
    except ValueError as failure:
        remedy = f"install the version of dandi and dandischema whose schema is {theirs}, or publish when the archive is newer"
        message = f"{differ}, which cannot be said in it ({failure})"
        return tuple(assets), (Finding(severity="error", check=CHECK, location=place, message=message, remedy=remedy),)
    note = Finding(severity="note", check=CHECK, location=place, message=f"{differ}; the metadata are sent as {theirs}")
    return moved, (note,)


def _reads(info: Mapping[str, Any], version: str) -> bool:
    """Whether an archive reads a version: the one that it is of, those that it lists, and where it lists none, older ones."""
    from dandischema.utils import version2tuple

    theirs = str(info.get("schema_version") or "")
    listed = info.get("allowed_schema_versions")
    if not theirs or theirs == version:
        return True
    return version in listed if listed else version2tuple(version) < version2tuple(theirs)


def check_dandi(info: Mapping[str, Any], place: str) -> Iterator[Finding]:
    """Check that the archive takes what the installed dandi makes of a file.

    Yields
    ------
    Finding
        An error if the archive asks for a newer dandi, or says that this one is faulty.
    """
    from importlib.metadata import version

    from packaging.version import Version

    own = Version(version("dandi"))
    least = str(info.get("cli-minimal-version") or "0")
    if own < Version(least):
        message = f"the archive takes metadata of dandi {least} or newer, and dandi {own} is installed"
        yield Finding(severity="error", check="dandi version", location=place, message=message, remedy="install a newer dandi")
    if own in {Version(str(one)) for one in info.get("cli-bad-versions") or ()}:
        message = f"the archive takes no metadata of dandi {own}, which is installed: it calls this version faulty"
        yield Finding(severity="error", check="dandi version", location=place, message=message, remedy="install another dandi")
