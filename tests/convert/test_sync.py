"""The pulses that timed a source stand in the file as events, and what they do not cover is marked and limited."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from nwbinspector import Importance, inspect_nwbfile
from pynwb import NWBHDF5IO

from bergmann.convert.align import Aligned, align
from bergmann.convert.provenance import conversion_record
from bergmann.convert.session import build_nwbfile, convert_session
from bergmann.errors import SessionError
from bergmann.plan.resolve import make_plan
from bergmann.plan.sources import Vocabulary
from bergmann.records import Trace, TraceColumn
from bergmann.registry import Format, Inputs, Source
from bergmann.stated import Duration
from bergmann.timing.fit import fit_pulses
from bergmann.timing.ties import Ties
from bergmann.timing.times import ExplicitTimes, RegularTimes
from bergmann.writing import Streams, write_session

from .conftest import Folder

CLEAN = """
import json, sys
from pynwb import NWBHDF5IO
with NWBHDF5IO(sys.argv[1], "r") as io:
    nwbfile = io.read()
    tables = {name: {c.name: c.data[:].tolist() for c in t.columns} for name, t in nwbfile.events.items() if "_pulses" in name}
    kinds = {name: type(nwbfile.events[name]).__name__ for name in tables}
    said = {name: nwbfile.events[name].description for name in tables}
    intervals = nwbfile.intervals.get("extrapolated_times") if nwbfile.intervals else None
    rows = []
    if intervals is not None:
        for i in range(len(intervals)):
            refs = [(r.timeseries.name, int(r.idx_start), int(r.count)) for r in intervals["timeseries"][i]]
            rows.append([intervals[c][i] for c in ("source", "n_samples", "start_time", "stop_time")] + [refs])
print(json.dumps([tables, kinds, said, rows, "bergmann" in sys.modules], default=float))
"""


def read_with_pynwb_alone(path: Path) -> tuple[Any, Any, Any, Any]:
    done = subprocess.run([sys.executable, "-c", CLEAN, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    tables, kinds, said, rows, has_ours = json.loads(done.stdout.splitlines()[-1].replace("NaN", "null"))
    assert not has_ours
    return tables, kinds, said, rows


class Wheel(Source):
    """A wheel that is sampled at 100 Hz, and whose clock is seen by the camera's pulses: 91, one each 0.2 s."""

    format: Literal["wheel"] = "wheel"
    path: Path
    before: Duration
    after: Duration


def find(folder: Path) -> Iterator[Wheel]:
    return iter(())


def read(source: Wheel, inputs: Inputs) -> Trace:
    n_before, n_after = (round(one.to("s") * 100) for one in (source.before, source.after))
    times = RegularTimes(10 - n_before / 100, 100.0, n_before + 1801 + n_after)
    return Trace(
        files=(source.path,),
        columns=(TraceColumn(name="speed", unit="m/s", values=np.arange(float(len(times))), source="speed"),),
        times=times,
        ticks=ExplicitTimes(10 + np.arange(91) / 5),
    )


WHEEL = Format(source=Wheel, record=Trace, label="wheel", find=find, read=read)
CAMERA = "  paw_cam:"


@pytest.fixture
def vocabulary() -> Vocabulary:
    of_rooms = Vocabulary.of_rooms()
    return replace(of_rooms, formats=(*of_rooms.formats, WHEEL))


def with_wheel(folder: Folder, before: str, after: str, clock: str = "daq/CamTTL") -> None:
    (folder.path / "wheel.csv").write_text("a wheel\n", encoding="utf-8")
    wheel = f"  wheel: {{format: wheel, path: wheel.csv, before: {before}, after: {after}, clock: {clock}}}\n"
    folder.state(CAMERA, f"{wheel}{CAMERA}")


def written(folder: Folder, vocabulary: Vocabulary) -> Path:
    done = convert_session(folder.session, folder.out, vocabulary=vocabulary)
    assert done.is_good, done.findings
    assert done.target is not None
    about = [one.message for one in done.findings if "_pulses" in one.location or "extrapolated" in one.location]
    assert about == []
    return done.target


