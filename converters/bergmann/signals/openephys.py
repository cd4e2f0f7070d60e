"""Recordings of the Open Ephys GUI in its binary format: one stream, its TTL lines, and messages as tags."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError
from bergmann.records import Channel, EventLine, Recording
from bergmann.registry import Format, Inputs, Source, expand, natural_order
from bergmann.signals import _openephys as gui
from bergmann.signals._names import distinct_names, repeats_note
from bergmann.signals._numbers import find_runs
from bergmann.signals._one_file import one_file
from bergmann.signals._openephys import Interleaved, Stream, Structure, read_structure
from bergmann.signals._together import ChannelNames, Grid, chosen_parts, nearest_named
from bergmann.signals._turns import take_turns
from bergmann.timing.times import ExplicitTimes


class OpenEphysSource(Source):
    """A stream of a recording of Open Ephys in the binary format.

    Attributes
    ----------
    path : Path
        The file structure.oebin of the recording, or the folder that has it.
    stream : str, optional
        The stream that is meant, where there are several.
    only : tuple of str, optional
        The channels and lines that are meant, where not all are wanted.
    """

    format: Literal["openephys"] = "openephys"
    path: Path
    stream: str | None = None
    only: ChannelNames = ()


@dataclass(frozen=True, eq=False)
class Clock:
    """How numbers of samples become seconds.

    Attributes
    ----------
    zero : int
        The sample at which the recording began.
    rate : float
    last : int
        The number of the last sample of the stream.
    """

    zero: int
    rate: float
    last: int

    def seconds(self, numbers: NDArray[np.int64]) -> NDArray[np.float64]:
        seconds: NDArray[np.float64] = (numbers.astype(np.int64) - self.zero) / self.rate
        return seconds


def find(folder: Path) -> Iterator[OpenEphysSource]:
    """Find the recordings of Open Ephys in a folder and the folders below."""
    for path in sorted(folder.rglob(gui.NAME), key=natural_order):
        try:
            structure = read_structure(path)
        except (SourceError, OSError):
            continue
        if structure.streams:
            yield OpenEphysSource(path=path)


def read(source: OpenEphysSource, inputs: Inputs) -> Recording:  # noqa: ARG001
    """Read what the recording says of itself, and its events; samples stay in the file, as stored.

    Times count from the sample at which the recording began. Where numbers of samples are missing, a sweep begins. Each TTL line
    that changed is a line of events, and messages are tags.

    Raises
    ------
    SourceError
        If a file is missing, damaged or cut; if there is no such stream or channel, or none is named of several; if numbers of
        samples run backwards.
    """
    structure = read_structure(_structure(source.path))
    stream = _stream(source, structure)
    messages = gui.sync_messages(structure)
    samples, n_samples, numbers = _continuous(structure, stream)
    firsts, lengths = find_runs(numbers, where=f"{structure.path.name}: {stream.name}")
    stated = gui.first_sample_of(stream, messages)
    zero = stated if stated is not None and stated <= firsts[0] else int(firsts[0])
    clock = Clock(zero, stream.rate, int(firsts[-1] + lengths[-1] - 1))
    starts = clock.seconds(firsts)
    grid = Grid(stream.rate, tuple(starts.tolist()), tuple(lengths.tolist()))
    titles = [one.name for one in stream.channels]
    names = distinct_names(titles)
    lines = _lines(structure, stream, clock)
    chosen, chosen_lines = chosen_parts(structure.path, dict.fromkeys(names, grid), [line.name for line in lines], source.only)
    tags, without = _tags(structure, stream, clock)
    return Recording(
        files=(structure.path, samples, *_other_files(structure, stream)),
        start=gui.start_of(structure, messages),
        notes=_notes(structure, stream, without) | repeats_note(titles, names),
        rate=stream.rate,
        sweep_starts=ExplicitTimes(starts),
        sweep_lengths=lengths,
        channels=tuple(
            Channel(
                name=name,
                kind="analog",
                unit=one.unit,
                samples=Interleaved(samples, n_samples, len(names), place),
                conversion=one.scale,
            )
            for place, (name, one) in enumerate(zip(names, stream.channels, strict=True))
            if name in chosen
        ),
        lines=tuple(line for line in lines if line.name in chosen_lines),
        tags=tuple(text for _, text in tags),
        tag_times=ExplicitTimes(np.array([seconds for seconds, _ in tags], dtype=np.float64)),
    )


# --- files ------------------------------------------------------------------------------------------------------------


def _structure(path: Path) -> Path:
    found = expand(path)
    if len(found) > 1 or not found[0].is_dir():
        return one_file(path)
    there = sorted(found[0].rglob(gui.NAME), key=natural_order)
    if len(there) != 1:
        some = ", ".join(one.relative_to(found[0]).as_posix() for one in there[:3]) or "none"
        raise SourceError(f"{path.name}: a folder with {len(there)} recordings ({some}); name the {gui.NAME} of one")
    return there[0]


def _stream(source: OpenEphysSource, structure: Structure) -> Stream:
    where, names = structure.path, tuple(one.name for one in structure.streams)
    if not names:
        raise SourceError(f"{where.name}: it lists no stream of samples; was the recording stopped at once?")
    if len(names) > 1 and source.stream is None:
        raise SourceError(
            f"{where.name}: {len(names)} streams ({', '.join(names)}), each with a clock of its own; state `stream: {names[0]}`, "
            "and the others as sources of their own"
        )
    if len(set(names)) < len(names):
        names = tuple(one.folder for one in structure.streams)
    meant = names[0] if source.stream is None else nearest_named(where, source.stream, names, "stream")
    return structure.streams[names.index(meant)]


def _continuous(structure: Structure, stream: Stream) -> tuple[Path, int, NDArray[np.int64]]:
    """The file of the samples of a stream, how many there are, and the number of each.

    Raises
    ------
    SourceError
        If the files are missing, or not whole.
    """
    folder = structure.path.parent / "continuous" / stream.folder
    samples, a_sample = folder / "continuous.dat", gui.STORED.itemsize * len(stream.channels)
    if not samples.is_file():
        raise SourceError(f"{structure.path.name}: {stream.folder}/{samples.name} is not there; was the folder copied whole?")
    numbers = gui.numbers_in(folder)
    size = samples.stat().st_size
    if not stream.channels or size != a_sample * len(numbers):
        raise SourceError(
            f"{stream.folder}/{samples.name}: {size} bytes, and {len(numbers)} samples of {len(stream.channels)} channels have "
            f"{a_sample * len(numbers)}, as their numbers say; was a file cut, or did the GUI end before the recording was closed? "
            "Copy the folder again"
        )
    if not len(numbers):
        raise SourceError(f"{stream.folder}/{samples.name}: no samples; was the recording stopped at once?")
    return samples, len(numbers), numbers


def _other_files(structure: Structure, stream: Stream) -> tuple[Path, ...]:
    """The files beside the samples that are read: numbers of samples, changes of lines, messages."""
    folders = [
        structure.path.parent / "continuous" / stream.folder,
        *(structure.path.parent / "events" / one for one in structure.events),
    ]
    found = [gui.file_in(structure.path.parent, ("sync_messages.txt",))]
    for folder in folders:
        found += [gui.file_in(folder, names) for names in (gui.NUMBERS, gui.STATES, ("text.npy",))]
    return tuple(path for path in found if path is not None)


# --- events -----------------------------------------------------------------------------------------------------------


def _folders(structure: Structure, stream: Stream, kind: str) -> list[Path]:
    """Folders of events of a kind that belong to a stream, whose name theirs begins with."""
    return [
        structure.path.parent / "events" / folder
        for folder in structure.events
        if folder.startswith(f"{stream.folder}/") and folder.rpartition("/")[2].upper().startswith(kind)
    ]


def _lines(structure: Structure, stream: Stream, clock: Clock) -> tuple[EventLine, ...]:
    """The TTL lines that changed, by number."""
    folders = _folders(structure, stream, "TTL")
    lines: list[EventLine] = []
    for folder in folders:
        states, numbers = gui.load(folder, gui.STATES, "iu").astype(np.int64), gui.numbers_in(folder)
        if len(states) != len(numbers):
            raise SourceError(f"{folder.name}: {len(states)} changes of lines at {len(numbers)} samples; was a file cut?")
        prefix = f"{folder.name} " if len(folders) > 1 else "TTL "
        for number in sorted(set(np.abs(states).tolist()) - {0}):
            ups, downs = (clock.seconds(np.asarray(numbers)[states == sign * number]) for sign in (1, -1))
            lines += _of_edges(folder, f"{prefix}{number}", ups, downs, clock)
    return tuple(lines)


def _of_edges(folder: Path, name: str, ups: NDArray[np.float64], downs: NDArray[np.float64], clock: Clock) -> tuple[EventLine, ...]:
    """The stretches at which a line was on; where edges are missing, its rising and falling edges."""
    for seconds in (ups, downs):
        if (np.diff(seconds) < 0).any():
            raise SourceError(f"{folder.parent.name}/{folder.name}: the changes of line {name} run backwards; is a file damaged?")
    turns = take_turns(ups, downs, first=0.0, last=float(clock.seconds(np.array([clock.last + 1]))[0]))
    if turns is None:
        found = (("rising", ups), ("falling", downs))
        return tuple(
            EventLine(name=f"{name} {what}", description=f"{what} edges", times=ExplicitTimes(seconds), resolution=1 / clock.rate)
            for what, seconds in found
            if len(seconds)
        )
    line = EventLine(
        name=name,
        description="stretches at the high level",
        times=ExplicitTimes(turns.ups),
        durations=turns.downs - turns.ups,
        resolution=1 / clock.rate,
        on_at_start=turns.on_at_start,
        on_at_end=turns.on_at_end,
    )
    return (line,)


def _tags(structure: Structure, stream: Stream, clock: Clock) -> tuple[list[tuple[float, str]], list[str]]:
    """Messages with their times, and folders that are left out; messages count the samples of the only stream."""
    mine = {*_folders(structure, stream, "TTL")}
    others = [one.folder for one in structure.streams if one is not stream]
    tags: list[tuple[float, str]] = []
    without = []
    for name in structure.events:
        folder = structure.path.parent / "events" / name
        if folder in mine or any(name.startswith(f"{other}/") for other in others):
            continue
        if others or not (folder / "text.npy").is_file():
            without.append(name)
            continue
        numbers, texts = gui.numbers_in(folder), list(gui.texts_in(folder))
        if len(numbers) != len(texts):
            raise SourceError(f"{name}: {len(texts)} messages at {len(numbers)} samples; was a file cut?")
        tags += zip(clock.seconds(np.asarray(numbers)).tolist(), texts, strict=True)
    return sorted(tags, key=lambda one: one[0]), without


def _notes(structure: Structure, stream: Stream, without: list[str]) -> dict[str, str]:
    notes = {"software": f"Open Ephys GUI {structure.version}".strip(), "stream": stream.name}
    if without:
        notes["left out"] = "; ".join(f"{name}: events on no clock of this stream" for name in without)
    return notes


FORMAT = Format(source=OpenEphysSource, record=Recording, label="Open Ephys binary", find=find, read=read)
