"""False alarms that are known: still said, as notes, with the reason."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from bergmann.findings import Finding


@dataclass(frozen=True)
class _FalseAlarm:
    """A check, what its message or its object must match, and why it is none."""

    check: str
    message: re.Pattern[str]
    kind: re.Pattern[str]
    reason: str
    of_ours: bool = False
    """Whether the reason is known only of files that bergmann wrote."""


_ANY = re.compile("")
_OUTSIDE_BRAIN = re.compile(
    r"spinal|(dorsal|ventral) horn|lumbar|thoracic|cervical|sacral|ganglion|\b(DRG|TG|paw|skin)\b|nerve|\bL[1-6]\b", re.IGNORECASE
)
_OPTOGENETICS = re.compile(r"^Optogenetic\w*Table$")
_NOT_BRAIN = "the Allen atlas is of the brain, and this place is not in it"
_REQUIRED = "ndx-optogenetics requires this table as it is"
_MEASURED = "times kept one by one, as the instrument stated them"
_FEW_FRAMES = "time is the first dimension, and the movie has fewer frames than pixels on a side"
_MOVIE = re.compile(r"^(TwoPhotonSeries|ImageSeries)$")

FALSE_ALARMS = (
    _FalseAlarm("check_imaging_plane_location_allen_ccf", _OUTSIDE_BRAIN, _ANY, _NOT_BRAIN),
    _FalseAlarm("check_electrodes_location_allen_ccf", _OUTSIDE_BRAIN, _ANY, _NOT_BRAIN),
    _FalseAlarm("check_intracellular_electrode_location_allen_ccf", _OUTSIDE_BRAIN, _ANY, _NOT_BRAIN),
    _FalseAlarm("check_single_row", _ANY, _OPTOGENETICS, _REQUIRED),
    _FalseAlarm("check_col_not_nan", _ANY, _OPTOGENETICS, _REQUIRED),
    _FalseAlarm("check_regular_timestamps", _ANY, _ANY, _MEASURED, of_ours=True),
    _FalseAlarm("check_data_orientation", _ANY, _MOVIE, _FEW_FRAMES, of_ours=True),
)


def weigh(finding: Finding, kind: str, *, is_ours: bool = False) -> Finding:
    """The finding, or, where it is a known false alarm, a note with the reason in place of what to do.

    Parameters
    ----------
    finding : Finding
    kind : str
        Neurodata type of the object that it is about.
    is_ours : bool
        Whether bergmann wrote the file, and so knows how its times came about.
    """
    for alarm in FALSE_ALARMS:
        place = re.search(r"location '([^']*)'", finding.message)
        text = place[1] if place else finding.message
        if alarm.of_ours and not is_ours:
            continue
        if finding.check == alarm.check and alarm.message.search(text) and alarm.kind.search(kind):
            return replace(finding, severity="note", remedy=f"nothing to do: {alarm.reason}")
    return finding
