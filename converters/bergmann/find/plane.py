"""The imaging plane of the only movie, where nothing states it yet: each of its keys as a blank."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from bergmann.find.text import BLANK, Value, comment, value_lines

PLANE = "imaging_plane"
MICROSCOPE = "microscope"


def stated_below(values: Sequence[Value]) -> tuple[Value, ...]:
    """The values of a movie with its plane named, as `plane_lines` states it."""
    return tuple(
        replace(value, text=PLANE, comment="stated below, under `planes`") if value.key == "plane" else value for value in values
    )


def plane_lines(channels: Sequence[str]) -> Iterator[str]:
    """``planes`` and ``devices`` as YAML.

    Parameters
    ----------
    channels : sequence of str
        Numbers of the movie's channels.
    """
    yield ""
    yield comment("the same in many sessions: `devices` and `planes` may move to a lab.yaml that is named in `use:`")
    yield "devices:"
    yield f"  {MICROSCOPE}:"
    yield from value_lines((Value("model", None, "of the microscope, or unknown"),), "    ")
    yield "planes:"
    yield f"  {PLANE}:"
    values = (
        Value("device", MICROSCOPE),
        Value("location", None, "which part of the brain or cord was imaged, as V1 or cerebellum"),
        Value("excitation", None, "wavelength of the laser, as 920 nm, or unknown"),
    )
    yield from value_lines(values, "    ")
    yield "    channels:"
    for channel in channels:
        what = "what it shows, as GCaMP6f; in which light, as 525 nm, or unknown"
        yield f"      {channel}: {{label: {BLANK}, emission: {BLANK}}}  {comment(what)}"