def test_the_pulses_of_each_line_are_events_and_extrapolated_samples_are_marked(folder: Folder, vocabulary: Vocabulary) -> None:
    with_wheel(folder, "0.05 s", "0.15 s")
    path = written(folder, vocabulary)
    tables, kinds, said, rows = read_with_pynwb_alone(path)
    assert kinds == {"daq_FrameClock_pulses": "EventsTable", "daq_CamTTL_pulses": "EventsTable"}
    camera = tables["daq_CamTTL_pulses"]
    truth = align(make_plan(folder.session, vocabulary)).lines["daq/CamTTL"]
    assert camera["timestamp"] == truth.times.seconds.tolist()
    assert camera["duration"] == truth.durations.tolist()
    assert camera["used"] == [True] * 91
    assert camera["frame_of_paw_cam"] == camera["frame_of_wheel"] == list(range(1, 92))
    assert "91 pulses recorded on daq/CamTTL" in said["daq_CamTTL_pulses"]
    assert "wheel, 91 of its 91 frames" in said["daq_CamTTL_pulses"]
    assert [(row[0], row[1], row[4]) for row in rows] == [("wheel", 5, [["speed", 0, 5]]), ("wheel", 15, [["speed", 1806, 15]])]
    assert rows[0][3] - rows[0][2] == pytest.approx(0.05, abs=1e-4)
    assert rows[1][3] - rows[1][2] == pytest.approx(0.15, abs=1e-4)
    with NWBHDF5IO(path, "r") as io:
        nwbfile = io.read()
        row = nwbfile.lab_meta_data["bergmann_conversion"].clocks.to_dataframe().set_index("source").loc["wheel"]
        assert row[["n_pulses", "n_used", "n_missing", "n_spurious"]].tolist() == [91, 91, 0, 0]
        assert row[["n_extrapolated_before", "n_extrapolated_after"]].tolist() == [5, 15]
        assert row["extrapolation_allowed_in_seconds"] == pytest.approx(0.3, abs=1e-3)
        assert row["extrapolated_after_in_seconds"] == pytest.approx(0.15, abs=1e-4)
        assert row["tolerance_in_seconds"] == 0.002
        assert row["pulses"] == "daq_CamTTL_pulses"
        speed = nwbfile.processing["behavior"].get_data_interface("speed") if "behavior" in nwbfile.processing else None
        series = speed or next(one for one in nwbfile.objects.values() if one.name == "speed")
        assert series.rate == pytest.approx(100 / row["rate_ratio"])  # a constant rate stays one
        first = series.starting_time
        assert first == pytest.approx(row["fitted_from_in_seconds"] - 0.05, abs=1e-4)


@pytest.mark.parametrize(("before", "after"), [("0.5 s", "0 s"), ("0 s", "0.5 s")])
def test_times_far_from_the_pulses_are_refused_and_a_statement_allows_them(
    folder: Folder, vocabulary: Vocabulary, before: str, after: str
) -> None:
    with_wheel(folder, before, after)
    with pytest.raises(SessionError) as refused:
        align(make_plan(folder.session, vocabulary))
    (finding,) = refused.value.findings
    where = "before the first" if before == "0.5 s" else "behind the last"
    assert f"wheel: 50 of its samples are up to 0.500 s {where} pulse on daq/CamTTL" in finding.message
    assert "expected at most 0.3 s (1.5 times the time from one pulse to the next)" in finding.message
    assert "`clock: {line: daq/CamTTL, extrapolate: 0.51 s}`" in finding.message
    folder.state("clock: daq/CamTTL}\n  paw_cam", "clock: {line: daq/CamTTL, extrapolate: 0.51 s}}\n  paw_cam")
    plan = make_plan(folder.session, vocabulary)
    assert plan.is_complete
    wheel = align(plan)
    assert wheel.fits["wheel"].outside.n_before + wheel.fits["wheel"].outside.n_after == 50
    steps = np.diff(wheel.records["wheel"].times.seconds)  # nothing is moved to the edge
    assert steps.min() > 0.0099


def test_one_lost_pulse_at_an_end_needs_no_statement_and_two_do(folder: Folder, vocabulary: Vocabulary) -> None:
    with_wheel(folder, "0 s", "0.2 s")
    assert align(make_plan(folder.session, vocabulary)).fits["wheel"].outside.n_after == 20
    folder.state("after: 0.2 s", "after: 0.4 s")
    with pytest.raises(SessionError, match=r"40 of its samples are up to 0\.400 s behind the last pulse"):
        align(make_plan(folder.session, vocabulary))


def test_a_stated_allowance_may_be_none(folder: Folder, vocabulary: Vocabulary) -> None:
    with_wheel(folder, "0.01 s", "0 s", clock="{line: daq/CamTTL, extrapolate: 0 s}")
    with pytest.raises(SessionError, match=r"1 of its samples is up to 0\.010 s before the first pulse"):
        align(make_plan(folder.session, vocabulary))


