"""What a person says of indicators, planes and movies, and what contradicts a header."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from bergmann.imaging.stated import Indicator, MovieStated, Plane, check_movie
from bergmann.imaging.tiff import Tiff
from bergmann.records import Movie, MovieChannel
from bergmann.registry import Entry
from bergmann.timing.times import RegularTimes

PLANE = {
    "device": "scope",
    "population": "bg",
    "location": "CUL4, 5",
    "excitation": "920 nm",
    "channels": {"1": {"indicator": "gcamp", "emission": "525 nm"}, "2": {"label": "mCherry", "emission": "610 nm"}},
}


def movie(numbers: tuple[int, ...] = (1, 2), **known: object) -> Movie:
    frames = np.zeros((2, 3, 4), np.int16)
    channels = tuple(MovieChannel(number=number, name=f"Channel {number}", frames=frames) for number in numbers)
    return Movie(files=(Path("m.tif"),), channels=channels, times=RegularTimes(0.0, 30.0, 2), **known)


def findings(record: Movie, **plane: object) -> list[tuple[str, str, str]]:
    entry = Entry(name="movie", record=record, stated=MovieStated(plane="bg_plane"), source=Tiff(path=Path("m.tif")))
    planes = {"bg_plane": Plane.model_validate(PLANE | plane)}
    return [(one.severity, one.location, one.message) for one in check_movie(entry, {"planes": planes})]


class TestModels:
    def test_as_the_lab_writes_it(self):
        plane = Plane.model_validate(PLANE)
        assert sorted(plane.channels) == [1, 2]
        assert plane.channels[1].emission.to("nm") == 525
        assert plane.pixel_metres is None
        Indicator.model_validate({"name": "GCaMP6f", "vector": "gcamp"})

    def test_pixel_sizes(self):
        assert Plane.model_validate(PLANE | {"pixel_size": "0.8 um"}).pixel_metres == pytest.approx((0.8e-6, 0.8e-6))
        assert Plane.model_validate(PLANE | {"pixel_size": ["0.4 um", "0.8 um"]}).pixel_metres == pytest.approx((0.4e-6, 0.8e-6))

    @pytest.mark.parametrize(
        ("changed", "message"),
        [
            ({"excitation": "920"}, "no unit"),
            ({"excitation": "920 ms"}, "not a length"),
            ({"channels": {}}, "at least 1"),
            ({"channels": {"0": {"label": "x", "emission": "unknown"}}}, "greater than 0"),
            ({"channels": {"1": {"emission": "525 nm"}}}, "say what the channel shows"),
            ({"colour": "green"}, "colour"),
        ],
    )
    def test_refused(self, changed, message):
        with pytest.raises(ValidationError, match=message):
            Plane.model_validate(PLANE | changed)

    def test_unknown_is_a_value(self):
        channels = {"1": {"label": "unknown", "emission": "unknown"}}
        plane = Plane.model_validate(PLANE | {"excitation": "unknown", "channels": channels})
        assert plane.excitation == plane.channels[1].emission == "unknown"


class TestChecks:
    def test_agreement_is_silent(self):
        assert findings(movie(pixel_size=(0.8e-6, 0.8e-6)), pixel_size="0.8 um") == []

    def test_a_channel_that_is_not_stated(self):
        assert findings(movie((1, 2, 3))) == [
            ("error", "plane", "the movie has channel 3, which `planes.bg_plane.channels` does not state (it states 1, 2)")
        ]

    def test_a_channel_that_is_not_there(self):
        assert findings(movie((1,))) == [
            ("warning", "plane", "`planes.bg_plane.channels.2` is stated, but the movie has no channel 2")
        ]

    def test_a_pixel_size_that_contradicts(self):
        assert findings(movie(pixel_size=(0.8e-6, 1.0e-6)), pixel_size="0.8 um") == [
            ("error", "plane", "`planes.bg_plane` states a pixel width of 0.8 um, the header 1 um")
        ]

    def test_a_plane_spacing_that_contradicts(self):
        assert findings(movie(plane_spacing=2e-6), plane_spacing="5 um") == [
            ("error", "plane", "`planes.bg_plane` states a plane spacing of 5 um, the header 2 um")
        ]

    def test_a_recording_shorter_than_planned(self):
        assert findings(movie(notes={"planned": "10 frames, of which 2 are in the files"})) == [
            ("warning", "path", "the header planned 10 frames, of which 2 are in the files")
        ]

    def test_dropped_frames(self):
        assert findings(movie(notes={"frames dropped while recording": "3"})) == [
            ("warning", "path", "by their own numbers, 3 frames were dropped while recording")
        ]
