"""What the archive will show of a file: dandi's own metadata of it, made here, without the network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from bergmann.findings import Finding, Severity
from bergmann.publish.assets import Asset, Prediction

_SORTED = ("approach", "measurementTechnique", "variableMeasured")
"""Lists that dandi makes of sets, so that their order is another in each process."""


def asset_metadata(path: Path, asset_path: str) -> dict[str, Any]:
    """What the archive stores beside a file, as dandi makes it, valid for dandischema but for the digest.

    Parameters
    ----------
    path : Path
    asset_path : str
        Its path in the dandiset.

    Raises
    ------
    Exception
        Whatever dandi or dandischema raise for a file of which they cannot make it.
    """
    from dandi.files import NWBAsset, dandi_file
    from dandi.misctypes import DUMMY_DANDI_ETAG
    from dandischema.models import BareAsset

    file: Any = dandi_file(path)
    made = _of_nwb(path) if isinstance(file, NWBAsset) else file.get_metadata(digest=DUMMY_DANDI_ETAG, ignore_errors=False)
    made.path = asset_path
    whole = BareAsset(**made.model_dump()).model_dump(mode="json", exclude_none=True)
    for key in _SORTED:
        if key in whole:
            whole[key] = sorted(whole[key], key=lambda one: str(one.get("name", one.get("value"))))
    return {key: value for key, value in whole.items() if key != "digest"}


def _of_nwb(path: Path) -> Any:
    """The metadata as dandi makes it; for a species that dandi would look up in the network, its identifier stands for its name.

    The steps are those of dandi's ``nwb2asset`` (dandi 0.81, ``metadata/nwb.py``), which leaves no place for the species.
    """
    from datetime import datetime

    from dandi.metadata.core import add_common_metadata, prepare_metadata
    from dandi.metadata.nwb import get_metadata
    from dandi.metadata.util import process_ndtypes
    from dandi.misctypes import DUMMY_DANDI_ETAG
    from dandischema.models import SpeciesType

    from bergmann.validate.tools import species_to_look_up

    begun = datetime.now().astimezone()
    flat = get_metadata(path)
    unknown = species_to_look_up(path)
    made = prepare_metadata({**flat, "species": None} if unknown else flat)
    if unknown:
        for participant in made.wasAttributedTo or ():
            participant.species = SpeciesType(identifier=unknown, name=unknown)
    process_ndtypes(made, flat["nd_types"])
    add_common_metadata(made, path, begun, datetime.now().astimezone(), DUMMY_DANDI_ETAG)
    made.encodingFormat = "application/x-nwb"
    return made


def predict(asset: Asset) -> Prediction:
    """What the archive will file an NWB file under."""
    metadata = asset.metadata
    session: Mapping[str, Any] = next((one for one in metadata.get("wasGeneratedBy", ()) if one.get("schemaKey") == "Session"), {})
    subjects = [str(one["identifier"]) for one in metadata.get("wasAttributedTo", ()) if one.get("identifier")]
    return Prediction(
        asset_path=asset.asset_path,
        approach=_names(metadata, "approach"),
        technique=_names(metadata, "measurementTechnique"),
        variables=tuple(str(one["value"]) for one in metadata.get("variableMeasured", ())),
        keywords=tuple(metadata.get("keywords", ())),
        session_start=str(session.get("startDate", "")),
        session_end=str(session.get("endDate", "")),
        subject=", ".join(subjects),
    )


def _names(metadata: Mapping[str, Any], key: str) -> tuple[str, ...]:
    return tuple(str(one["name"]) for one in metadata.get(key, ()))


def check_prediction(prediction: Prediction) -> Iterator[Finding]:
    """Check that the file will be found by what is in it.

    Yields
    ------
    Finding
        A warning for keywords or a subject that it does not have, which a person can state; a note for what the archive makes of
        the types in a file and has no name for.
    """
    stated = [("keywords", prediction.keywords), ("subject", prediction.subject)]
    derived = [("approach", prediction.approach), ("session end", prediction.session_end)]
    if missing := [what for what, found in stated if not found]:
        message = f"the archive will show no {' and no '.join(missing)} of it, since it has none"
        yield _finding("warning", prediction, message, "state it, and convert again")
    if missing := [what for what, found in derived if not found]:
        message = f"the archive will show no {' and no '.join(missing)} of it: it has none for the types of data that are in it"
        yield _finding("note", prediction, message)


def _finding(severity: Severity, prediction: Prediction, message: str, remedy: str = "") -> Finding:
    return Finding(severity=severity, check="prediction", location=prediction.asset_path, message=message, remedy=remedy)


def predict_summary(assets: Iterable[Asset]) -> dict[str, Any]:
    """What the archive will say of the dandiset as a whole (``assetsSummary``), by dandischema's own code."""
    from dandischema.metadata import aggregate_assets_summary

    summary: dict[str, Any] = aggregate_assets_summary([asset.metadata for asset in assets])
    return summary
