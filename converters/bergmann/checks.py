"""The checks of bergmann as a plug-in of the NWB Inspector: ``nwbinspector --modules bergmann.checks FILE``.

Importing this module registers them there, as the Inspector wants it of a plug-in; nothing else of bergmann imports it. Each
message begins with the object that it is about, since the Inspector places what is said of a whole file at its root.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import PurePath

from nwbinspector import Importance, InspectorMessage, register_check
from pynwb import NWBFile

from bergmann.findings import Severity
from bergmann.validate.checking import Check, load_checks
from bergmann.validate.reading import Reading

_IMPORTANCE: dict[Severity, Importance] = {
    "error": Importance.CRITICAL,
    "warning": Importance.BEST_PRACTICE_VIOLATION,
    "note": Importance.BEST_PRACTICE_SUGGESTION,
}
_readings: list[Reading] = []
"""The file that is looked at now: one `Reading` for all checks of it, so that movies are read once."""


def _reading_of(nwbfile: NWBFile) -> Reading:
    if not _readings or _readings[0].nwbfile is not nwbfile:
        _readings[:] = [Reading(nwbfile, PurePath(str(nwbfile.container_source or "")).name)]
    return _readings[0]


def _inspecting(one: Check) -> Callable[[NWBFile], Iterator[InspectorMessage]]:
    def look(nwbfile: NWBFile) -> Iterator[InspectorMessage]:
        reading = _reading_of(nwbfile)
        for problem in one.run(reading):
            place = reading.path(problem.where) or "/"
            yield InspectorMessage(message=f"{place}: {problem.message} {one.why} To do: {problem.remedy or one.remedy}")

    look.__name__ = one.name
    look.__doc__ = one.why
    return look


for _one in load_checks():
    register_check(importance=_IMPORTANCE[_one.severity], neurodata_type=NWBFile)(_inspecting(_one))
