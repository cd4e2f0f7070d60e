"""Events of glia in a session: from an export of AQuA2 and a table into the file, as pynwb alone reads it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from pynwb import NWBHDF5IO

from bergmann.rig.aqua import Event, Run, write_result

from ..conftest import Ran
from .conftest import RIG, Folder

FLARES = (
    Event(pixels=((2, 9), (2, 10), (2, 11), (3, 9)), first=3, last=9, peak=5, dff=1.25, seconds=0.5, grown=(4.0, 0.0, 0.0, 2.0)),
    Event(pixels=((9, 29),), first=64, last=64, peak=64, dff=0.5, seconds=0.25, grown=(0.0, 0.0, 0.0, 0.0)),
)
RUN: dict[str, Any] = {
    "events": FLARES,
    "shape": RIG.image_shape,
    "n_frames": RIG.n_frames,
    "gap": 2,
    "interval": 1 / RIG.frame_rate,
    "pixel_um": RIG.pixel_size * 1e6,
}
SOURCES = """\
sources:
  flares:  {format: aqua2, path: cell_AQuA2.mat, of: movie/1, population: bg, event: flare}
  waves:   {format: glial_events, path: waves.csv, of: movie, rois: rois, first_roi: 0, unit: frames,
            columns: {onset: from, end: to, roi: rois, population: cells, type: kind, amplitude: dff}, units: {amplitude: dF/F}}
"""


@pytest.fixture
def with_events(folder: Folder) -> Folder:
    write_result(folder.path / "cell_AQuA2.mat", Run(**RUN))
    (folder.path / "waves.csv").write_text("from,to,rois,cells,kind,dff\n30,40,0;2,bg,wave,0.5\n5,6,,bg,blip,\n", encoding="utf-8")
    folder.state("sources:\n", SOURCES)
    return folder


def test_events_are_read_back_as_they_were(with_events: Folder, bergmann: Callable[..., Ran], read_clean: Any) -> None:
    with_events.state("drugs:\n", "drugs:\n  water: {action: vehicle, dose: unknown, route: bath, at: each event of flares}\n")
    done = bergmann("convert", with_events.session, "--out", with_events.out, "--json")
    assert done.status == 0, done.stdout + done.stderr
    (path,) = with_events.out.rglob("*.nwb")
    errors, objects = read_clean(path)
    assert errors == []
    assert list(objects.values()).count("GlialEventsTable") == 2
    with NWBHDF5IO(path, "r") as io:
        nwbfile = io.read()
        movie, flares, waves = nwbfile.acquisition["movie_ch1"], nwbfile.events["flares"], nwbfile.events["waves"]
        times = movie.timestamps[:]
        np.testing.assert_allclose(flares["timestamp"][:], times[[2, 63]])
        np.testing.assert_allclose(flares["duration"][:], [times[9] - times[2], np.median(np.diff(times))])
        np.testing.assert_allclose(flares["peak_time"][:], times[[4, 63]])
        assert flares["peak_amplitude"][:].tolist() == [1.25, 0.5]
        assert flares["area_in_um2"][:].tolist() == [64.0, 16.0]
        assert flares["propagation_distance_in_um"][:].tolist() == [6.0, 0.0]
        assert flares["width_50_to_50_in_s"][:].tolist() == [0.5, 0.25]
        assert flares["event_type"][:].tolist() == ["flare", "flare"]
        assert (flares.amplitude_unit, flares.source_series) == ("dF/F", movie)
        assert flares["population"][0]["cell_type"].tolist() == ["Bergmann glial cell"]
        assert waves["population"].table is flares["population"].table
        assert [region.index.tolist() for region in (waves["rois"][0], waves["rois"][1])] == [[0, 2], []]
        assert waves["rois"].target.table is nwbfile.processing["ophys"]["ImageSegmentation"]["rois"]
        np.testing.assert_allclose(waves["timestamp"][:], times[[29, 4]])  # in the order of the table
        np.testing.assert_array_equal(waves["peak_amplitude"][:], [0.5, np.nan])
        assert "pixel_mask" not in waves.colnames
        _refuse_other_pixels(flares["pixel_mask"][0], movie, with_events.path)
        assert set(times[[2, 63]]) < set(nwbfile.events["drug_administrations"]["timestamp"][:])


def _refuse_other_pixels(mask: Any, movie: Any, folder: Path) -> None:
    """The pixels that the mask picks of the file's movie are those of the TIFF at the rows and columns of the event."""
    first = tifffile.imread(sorted((folder / "2p").glob("*.tif"))[0], key=0)
    rows, columns = zip(*FLARES[0].pixels, strict=True)
    assert (mask["y"].tolist(), mask["x"].tolist()) == (list(rows), list(columns))
    assert movie.data[0, :, :][mask["x"], mask["y"]].tolist() == first[list(rows), list(columns)].tolist()
    assert len(set(first[list(rows), list(columns)].tolist())) > 1


def test_what_aqua_was_told_otherwise_is_refused_with_a_way_out(with_events: Folder, bergmann: Callable[..., Ran]) -> None:
    write_result(with_events.path / "cell_AQuA2.mat", Run(**{**RUN, "interval": 0.5, "pixel_um": 0.5}))
    done = bergmann("check", with_events.session, "--json")
    assert done.status == 1
    messages = [one["message"] for one in json.loads(done.stdout)[0]["findings"] if one["severity"] == "error"]
    assert any("was told 0.5 s from frame to frame, and the movie's frames are 0.25 s apart" in one for one in messages)
    assert any("was told pixels of 0.5 um, and the movie's are 4 x 4 um" in one for one in messages)
    with_events.state("event: flare}", "event: flare, scale: movie}")
    done = bergmann("convert", with_events.session, "--out", with_events.out, "--json")
    assert done.status == 0, done.stdout
    with NWBHDF5IO(next(with_events.out.rglob("*.nwb")), "r") as io:
        flares = io.read().events["flares"]
        np.testing.assert_allclose(flares["area_in_um2"][:], [64, 16], rtol=1e-3)
        np.testing.assert_allclose(flares["width_50_to_50_in_s"][:], [0.25, 0.125], rtol=1e-3)
        assert "multiplied to the movie's pixels" in flares.description


def test_a_population_that_is_not_there_is_a_finding(with_events: Folder, bergmann: Callable[..., Ran]) -> None:
    (with_events.path / "waves.csv").write_text("from,to,rois,cells,kind,dff\n30,40,0,na,wave,0.5\n", encoding="utf-8")
    done = bergmann("check", with_events.session)
    assert done.status == 1
    assert "an event of 'na', which is not one of `populations`; there are: bg" in done.stdout + done.stderr


def test_a_draft_proposes_the_movie(with_events: Folder, bergmann: Callable[..., Ran]) -> None:
    with_events.session.unlink()
    assert bergmann("init", with_events.path).status in {0, 1}
    draft = with_events.session.read_text(encoding="utf-8")
    (line,) = (number for number, line in enumerate(draft.splitlines()) if "aqua2" in line)
    entry = "\n".join(draft.splitlines()[line - 2 : line + 6])
    assert "of: movie" in entry
    assert "64 frames of 12 x 32, as in movie" in entry
    assert "waves.csv" in draft
