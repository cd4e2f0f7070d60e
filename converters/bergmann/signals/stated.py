"""What a person states of a recording."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field

from bergmann.findings import Finding
from bergmann.records import Recording
from bergmann.signals._names import distinct_names
from bergmann.stated import Collections, Names, Stated
from bergmann.texts import named


class ChannelStated(Stated):
    """What one channel recorded.

    Attributes
    ----------
    records : str
        What was connected to it, e.g. ``membrane current``.
    description : str
        What else there is to say.
    """

    records: str | None = None
    description: str | None = None


class RecordingStated(Stated):
    """What a person says of a recording.

    Attributes
    ----------
    description : str
    device : str
        Name of the instrument, a key of ``devices``.
    channels : mapping of str to ChannelStated
        By name of the channel, or of the line of events, in the source.
    """

    description: str | None = None
    device: Annotated[str, Names("devices")] | None = None
    channels: dict[str, ChannelStated] = Field(default_factory=dict)


def check_recording(entry: Any, collections: Collections) -> Iterator[Finding]:  # noqa: ARG001
    """Find channels that are stated and not recorded."""
    recorded = entry.record.parts
    for name in entry.stated.channels:
        if named(name, recorded) is None:
            yield Finding(
                severity="error",
                check="channel",
                location=f"channels.{name}",
                message=f"no channel {name!r} in {entry.record.files[0].name}; it has: {', '.join(recorded) or 'none'}",
                remedy="name the channel as the recording does",
            )


def nwb_name(text: str) -> str:
    """A name that NWB can hold: ``/`` and ``:`` become ``_``."""
    return text.replace("/", "_").replace(":", "_")


def series_names(name: str, recording: Recording) -> tuple[str, ...]:
    """Names of the series of the channels, in their order."""
    return distinct_names([nwb_name(f"{name}_{channel.name}") for channel in recording.channels])


def event_names(name: str, recording: Recording) -> tuple[str, ...]:
    """Names of the table of the tags, where there are any, and of those of the lines that have events, in their order."""
    tags = ["tags"] if recording.tags else []
    return distinct_names([nwb_name(f"{name}_{one}") for one in (*tags, *(line.name for line in recording.lines))])


def pulses_name(name: str, recording: Recording, channel: str) -> str:
    """Name of the table of the pulses of a channel that times other sources: after its series.

    Raises
    ------
    SourceError
        If there is no such channel.
    """
    number = recording.parts.index(recording.channel(channel).name)
    return f"{series_names(name, recording)[number]}_pulses"


def recording_names(entry: Any) -> Iterator[tuple[str, str]]:
    """The series of each channel, and the tables of sweeps, events and tags where there are any."""
    yield from (("acquisition", name) for name in series_names(entry.name, entry.record))
    if len(entry.record.sweep_starts) > 1:
        yield "intervals", nwb_name(f"{entry.name}_sweeps")
    yield from (("events", name) for name in event_names(entry.name, entry.record))


STATED = {Recording: RecordingStated}
NAMES = {Recording: recording_names}
CHECKS = {Recording: check_recording}
