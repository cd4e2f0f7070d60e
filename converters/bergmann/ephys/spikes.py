"""Spike times of single units, as a lab keeps them: a table (CSV, TSV, XLSX), or arrays of NumPy (``.npz``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field, model_validator

from bergmann.ephys._spike_files import RESERVED, read_npz, read_spikes
from bergmann.ephys._unit_labels import add_labels
from bergmann.errors import SourceError
from bergmann.records import Recording, SpikeTimes
from bergmann.registry import Format, Inputs, Source, expand
from bergmann.stated import Ref
from bergmann.tables import Encoding

SECONDS = {"s": 1.0, "ms": 0.001}


def _has_both(columns: Mapping[str, str]) -> Mapping[str, str]:
    missing = [name for name in ("unit", "time") if name not in columns]
    if missing:
        raise ValueError(f"`columns` must also name {' and '.join(missing)}, e.g. `columns: {{unit: cluster, time: seconds}}`")
    reserved = sorted(RESERVED & set(columns))
    if reserved:
        raise ValueError(f"`{reserved[0]}` is a column that NWB gives a meaning of its own; call it otherwise")
    return columns


class SpikesSource(Source):
    """Spikes of sorted units.

    Attributes
    ----------
    path : Path
        ``.csv``, ``.tsv``, ``.xlsx`` or ``.npz``.
    columns : mapping of str to str, optional
        Of a file with a row a spike: what it calls ``unit`` and ``time``; any other, the same for all spikes of a unit, is kept for
        the unit under its key. Of ``.npz``: names of its arrays. Without it each column, or array, is a unit of that name.
    unit : {"s", "ms", "samples"}
        Of the times.
    of : Ref[Recording], optional
        The recording that the spikes are of, whose times they count from; samples need it. Without it, times count from the start
        that is stated.
    first_sample : int
        Number of the first sample as the file counts: 0 (Python) or 1 (MATLAB); samples need it.
    labels : Path, optional
        A second table with a row a unit: its name in the column ``unit``, and what is known of it, such as ``quality``.
    sheet, encoding : str, optional
        As for other tables.
    """

    format: Literal["spikes"] = "spikes"
    path: Path
    columns: Annotated[dict[str, str], AfterValidator(_has_both)] | None = None
    unit: Literal["s", "ms", "samples"]
    of: Ref[Recording] | None = None
    first_sample: int | None = Field(None, ge=0, le=1)
    labels: Path | None = None
    sheet: str | None = None
    encoding: Encoding | None = None

    @model_validator(mode="after")
    def _counts_from_somewhere(self) -> SpikesSource:
        if self.unit == "samples" and (self.of is None or self.first_sample is None):
            raise ValueError(
                "`unit: samples` needs the recording and from what they are counted: `of: daq`, `first_sample: 0` (or 1)"
            )
        return self


def find(folder: Path) -> Iterator[SpikesSource]:  # noqa: ARG001
    """Nothing: that numbers of a table are times of spikes, only a person knows."""
    return iter(())


def read(source: SpikesSource, inputs: Inputs) -> SpikeTimes:
    """Read the spikes of each unit; a unit that never fired is kept, without spikes.

    Raises
    ------
    SourceError
        If a file is not what is stated, or a time is no number, negative, outside the recording, or before the one before it in its
        unit: such times are not sorted here, as they may be of two recordings.
    """
    paths = expand(source.path)
    if len(paths) > 1:
        raise SourceError(f"{source.path.name}: {len(paths)} files match; name one")
    (path,) = paths
    if path.is_dir():
        raise SourceError(f"{path.name}: a folder; name the file in it")
    of = inputs.get("of")
    recording = of if isinstance(of, Recording) else None
    if path.suffix.lower() == ".npz":
        spikes = read_npz(path, source.columns)
    else:
        spikes = read_spikes(path, source.columns, sheet=source.sheet, encoding=source.encoding)
    files: tuple[Path, ...] = (path,)
    if source.labels is not None:
        (beside,) = expand(source.labels)
        spikes, files = add_labels(spikes, beside, source.encoding), (path, beside)
    return SpikeTimes(
        files=files,
        units=tuple(spikes.times),
        spikes=tuple(_seconds(path, name, times, source, recording) for name, times in spikes.times.items()),
        columns=spikes.columns,
        observed=None if recording is None else _observed(recording),
        resolution=1 / recording.rate if recording is not None and source.unit == "samples" else None,
        basis=f"Spikes as listed in {path.name}.",
    )


def _observed(recording: Recording) -> NDArray[np.float64]:
    """Start and end of each sweep; of one that goes on without a gap, of the whole."""
    starts, own = recording.sweep_starts.seconds, recording.own
    lengths = recording.sweep_lengths
    ends = starts + lengths / recording.rate if own is None else own.clock.apply(own.sweep_starts + lengths / own.rate)
    return np.column_stack([starts, ends]) if _has_gaps(recording) else np.array([[starts[0], ends[-1]]])


def _has_gaps(recording: Recording) -> bool:
    return bool((np.abs(recording.sweep_gaps()) >= 0.01 / recording.rate).any())


def _seconds(
    path: Path, name: str, times: NDArray[np.float64], source: SpikesSource, recording: Recording | None
) -> NDArray[np.float64]:
    """The times of a unit in seconds.

    Raises
    ------
    SourceError
        If one is not known, negative, out of order, or outside the recording.
    """
    where = f"{path.name}: unit {name}"
    for wrong, what in (
        (~np.isfinite(times), "which is no time"),
        (times < (source.first_sample or 0), "which is before the recording began"),
        (
            np.r_[False, np.diff(times) < 0],
            "which is before the spike above it; sort the times of each unit, if they are of one recording",
        ),
    ):
        if wrong.any():
            index = int(np.flatnonzero(wrong)[0])
            raise SourceError(f"{where}: spike {index + 1} is at {times[index]:g} {source.unit}, {what}")
    if source.unit == "samples" and recording is not None:
        return _of_samples(where, times - (source.first_sample or 0), recording)
    seconds = times * SECONDS.get(source.unit, 1.0)
    if recording is None:
        return seconds
    if _has_gaps(recording):
        raise SourceError(f"{where}: seconds of a recording with gaps between its sweeps could be any; give the times in samples")
    begins, ends = _observed(recording)[0]
    own = recording.own  # the seconds are those of the recorder's clock
    placed = begins + seconds if own is None else own.clock.apply(own.sweep_starts[0] + seconds)
    if len(placed) and placed[-1] > ends:
        raise SourceError(f"{where}: a spike at {seconds[-1]:g} s, and {recording.files[0].name} is {ends - begins:g} s long")
    return placed


def _of_samples(where: str, samples: NDArray[np.float64], recording: Recording) -> NDArray[np.float64]:
    ends = np.cumsum(recording.sweep_lengths)
    if len(samples) and samples[-1] >= ends[-1]:
        raise SourceError(f"{where}: a spike at sample {samples[-1]:.15g}, and {recording.files[0].name} has {ends[-1]} samples")
    return recording.sample_times(samples)


FORMAT = Format(source=SpikesSource, record=SpikeTimes, label="spike times (CSV, TSV, XLSX, NPZ)", find=find, read=read)
