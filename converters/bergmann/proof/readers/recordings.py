"""Recorded channels: WaveSurfer's HDF5 as it lies there, Axon files by neo."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bergmann.proof.readers import NotReadError
from bergmann.proof.said import Line, Lines, Said, Values
from bergmann.registry import expand


def _one(entry: Any) -> Path:
    (path,) = expand(entry.source.path)
    return path


def _distinct(names: list[str]) -> list[str]:
    """Names, a repeated one with the number of its repeat behind it."""
    seen: Counter[str] = Counter()
    out = []
    for name in names:
        seen[name] += 1
        out.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    if len(set(out)) != len(out):
        raise NotReadError("channels of one name")
    return out


def read_wavesurfer(entry: Any, known: Mapping[str, Said]) -> Lines:  # noqa: ARG001
    """A file of WaveSurfer, from the version on that states its scaling coefficients."""
    import h5py

    path = _one(entry)
    with h5py.File(path, "r") as file:
        header = file["header"]
        if "AIScalingCoefficients" not in header or "AcquisitionSampleRate" not in header:
            raise NotReadError("a header of an older version")
        sweeps = sorted(name for name in file if name.startswith("sweep_"))
        sweeps.sort(key=lambda name: int(name[6:]))
        lengths = np.array([_length(file[name]) for name in sweeps], dtype=np.int64)
        starts = np.array([float(np.ravel(file[name]["timestamp"][()])[0]) for name in sweeps]) if len(sweeps) > 1 else None
        if starts is None:
            has_time = "timestamp" in file[sweeps[0]]
            starts = np.array([float(np.ravel(file[sweeps[0]]["timestamp"][()])[0]) if has_time else 0.0])
        rate = float(np.ravel(header["AcquisitionSampleRate"][()])[0])
        first = file[sweeps[0]]
        lines = [*_analog(path, header, first, sweeps, lengths), *_digital(path, header, first, sweeps, lengths)]
    names = _distinct([line.name for line in lines])
    lines = [Line(**{**vars(line), "name": name}) for line, name in zip(lines, names, strict=True)]
    return Lines(files=(path,), lines=tuple(lines), rate=rate, starts=starts, lengths=lengths)


def _length(sweep: Any) -> int:
    return int(next(sweep[name].shape[1] for name in ("analogScans", "digitalScans") if name in sweep))


def _words(values: Any) -> list[str]:
    return [(one.decode() if isinstance(one, bytes) else str(one)).strip() for one in np.ravel(values)]


def _scans(path: Path, sweeps: list[str], lengths: NDArray[np.int64], dataset: str, row: int, dtype: Any) -> Values:
    import h5py

    def read(piece: int, start: int, stop: int) -> NDArray[Any]:
        with h5py.File(path, "r") as file:
            return np.asarray(file[sweeps[piece]][dataset][row, start:stop])

    return Values.joined(lengths.tolist(), np.dtype(dtype), read)


def _analog(path: Path, header: Any, first: Any, sweeps: list[str], lengths: NDArray[np.int64]) -> list[Line]:
    if "analogScans" not in first:
        return []
    names, units = _words(header["AIChannelNames"][()]), _words(header["AIChannelUnits"][()])
    scales = np.ravel(header["AIChannelScales"][()])
    active = [n for n, one in enumerate(np.ravel(header["IsAIChannelActive"][()])) if one]
    table = np.atleast_2d(header["AIScalingCoefficients"][()])
    dtype = first["analogScans"].dtype
    lines = []
    for row, index in enumerate(active):
        coefficients = [float(one) for one in table[row if len(table) == len(active) else index]] + [0.0, 0.0]
        constant, linear, *more = coefficients
        if any(more) or dtype.kind == "f":
            raise NotReadError("a digitiser with a curved scale, or samples that are scaled")
        lines.append(
            Line(
                name=names[index],
                samples=_scans(path, sweeps, lengths, "analogScans", row, dtype),
                unit=units[index] or "unknown",
                conversion=linear / float(scales[index]),
                offset=constant / float(scales[index]),
            )
        )
    return lines


def _digital(path: Path, header: Any, first: Any, sweeps: list[str], lengths: NDArray[np.int64]) -> list[Line]:
    if "digitalScans" not in first:
        return []
    names = _words(header["DIChannelNames"][()])
    active = [n for n, one in enumerate(np.ravel(header["IsDIChannelActive"][()])) if one]
    packed = _scans(path, sweeps, lengths, "digitalScans", 0, first["digitalScans"].dtype)
    return [Line(name=names[index], samples=_bit(packed, bit), unit="n.a.", is_digital=True) for bit, index in enumerate(active)]


def _bit(packed: Values, bit: int) -> Values:
    """One line of packed scans, 0 or 1."""

    def read(start: int, stop: int) -> NDArray[Any]:
        scans = packed.read(start, stop)
        little = scans.astype(scans.dtype.newbyteorder("<")).view(np.uint8).reshape(len(scans), -1)
        return np.ascontiguousarray(np.unpackbits(little, axis=1, bitorder="little")[:, bit])

    return Values(packed.shape, np.dtype(np.uint8), read)


def read_abf(entry: Any, known: Mapping[str, Said]) -> Lines:  # noqa: ARG001
    """A file of Clampex, by neo: its own walk through header, sweeps and samples. It leaves the blanks out of names."""
    from neo.rawio import AxonRawIO

    path = _one(entry)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of channels that Clampex numbers twice
        reader = AxonRawIO(filename=str(path))
        reader.parse_header()
    channels = reader.header["signal_channels"]
    if not len(channels) or len(reader.header["signal_streams"]) > 1:
        raise NotReadError("no channel, or channels of several rates")
    n = reader.segment_count(0)
    lengths = np.array([reader.get_signal_size(0, segment, 0) for segment in range(n)], dtype=np.int64)
    starts = np.array([reader.get_signal_t_start(0, segment, 0) for segment in range(n)])
    dtype = reader.get_analogsignal_chunk(0, 0, 0, 1, stream_index=0).dtype
    names = _distinct([_name(str(one["name"]).strip(), number) for number, one in enumerate(channels)])
    whole = dtype.kind == "i"

    def samples(number: int) -> Values:
        def read(segment: int, start: int, stop: int) -> NDArray[Any]:
            return np.asarray(
                reader.get_analogsignal_chunk(0, segment, start, stop, stream_index=0, channel_indexes=[number])[:, 0]
            )

        return Values.joined(lengths.tolist(), dtype, read)

    lines = tuple(
        Line(
            name=names[number],
            samples=samples(number),
            unit=str(one["units"]).strip() or "unknown",
            conversion=float(one["gain"]) if whole else 1.0,
            offset=float(one["offset"]) if whole else 0.0,
        )
        for number, one in enumerate(channels)
    )
    rate = float(channels[0]["sampling_rate"])
    return Lines(files=(path,), lines=lines, rate=rate, starts=starts - starts[0], lengths=lengths)


def _name(text: str, number: int) -> str:
    """Name of a channel; one without a name neo calls ``ch0``, and the file is told of it as ``ADC 0``."""
    return f"ADC {number}" if re.fullmatch(r"(ch\d+)?", text) else text
