"""Which stated values can be mended in a written file, and why the others cannot."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bergmann.plan.mistakes import nearest

AGAIN = "mend the session file and convert again: bergmann convert --overwrite"

OF_HEAD: Mapping[str, tuple[str, ...]] = {
    "session": ("id", "description"),
    "subject": ("id", "species", "sex", "born", "age", "genotype", "strain", "weight", "description"),
}
"""Maps without names in them, and what of them can be mended."""

TEXTS = ("institution", "lab", "experiment_description", "protocol", "notes")

LISTS = ("experimenter", "keywords", "related_publications")

OF_ENTRIES: Mapping[str, tuple[str, ...]] = {
    "populations": ("cell_type", "location", "identified_by", "description"),
    "receptors": ("receptor", "role", "status", "by", "construct"),
    "vectors": ("construct", "titre", "manufacturer", "description"),
    "procedures": ("kind", "date", "model", "of", "nerve", "target", "location", "side", "description"),
    "expression": ("assay", "value", "unit", "sample", "reference", "description"),
    "drugs": ("compound", "action", "dose", "volume", "vehicle", "route", "site", "description"),
}
"""Maps by name, and what of each entry can be mended."""

OF_SITES = ("side", "reference", "ap", "ml", "dv", "volume", "location")
"""What can be mended of a site of a procedure: ``procedures.virus.sites.0.volume``."""

_TIMES = "times of the file were computed from it"
_STRUCTURE = "it says which objects of the file belong together"
_INSTRUMENT = "objects of instruments, light and imaging were made of it, and power and frames with them"

_WHY_NOT: Mapping[str, str] = {
    "session.start": "all times of the file count from it",
    "session.tolerance": "clocks were judged by it",
    "session.exclude": "whether a session may be used is decided when it is converted",
    "time_zone": "all times of the file count from it",
    "sources": "it says how a source is read",
    "runs": "it says how sources are read",
    "devices": _INSTRUMENT,
    "planes": _INSTRUMENT,
    "light_sites": _INSTRUMENT,
    "calibrations": _INSTRUMENT,
    "indicators": _INSTRUMENT,
    "states": _TIMES,
    "invalid": _TIMES,
    "preparation": "a source may refer to it",
    "arm": "it belongs to the study, and may be blinded (`bergmann convert --arms` gives it)",
    "arm_is_control": "it belongs to the study, and may be blinded (`bergmann convert --arms` gives it)",
    "factors": "they belong to the study, and may be blinded (`bergmann convert --arms` gives them)",
    "drugs.at": _TIMES,
    "drugs.from": _TIMES,
    "drugs.to": _TIMES,
    "drugs.reaches_bath_after": "states that the drug brings about are judged by it",
    "drugs.receptors": _STRUCTURE,
    "receptors.population": _STRUCTURE,
    "receptors.vector": _STRUCTURE,
    "receptors.procedures": _STRUCTURE,
    "procedures.vectors": _STRUCTURE,
    "expression.receptor": _STRUCTURE,
}
"""By collection, or collection and field."""


@dataclass(frozen=True)
class Refused:
    """Why a value cannot be mended in a written file, and what to do."""

    reason: str
    remedy: str = ""


def why_not(key: str) -> Refused | None:
    """Why a value cannot be mended in a written file; None for one that can.

    Parameters
    ----------
    key : str
        Dotted key, such as ``subject.age`` or ``drugs.capsaicin.dose``.
    """
    first, *rest = key.split(".")
    if first in (*TEXTS, *LISTS):
        is_item = first in LISTS and len(rest) == 1 and rest[0].isdigit()
        return None if not rest or is_item else Refused(f"`{first}` has no key `{'.'.join(rest)}`")
    if first in OF_HEAD:
        return None if len(rest) == 1 and rest[0] in OF_HEAD[first] else _refused(first, rest, OF_HEAD[first])
    if first in OF_ENTRIES:
        return _why_not_of_entry(first, rest)
    if first in _WHY_NOT:
        return Refused(_WHY_NOT[first], AGAIN)
    return Refused("there is no such key in a session file", nearest(first, (*OF_HEAD, *TEXTS, *LISTS, *OF_ENTRIES)))


def _why_not_of_entry(collection: str, rest: list[str]) -> Refused | None:
    known = OF_ENTRIES[collection]
    if len(rest) < 2:
        return Refused("this names no value", f"write `{collection}.{rest[0] if rest else 'NAME'}.{known[0]}=...`")
    if collection == "procedures" and re.fullmatch(r"sites\.\d+\.\w+", ".".join(rest[1:])):
        return None if rest[3] in OF_SITES else Refused("a site has no such key", nearest(rest[3], OF_SITES))
    return None if len(rest) == 2 and rest[1] in known else _refused(collection, rest[1:], known)


def _refused(holder: str, rest: list[str], known: tuple[str, ...]) -> Refused:
    reason = _WHY_NOT.get(f"{holder}.{rest[0]}") if rest else None
    if reason is not None:
        return Refused(reason, AGAIN)
    return Refused(f"`{holder}` has no such key that can be mended", nearest(".".join(rest), known))