@pytest.mark.parametrize("stated", ["-1 s", "5 mm", "nan s"])
def test_an_allowance_that_is_no_length_of_time_is_refused(folder: Folder, vocabulary: Vocabulary, stated: str) -> None:
    with_wheel(folder, "0 s", "0 s", clock=f"{{line: daq/CamTTL, extrapolate: {stated}}}")
    found = [one for one in make_plan(folder.session, vocabulary).findings if one.severity == "error"]
    assert [one.location.partition(" ")[2] for one in found] == ["sources.wheel.clock.extrapolate"]


def lossy(aligned: Aligned) -> Aligned:
    """Pulses 11 and 40 of the movie were lost, and one between frames 20 and 21 is no frame's."""
    fit = aligned.fits["movie"]
    assert fit.ties is not None
    own, pulses = fit.ties.own, fit.ties.pulses
    kept = np.delete(np.arange(64), [10, 39])
    seen = np.sort(np.append(pulses[kept], (pulses[19] + pulses[20]) / 2))
    used = np.flatnonzero(np.isin(seen, pulses))
    again = fit_pulses(ExplicitTimes(own[kept]), seen[used], resolution=1e-3, source="movie", line="daq/FrameClock")
    fits = {**aligned.fits, "movie": replace(again, ties=Ties(own, seen, kept, used), allowed=0.25)}
    return replace(aligned, fits=fits)


def test_missing_pulses_are_in_a_table_of_their_own_and_spurious_ones_are_marked(folder: Folder, tmp_path: Path) -> None:
    aligned = lossy(align(make_plan(folder.session)))
    streams = Streams()
    nwbfile, placed = build_nwbfile(aligned, streams)
    nwbfile.add_lab_meta_data(conversion_record(aligned, placed, nwbfile, dict.fromkeys(_files(aligned), "ab" * 32)))
    path = write_session(nwbfile, tmp_path, streams, placed.externals)
    tables, _, said, _ = read_with_pynwb_alone(path)
    seen, lost = tables["daq_FrameClock_pulses"], tables["daq_FrameClock_pulses_missing"]
    assert len(seen["timestamp"]) == 63
    assert [index for index, used in enumerate(seen["used"]) if not used] == [19]
    assert seen["frame_of_movie"][19] == 0
    assert seen["deviation_of_movie"][19] is None
    assert not {11, 40} & set(seen["frame_of_movie"])
    assert (lost["source"], lost["frame"]) == (["movie"] * 2, [11, 40])
    assert lost["timestamp"] == pytest.approx([seen["timestamp"][9] + 0.25, seen["timestamp"][38] + 0.25], abs=1e-3)
    assert "frames without a pulse: 2; pulses that timed none: 1" in said["daq_FrameClock_pulses"]
    with NWBHDF5IO(path, "r") as io:
        row = io.read().lab_meta_data["bergmann_conversion"].clocks.to_dataframe().set_index("source").loc["movie"]
        assert row[["n_used", "n_missing", "n_spurious"]].tolist() == [62, 2, 1]
    about = [
        one.message
        for one in inspect_nwbfile(nwbfile_path=path, importance_threshold=Importance.BEST_PRACTICE_SUGGESTION)
        if one is not None and "_pulses" in str(one.object_name)
    ]
    assert about == []


def _files(aligned: Aligned) -> list[Path]:
    return [file for record in aligned.records.values() for file in record.files]


def test_a_long_line_is_stored_in_chunks(folder: Folder, vocabulary: Vocabulary, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bergmann.writing.streams.SMALL", 100)
    tables, _, _, _ = read_with_pynwb_alone(written(folder, vocabulary))
    assert tables["daq_FrameClock_pulses"]["frame_of_movie"] == list(range(1, 65))


def test_a_table_of_that_name_is_not_overwritten(folder: Folder) -> None:
    folder.state("  notes:", "  daq_CamTTL_pulses: {format: channel, of: daq/ShockTTL, event: shock, amplitude: 1 mA}\n  notes:")
    done = convert_session(folder.session, folder.out)
    (error,) = (one for one in done.findings if one.severity == "error")
    assert error.message == "daq_CamTTL_pulses writes an object 'daq_CamTTL_pulses', and so does daq"
    assert done.result == "refused"


def test_a_clock_line_may_be_a_map(folder: Folder) -> None:
    folder.state("clock: daq/FrameClock}", "clock: {line: daq/FrameClock, extrapolate: 1 ms}}")
    aligned = align(make_plan(folder.session))
    assert aligned.fits["movie"].allowed == pytest.approx(1e-3)
    assert aligned.fits["movie"].reference == "daq/FrameClock"
