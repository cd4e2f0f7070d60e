"""What pynwb, the NWB Inspector and dandi say of one file, as one kind of finding.

``dandi`` runs the other two itself; each of its results is handed back as the finding of the tool that made it, so that nothing is
said twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bergmann.findings import Finding, Severity
from bergmann.validate.known import weigh

_SEVERITY: dict[str, Severity] = {
    "ERROR": "error",
    "PYNWB_VALIDATION": "error",
    "CRITICAL": "error",
    "BEST_PRACTICE_VIOLATION": "warning",
    "BEST_PRACTICE_SUGGESTION": "note",
}


def check_with_tools(path: Path) -> Iterator[Finding]:
    """Check one readable NWB file with pynwb, the NWB Inspector (DANDI profile) and dandi."""
    from dandi.consts import dandiset_metadata_file
    from dandi.files import NWBAsset, dandi_file
    from dandi.utils import find_parent_directory_containing

    path = path.resolve()
    dandiset = find_parent_directory_containing(dandiset_metadata_file, path)
    if dandiset is None:
        yield _of_dandi(path, "note", "DANDI.NO_DANDISET_FOUND", "it is in no dandiset, so its name and place are not checked")
    asset = dandi_file(path, dandiset)
    if not isinstance(asset, NWBAsset):
        yield _of_dandi(path, "error", "DANDI.NOT_NWB", "its name does not end in .nwb, so that dandi would leave it out")
        asset = NWBAsset(filepath=path, dandiset_path=None, path=path.name)
    for result in asset.get_validation_errors():
        yield _from_result(path, result)
    yield from _check_metadata(path, asset)
    yield from _check_suggestions(path)


def check_neighbours(folder: Path) -> Iterator[Finding]:
    """Check what else dandi would upload from a dandiset: videos."""
    from dandi.consts import dandiset_metadata_file
    from dandi.files import NWBAsset, find_dandi_files

    folder = folder.resolve()
    if not (folder / dandiset_metadata_file).exists():
        return
    for file in find_dandi_files(folder, dandiset_path=folder):
        if not isinstance(file, NWBAsset):
            for result in file.get_validation_errors():
                yield _from_result(file.filepath, result)


def _of_dandi(path: Path, severity: Severity, check: str, message: str) -> Finding:
    return Finding(severity=severity, check=check, location=path.name, message=message, origin="dandi")


def _from_result(path: Path, result: Any) -> Finding:
    """One result of dandi as the finding of the tool that made it."""
    validator, original = result.origin.validator.value, result.origin_result
    if validator == "nwbinspector" and hasattr(original, "importance"):
        return _from_inspector(path, original)
    if validator == "pynwb":
        where = getattr(original, "location", None)
        message = getattr(original, "reason", None) or _last_line(str(result.message))
        check = str(getattr(original, "name", "pynwb"))
        return Finding(severity="error", check=check, location=_place(path, where), message=str(message), origin="pynwb")
    return _of_dandi(path, _weight(result.severity), str(result.id), str(result.message))


def _weight(severity: Any) -> Severity:
    name = severity.name if severity is not None else "ERROR"
    if name in {"ERROR", "CRITICAL"}:
        return "error"
    return "warning" if name == "WARNING" else "note"


def _from_inspector(path: Path, message: Any) -> Finding:
    finding = Finding(
        severity=_SEVERITY[message.importance.name],
        check="io.read" if message.importance.name == "ERROR" else str(message.check_function_name),
        location=_place(path, message.location),
        message=_last_line(message.message) if message.message.startswith("Traceback") else message.message,
        origin="nwbinspector",
    )
    return weigh(finding, str(message.object_type))


def _place(path: Path, location: object) -> str:
    """The file, and the object in it."""
    inside = "" if location is None else str(location).strip("/")
    return f"{path.name}:/{inside}" if inside else path.name


def _last_line(text: str) -> str:
    return text.strip().splitlines()[-1] if text.strip() else text


def _check_metadata(path: Path, asset: Any) -> Iterator[Finding]:
    """Check that dandi can take its metadata from the file; its own validation passes over a failure."""
    from dandi.misctypes import DUMMY_DANDI_ETAG
    from dandischema.models import BareAsset

    try:
        BareAsset(**asset.get_metadata(digest=DUMMY_DANDI_ETAG, ignore_errors=False).model_dump())
    except Exception as error:  # noqa: BLE001 - whatever reading or checking raises is the finding
        message = f"dandi cannot take its metadata from the file: {_last_line(str(error))}"
        yield _of_dandi(path, "error", "dandi.metadata", message)


def _check_suggestions(path: Path) -> Iterator[Finding]:
    """What the Inspector only suggests; dandi leaves these checks out."""
    from nwbinspector import Importance, configure_checks, inspect_nwbfile, load_config

    suggestions = [
        check for check in configure_checks(config=load_config("dandi")) if check.importance is Importance.BEST_PRACTICE_SUGGESTION
    ]
    for message in inspect_nwbfile(nwbfile_path=path, skip_validate=True, checks=suggestions):
        if message is not None:
            yield _from_inspector(path, message)
