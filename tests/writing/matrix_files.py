"""Files that use some extensions or none, in a process that has imported others: ``python matrix_files.py JOB.json``.

A job is ``{"folder": ..., "imported": [modules], "specifications": [namespace files], "used": [sets of extensions]}``. It writes
one file for each set of used extensions, and ``expected.json``: for each file the kind of every object by object_id. It is run by
`extension_matrix` and by `test_extension_matrix`, each time in a process of its own, as namespaces are global to a process.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from importlib import import_module
from itertools import combinations
from pathlib import Path
from typing import Any

EXTENSIONS = ("ndx-optogenetics", "ndx-ophys-devices", "ndx-pose")


def subsets(names: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Every choice among names, the empty one first."""
    for size in range(len(names) + 1):
        yield from combinations(names, size)


def use_core(nwbfile: Any) -> None:
    """What every file has: a signal, events, and the record of its conversion."""
    from pynwb.base import TimeSeries
    from pynwb.event import EventsTable

    from ndx_bergmann import SourceFile, make_conversion_record

    nwbfile.add_acquisition(TimeSeries(name="trace", description="a trace", data=[1.0, 2.0], unit="a.u.", rate=1.0))
    events = EventsTable(name="shocks", description="shocks")
    events.add_event(timestamp=1.0, duration=0.5)
    events.add_event(timestamp=2.0, duration=0.5)
    nwbfile.add_events_table(events)
    source = SourceFile("movie", "scanimage", "2p/a.tif", 100, "ab" * 32)
    nwbfile.add_lab_meta_data(make_conversion_record(software="bergmann", source_files=[source]))


def use_optogenetics(nwbfile: Any) -> None:
    """A laser, a fibre and a site, as bergmann writes them: in the extension's own tables and in the core's."""
    from ndx_ophys_devices.testing import mock_Effector, mock_ExcitationSource, mock_OpticalFiber
    from ndx_optogenetics import OptogeneticEffectors, OptogeneticExperimentMetadata, OptogeneticSitesTable
    from pynwb.ogen import OptogeneticSeries, OptogeneticStimulusSite

    laser, fibre = mock_ExcitationSource(name="laser"), mock_OpticalFiber(name="fibre")
    effector = mock_Effector(name="opsin", viral_vector_injection=None)
    for one in (laser, fibre):
        nwbfile.add_device_model(one.model)
        nwbfile.add_device(one)
    sites = OptogeneticSitesTable(description="sites")
    sites.add_row(excitation_source=laser, optical_fiber=fibre, effector=effector)
    nwbfile.add_lab_meta_data(
        OptogeneticExperimentMetadata(
            stimulation_software="none",
            optogenetic_sites_table=sites,
            optogenetic_effectors=OptogeneticEffectors(effectors=[effector]),
        )
    )
    site = OptogeneticStimulusSite(name="site", device=laser, description="LC", excitation_lambda=473.0, location="LC")
    nwbfile.add_ogen_site(site)
    nwbfile.add_stimulus(OptogeneticSeries(name="light", description="light", data=[0.0, 0.005, 0.0], site=site, rate=1.0))


def use_devices(nwbfile: Any) -> None:
    """A vector, its injection, an indicator and a receptor, with what their values mean."""
    from ndx_ophys_devices.testing import mock_Indicator

    from ndx_glial_receptors.meanings import add_meanings
    from ndx_glial_receptors.references import add_references
    from ndx_glial_receptors.testing import mock

    metadata = mock.mock_GlialReceptorMetadata(nwbfile=nwbfile)
    injection = metadata.viral_vector_injections["injection_shrna"]
    metadata.add_indicators(mock_Indicator(name="indicator", viral_vector_injection=injection))
    mock.mock_DrugAdministrationsTable(nwbfile=nwbfile)
    add_meanings(nwbfile)
    add_references(nwbfile)


def use_pose(nwbfile: Any) -> None:
    """A tracked paw."""
    from ndx_pose.testing.mock.pose import mock_PoseEstimation

    mock_PoseEstimation(nwbfile=nwbfile, name="pose")


USES: dict[str, Callable[[Any], None]] = {
    "ndx-optogenetics": use_optogenetics,
    "ndx-ophys-devices": use_devices,
    "ndx-pose": use_pose,
}


def make_nwbfile(used: Sequence[str]) -> Any:
    """A session that uses some extensions."""
    from pynwb import NWBFile
    from pynwb.file import Subject

    nwbfile = NWBFile(
        session_description="a session of the matrix of extensions",
        identifier="-".join(used) or "none",
        session_start_time=datetime(2024, 5, 17, 10, 30, 57, tzinfo=UTC),
        session_id="-".join(name.removeprefix("ndx-") for name in used) or "none",
        subject=Subject(subject_id="BG042", species="Mus musculus", sex="F", age="P11W", description="test"),
    )
    use_core(nwbfile)
    for name in used:
        USES[name](nwbfile)
    return nwbfile


def write_files(folder: Path, sets: Iterable[Sequence[str]]) -> dict[str, dict[str, str]]:
    """Write one file for each set of used extensions; for each file the kind of every object by object_id."""
    from bergmann.writing import Streams, write_session
    from bergmann.writing.objects import identities

    expected = {}
    for used in sets:
        nwbfile = make_nwbfile(used)
        path = write_session(nwbfile, folder, Streams())
        expected[path.relative_to(folder).as_posix()] = {key: one.kind for key, one in identities(nwbfile).items()}
    return expected


def main(job: dict[str, Any]) -> None:
    """Import what is to be imported, then write."""
    import pynwb

    for module in job["imported"]:
        import_module(module)
    for path in job["specifications"]:
        pynwb.load_namespaces(path)
    folder = Path(job["folder"])
    folder.mkdir(parents=True, exist_ok=True)
    expected = write_files(folder, job["used"])
    (folder / "expected.json").write_text(json.dumps(expected), encoding="utf-8")


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # of extensions that define again what is in core by now
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
