"""Imaging planes that nothing states yet: that of the only movie with each of its keys as a blank, else one to be filled in."""

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
    yield from _plane(Value("device", MICROSCOPE), channels)


def _plane(device: Value, channels: Sequence[str]) -> Iterator[str]:
    """The plane, with what it must state as blanks and what it may state as comments."""
    yield f"  {PLANE}:"
    values = (
        device,
        Value("location", None, "which part of the brain or cord was imaged, as V1 or cerebellum"),
        Value("excitation", None, "wavelength of the laser, as 920 nm, or unknown"),
    )
    yield from value_lines(values, "    ")
    yield f"    {comment('population: <an entry of `populations`>, if the cells of one are seen')}"
    yield "    channels:"
    for channel in channels:
        what = "what it shows, as GCaMP6f; in which light, as 525 nm, or unknown"
        yield f"      {channel}: {{label: {BLANK}, emission: {BLANK}}}  {comment(what)}"
    said = "`indicator: <an entry of `indicators`>` in place of `label:` also says which vector brought it in"
    yield f"      {comment(said)}"


def plane_offer(channels: Sequence[str], devices: Sequence[str]) -> Iterator[str]:
    """A plane to be filled in, as comments: its blanks are none of the session's until the signs before them are taken away.

    Parameters
    ----------
    channels : sequence of str
        Numbers of the channels of the movies that lack a plane.
    devices : sequence of str
        Names of the devices that are stated.
    """
    yield ""
    yield comment("`plane: ???` asks for the name of an entry of `planes`, and none is stated yet. To state one (here, or once for")
    yield comment(
        "many sessions in a lab.yaml that is named in `use:`) take `# ` away from these lines, fill them in, and write its"
    )
    yield comment(f"name, {PLANE} or what you call it, in place of the ??? above. Planes that differ need an entry each.")
    yield comment("")
    device = Value("device", devices[0] if len(devices) == 1 else None, f"one of: {', '.join(devices)}")
    if not devices:
        device = Value("device", MICROSCOPE)
        yield "# devices:"
        yield f"#   {MICROSCOPE}:"
        yield from (f"# {line}" for line in value_lines((Value("model", None, "of the microscope, or unknown"),), "    "))
    yield "# planes:"
    yield from (f"# {line}" for line in _plane(device, channels))
