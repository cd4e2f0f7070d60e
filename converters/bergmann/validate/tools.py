"""What pynwb, the NWB Inspector and dandi say of one file, as one kind of finding.

``dandi validate`` runs the other two itself. Here its parts are run one by one, each once, and each result is the finding of the
tool that made it.

Parsing the namespaces that a file carries is nearly all the time this takes. It happens three times a file, and cannot be fewer
without changing what a tool does:

1. pynwb validates against the namespaces in the file and no others, in a catalog of their own.
2. The NWB Inspector looks at objects, read with the classes of pynwb and of what else is imported: another catalog, in which a
   namespace of the file yields to an imported one. pynwb's validator takes an open file, but then validates against that catalog.
3. dandi opens the file itself for its metadata, and takes no open one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bergmann.findings import Finding, Severity
from bergmann.validate.checking import load_checks, run_checks
from bergmann.validate.known import weigh
from bergmann.validate.quiet import quietly
from bergmann.validate.reading import Reading

_SEVERITY: dict[str, Severity] = {
    "ERROR": "error",
    "PYNWB_VALIDATION": "error",
    "CRITICAL": "error",
    "BEST_PRACTICE_VIOLATION": "warning",
    "BEST_PRACTICE_SUGGESTION": "note",
}
_REASON = re.compile(r"""Could not construct .*(?=["']\)$)""")
"""What hdmf says of an object that it cannot make, after all that is in the file."""
_TAXON = re.compile(r"https?://purl\.obolibrary\.org/obo/NCBITaxon_(?P<number>\d+)/?", re.IGNORECASE)


def prepare() -> None:
    """Import what the tools need, which takes longer than looking at a small file."""
    with quietly():
        import dandi.files
        import dandi.organize
        import dandi.pynwb_utils  # noqa: F401
        import nwbinspector  # noqa: F401

        load_checks()


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
    yield from _check_schema(path)
    yield from _check_practice(path)
    yield from _check_place(path, asset)
    yield from _check_metadata(path, asset)


def check_neighbours(folder: Path) -> Iterator[Finding]:
    """Check what else dandi would upload from a dandiset: videos."""
    from dandi.consts import dandiset_metadata_file
    from dandi.files import NWBAsset, find_dandi_files

    folder = folder.resolve()
    if not (folder / dandiset_metadata_file).exists():
        return
    for file in find_dandi_files(folder, dandiset_path=folder):
        if not isinstance(file, NWBAsset):
            yield from _check_neighbour(file)


def _check_neighbour(file: Any) -> Iterator[Finding]:
    try:
        results = file.get_validation_errors()
    except Exception as error:  # noqa: BLE001 - a validator of its own that is not installed (BIDS), or a file that it cannot read
        message = f"dandi cannot check it here: {_last_line(str(error))}"
        yield _of_dandi(file.filepath, "warning", "dandi.neighbour", message)
        return
    for result in results:
        yield _from_result(file.filepath, result)


def _of_dandi(path: Path, severity: Severity, check: str, message: str) -> Finding:
    return Finding(severity=severity, check=check, location=path.name, message=message, origin="dandi")


def _from_result(path: Path, result: Any) -> Finding:
    """One result of dandi as the finding of the tool that made it."""
    original = result.origin_result
    if result.origin.validator.value == "pynwb":
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


def _from_inspector(path: Path, message: Any, *, is_ours: bool) -> Finding:
    finding = Finding(
        severity=_SEVERITY[message.importance.name],
        check="io.read" if message.importance.name == "ERROR" else str(message.check_function_name),
        location=_place_of(path, message),
        message=_last_line(message.message) if message.message.startswith("Traceback") else message.message,
        origin="nwbinspector",
    )
    return weigh(finding, str(message.object_type), is_ours=is_ours)


def _place(path: Path, location: object) -> str:
    """The file, and the object in it."""
    inside = "" if location is None else str(location).strip("/")
    return f"{path.name}:/{inside}" if inside else path.name


def _place_of(path: Path, message: Any) -> str:
    """The file, and the object in it; by type and name where the Inspector does not know its path, so that no two look the same."""
    if message.location is None and message.object_name is not None:
        return f"{path.name}: {message.object_type} {message.object_name}"
    return _place(path, message.location)


def _last_line(text: str) -> str:
    """What an exception says, without the traceback."""
    if not text.strip():
        return text
    last = text.strip().splitlines()[-1]
    reason = _REASON.search(last)
    return reason[0] if reason else last


def _check_schema(path: Path) -> Iterator[Finding]:
    """What pynwb's validator finds, and what dandi has to say of the version of NWB."""
    from dandi.pynwb_utils import validate

    for result in validate(path):
        yield _from_result(path, result)


def _check_practice(path: Path) -> Iterator[Finding]:
    """What the Inspector and our own checks find in a file that is opened once for both.

    Of the Inspector also what it only suggests, which dandi leaves out, after what dandi asks it for.
    """
    import h5py
    from pynwb import NWBHDF5IO

    try:
        with NWBHDF5IO(path, "r", load_namespaces=True) as io:
            nwbfile = io.read()
            yield from _inspect(path, nwbfile)
            yield from run_checks(Reading(nwbfile, path.name))
    except Exception as error:  # noqa: BLE001 - whatever reading raises is the finding
        message = _last_line(f"{type(error).__name__}: {error}")
        yield Finding(severity="error", check="io.read", location=path.name, message=message, origin="nwbinspector")
        with h5py.File(path, "r") as file:
            yield from run_checks(Reading(None, path.name, file))


def _inspect(path: Path, nwbfile: Any) -> Iterator[Finding]:
    from nwbinspector import Importance, inspect_nwbfile_object, load_config

    ours = [one.name for one in load_checks()]  # where they are registered as its plug-in, they would be said twice
    found = inspect_nwbfile_object(nwbfile_object=nwbfile, config=load_config("dandi"), ignore=ours)
    messages = [message for message in found if message]
    is_ours = "bergmann_conversion" in nwbfile.lab_meta_data
    for message in sorted(messages, key=lambda message: message.importance is Importance.BEST_PRACTICE_SUGGESTION):
        yield _from_inspector(path, message, is_ours=is_ours)


def _check_place(path: Path, asset: Any) -> Iterator[Finding]:
    """Check the file's name and folder, where it is in a dandiset."""
    from dandi.organize import validate_organized_path

    if asset.dandiset_path is not None:
        for result in validate_organized_path(asset.path, path, asset.dandiset_path):
            yield _from_result(path, result)


def _check_metadata(path: Path, asset: Any) -> Iterator[Finding]:
    """Check that dandi can take its metadata from the file; its own validation passes over a failure."""
    from dandi.misctypes import DUMMY_DANDI_ETAG
    from dandischema.models import BareAsset

    if species := species_to_look_up(path):
        message = f"dandi looks {species} up in the network, which is not done here: its metadata of the file is not checked"
        yield _of_dandi(path, "note", "dandi.metadata", message)
        return
    try:
        BareAsset(**asset.get_metadata(digest=DUMMY_DANDI_ETAG, ignore_errors=False).model_dump())
    except Exception as error:  # noqa: BLE001 - whatever reading or checking raises is the finding
        message = f"dandi cannot take its metadata from the file: {_last_line(str(error))}"
        yield _of_dandi(path, "error", "dandi.metadata", message)


def species_to_look_up(path: Path) -> str | None:
    """The species, where it is a taxon that is not in dandi's own list; its metadata then begins with a request to ontobee.org."""
    import h5py
    from dandi.metadata.util import species_map

    with h5py.File(path, "r") as file:
        written = file.get("general/subject/species")
        species = written[()] if isinstance(written, h5py.Dataset) else b""
    text = species.decode(errors="replace") if isinstance(species, bytes) else str(species)
    taxon = _TAXON.fullmatch(text)
    return text if taxon and taxon["number"] not in {record.taxon_id for record in species_map} else None
