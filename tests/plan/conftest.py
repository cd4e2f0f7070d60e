"""A small house of two rooms: its formats, what they ask a person, and a folder to write session files in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field

from bergmann.errors import SourceError
from bergmann.moments import Moment
from bergmann.plan.session import LoadedSession, Vocabulary, load_session
from bergmann.records import Events, LightPulses, Movie, Record, Recording
from bergmann.registry import Format, Source
from bergmann.stated import Date, Device, Length, Mass, Names, Ref, Stated, Unknown


class Daq(Source):
    format: Literal["daq"] = "daq"
    path: Path = Field(description="the file of the recording")


class Scope(Source):
    format: Literal["scope"] = "scope"
    path: Path
    unit: Literal["frames", "seconds"] = "frames"


class LightChannel(Source):
    format: Literal["channel"] = "channel"
    of: Ref[Recording]


class EventChannel(Source):
    format: Literal["channel"] = "channel"
    of: Ref[Recording]
    event: str


class Follower(Source):
    format: Literal["follower"] = "follower"
    of: Ref[Record]
    frames: str | None = None


class PlaneChannel(Stated):
    indicator: Annotated[str, Names("indicators")] | None = None
    emission: Length


class Plane(Stated):
    """Where a microscope looked.

    Attributes
    ----------
    device : str
        The microscope.
    excitation : Length or unknown
        Wavelength of the light
        that excites.
    """

    device: Annotated[str, Names("devices")]
    excitation: Length | Unknown
    channels: Mapping[int, PlaneChannel] = {}


class Indicator(Stated):
    name: str


class Calibration(Stated):
    file_path: Path
    date: Date


class Drug(Stated):
    at: Moment | None = None
    dose: Mass | None = None
    sites: tuple[Annotated[str, Names("light_sites")], ...] = ()


class MovieStated(Stated):
    plane: Annotated[str, Names("planes")]


class LightStated(Stated):
    site: str


def _read(source: Source, inputs: object) -> Record:
    raise SourceError("nothing is read here")


def _format(source: type[Source], record: type[Record], chosen_by: str | None = None) -> Format:
    return Format(source=source, record=record, label=f"{source.__name__} file", find=lambda _: (), read=_read, chosen_by=chosen_by)


@pytest.fixture
def vocabulary() -> Vocabulary:
    return Vocabulary(
        formats=(
            _format(Daq, Recording),
            _format(Scope, Movie),
            _format(LightChannel, LightPulses, "site"),
            _format(EventChannel, Events, "event"),
            _format(Follower, Movie),
        ),
        stated={Movie: MovieStated, LightPulses: LightStated},
        collections={
            "devices": Device,
            "planes": Plane,
            "indicators": Indicator,
            "calibrations": Calibration,
            "drugs": Drug,
            "procedures": Indicator,
        },
    )


COMPLETE = """\
session: {id: pod7, description: "Light, then capsaicin.", start: from daq}
subject: {id: BG042, species: Mus musculus, sex: F, born: 2024-02-28}
time_zone: Asia/Seoul
devices: {scope: {model: Example 2P}}
planes:
  bg: {device: scope, excitation: 920 nm}
sources:
  daq: {format: daq, path: daq/bg042.h5}
  movie: {format: scope, path: movie.tif, plane: bg, clock: daq/FrameClock}
"""


@pytest.fixture
def load(tmp_path: Path, vocabulary: Vocabulary) -> Callable[..., LoadedSession]:
    """Write ``session.yaml`` (and other documents by name) and load it."""

    def loaded(session: str = COMPLETE, **documents: str) -> LoadedSession:
        for name, text in {"session": session, **documents}.items():
            (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
        return load_session(tmp_path / "session.yaml", vocabulary)

    return loaded
