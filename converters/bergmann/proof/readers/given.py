"""Files whose meaning a person states: numbers as text and as arrays, logs, tables; and pyPhotometry's."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bergmann.proof.readers import NotReadError
from bergmann.proof.said import Columns, Floats, Line, Lines, Pulses, Said, Values
from bergmann.registry import expand
from bergmann.stated import Quantity

SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "min": 60.0, "h": 3600.0}


def _one(entry: Any) -> Path:
    (path,) = expand(entry.source.path)
    return path


def _plain(name: str) -> str:
    return name.replace("/", "_").replace(":", "_")


def read_pyphotometry(entry: Any, known: Mapping[str, Said]) -> Lines:  # noqa: ARG001
    """Two bytes of length, a header in JSON, then pairs of bytes: the last bit is the digital line, the others count."""
    path = _one(entry)
    content = np.memmap(path, np.uint8, "r")
    length = int(content[0]) + 256 * int(content[1])
    header = json.loads(content[2 : 2 + length].tobytes())
    version = [int(one) for one in re.findall(r"\d+", str(header["version"]))]
    mode = str(header["mode"])
    if version < [1]:
        raise NotReadError("a version before 1.0")
    is_pulsed = "pulsed" in mode
    each = 2 if is_pulsed and version >= [1, 1] else 1
    n, n_lines = int(header["n_analog_signals"]), int(header["n_digital_signals"])
    pairs = np.memmap(path, "<u2", "r", offset=2 + length).reshape(-1, n * each)
    chosen = [entry.source.signal - 1] if entry.source.signal is not None else list(range(n))
    volts, rate = header["volts_per_division"], float(header["sampling_rate"])
    lines: list[Line] = []
    for signal in chosen:
        receiver = 0 if "_1EM_" in mode else signal % 2
        names = [f"analog_{signal + 1}"] if each == 1 else [f"analog_{signal + 1}_raw_{what}" for what in ("LED_on", "baseline")]
        for place, name in enumerate(names):
            stored = pairs[:, signal * each + place]
            conversion = float(volts[min(receiver, len(volts) - 1)])
            lines.append(Line(name=name, samples=_mapped(stored, np.uint16, _count), unit="V", conversion=conversion))
    for signal in chosen:
        if signal < n_lines:
            bits = _mapped(pairs[:, signal * each], np.uint8, _bit)
            lines.append(Line(name=f"digital_{signal + 1}", samples=bits, unit="n.a.", is_digital=True))
    start = chosen[0] / (rate * n) if is_pulsed else 0.0
    return Lines(files=(path,), lines=tuple(lines), rate=rate, starts=np.array([start]), lengths=np.array([len(pairs)]))


def _count(values: NDArray[Any]) -> NDArray[Any]:
    return values // 2


def _bit(values: NDArray[Any]) -> NDArray[Any]:
    return values % 2


def _mapped(stored: NDArray[Any], dtype: Any, what: Any) -> Values:
    return Values(stored.shape, np.dtype(dtype), lambda start, stop: what(np.asarray(stored[start:stop])).astype(dtype))


def _told(entry: Any, columns: Mapping[str, Floats]) -> Columns:
    """Channels of numbers, and their times where they have some."""
    source = entry.source
    found = {f"acquisition/{_plain(f'{entry.name}_{name}')}/data": columns[name] for name in columns if name != "time"}
    times: dict[str, Floats] = {}
    slack = 2e-6
    if "time" in columns:
        unit = source.units["time"].replace("\N{MICRO SIGN}", "u").replace("\N{GREEK SMALL LETTER MU}", "u")
        scale = 1 / source.rate.to("Hz") if unit == "samples" else SECONDS[unit]
        seconds = np.asarray(columns["time"], np.float64) * scale
        times = {path.removesuffix("/data"): seconds for path in list(found)[:1]}
        slack = 0.51 * float(np.median(np.diff(seconds))) if len(seconds) > 1 else slack
    return Columns(files=(_one(entry),), columns=found, times=times, slack=slack)


def read_signal_table(entry: Any, known: Mapping[str, Said]) -> Columns:  # noqa: ARG001
    """A text table with names in its first line."""
    source = entry.source
    if getattr(source, "header", "first line") != "first line" or _one(entry).stat().st_size > 1 << 28:
        raise NotReadError("a table without names, or a very long one")
    with _one(entry).open(encoding=source.encoding or "utf-8-sig", newline="") as lines:
        first = lines.readline()
        lines.seek(0)
        delimiter = next((sign for sign in "\t;," if sign in first), None)
        if delimiter is None:
            raise NotReadError("a table whose columns nothing parts")
        rows = list(csv.reader(lines, delimiter=delimiter))
    names = [name.strip() for name in rows[0]]
    body = [row for row in rows[1:] if any(cell.strip() for cell in row)]
    if not all(column in names for column in source.columns.values()):
        raise NotReadError("a column that is not called so to the letter")
    places = {name: names.index(column) for name, column in source.columns.items()}
    return _told(entry, {name: np.array([float(row[place]) for row in body]) for name, place in places.items()})


def read_signal_numpy(entry: Any, known: Mapping[str, Said]) -> Columns:  # noqa: ARG001
    """Arrays of NumPy, a channel each, or rows or columns of one."""
    source = entry.source
    loaded = np.load(_one(entry), allow_pickle=False)
    columns = {}
    for name, reference in source.columns.items():
        array, _, part = reference.partition(":")
        values = loaded[array] if isinstance(loaded, np.lib.npyio.NpzFile) else loaded
        if part:
            values = values[int(part) - 1] if source.time_axis == "last" else values[:, int(part) - 1]
        if values.ndim != 1:
            raise NotReadError(f"an array of {values.ndim} axes")
        columns[name] = np.asarray(values)
    return _told(entry, columns)


def read_labchart(entry: Any, known: Mapping[str, Said]) -> Columns:  # noqa: ARG001
    """A text export of LabChart: after each header its rows, a time and a number for each channel."""
    text = _one(entry).read_text(encoding=entry.source.encoding or "utf-8-sig")
    titles: list[str] = []
    rows: list[list[float]] = []
    begun: list[float] = []
    for line in text.splitlines():
        key, found, rest = line.partition("=\t")
        if found and re.fullmatch(r"\w+", key):
            if key == "ChannelTitle":
                titles = [title.strip() for title in rest.split("\t")]
            elif key == "ExcelDateTime":
                begun.append(float(rest.split("\t")[0]) * 86400)
        elif line.strip():
            cells = line.split("\t#")[0].split("\t")
            rows.append([begun[-1] - begun[0] if begun else 0.0, *map(float, cells[: len(titles) + 1])])
    values = np.array(rows)
    found_columns = {
        f"acquisition/{_plain(f'{entry.name}_{title}')}/data": values[:, number + 2] for number, title in enumerate(titles)
    }
    series = next(iter(found_columns)).removesuffix("/data")
    seconds = values[:, 0] + values[:, 1]
    slack = 0.51 * float(np.median(np.diff(seconds)))
    return Columns(files=(_one(entry),), columns=found_columns, times={series: seconds}, slack=slack)


def read_encoder(entry: Any, known: Mapping[str, Said]) -> Columns:  # noqa: ARG001
    """A log of numbers, by the number or the name of its columns."""
    source = entry.source
    if source.wraps_at is not None or source.units["time"] not in SECONDS or _one(entry).suffix.lower() == ".xlsx":
        raise NotReadError("a counter that begins again, a time of day, or a workbook")
    lines = [line for line in _one(entry).read_text(encoding=source.encoding or "utf-8-sig").splitlines() if line.strip()]
    delimiter = next((sign for sign in "\t;," if sign in lines[0]), None)
    cells = [[cell.strip() for cell in line.split(delimiter)] for line in lines]
    names = cells.pop(0) if source.header == "first line" else [str(number + 1) for number in range(len(cells[0]))]
    if not all(name in names for name in source.columns.values()):
        raise NotReadError("a column that is not called so to the letter")
    columns = {key: np.array([float(row[names.index(name)]) for row in cells]) for key, name in source.columns.items()}
    series = {key: f"acquisition/{entry.name}/{key}" for key in columns if key not in {"time", "date"}}
    return Columns(
        files=(_one(entry),),
        columns={f"{path}/data": columns[key] for key, path in series.items()},
        times={next(iter(series.values())): columns["time"] * SECONDS[source.units["time"]]},
    )


def read_spikes(entry: Any, known: Mapping[str, Said]) -> Columns:
    """A unit and a time a spike, counted from the start of a recording of one sweep."""
    source = entry.source
    if source.columns is None or source.of is None or set(source.columns) != {"unit", "time"} or source.labels is not None:
        raise NotReadError("units in columns of their own, or without their recording")
    recording = known.get(source.of.name)
    if not isinstance(recording, Lines) or len(recording.starts) != 1:
        raise NotReadError("a recording of several sweeps")
    path = _one(entry)
    if path.suffix.lower() == ".npz":
        arrays = np.load(path, allow_pickle=False)
        units, times = (np.ravel(arrays[source.columns[key]]) for key in ("unit", "time"))
    elif path.suffix.lower() == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = list(csv.DictReader(lines))
        units, times = (
            np.array([row[source.columns["unit"]].strip() for row in rows]),
            np.array([float(row[source.columns["time"]]) for row in rows]),
        )
    else:
        raise NotReadError("a table of another kind")
    if source.unit == "samples":
        seconds = (times.astype(np.float64) - (source.first_sample or 0)) / recording.rate
    else:
        seconds = times.astype(np.float64) * SECONDS[source.unit]
    named = [str(one) for one in units.tolist()]
    order = list(dict.fromkeys(named))
    split = [seconds[np.array(named) == unit] for unit in order]
    place = f"units:{entry.name}"
    return Columns(
        files=(path,),
        columns={f"{place}/unit_name": order, f"{place}/spike_times_index": np.cumsum([len(one) for one in split])},
        times={f"{place}/spike_times": np.concatenate(split) + float(recording.starts[0])},
    )


def _table(entry: Any) -> list[dict[str, str]]:
    source = entry.source
    if getattr(source, "header", "first line") != "first line" or _one(entry).suffix.lower() == ".xlsx":
        raise NotReadError("a workbook, or a table without names")
    text = _one(entry).read_text(encoding=source.encoding or "utf-8-sig")
    first = text.split("\n", 1)[0]
    delimiter = next((sign for sign in "\t;," if sign in first), ",")
    return [
        {(k or "").strip(): (v or "").strip() for k, v in row.items()}
        for row in csv.DictReader(text.splitlines(), delimiter=delimiter)
    ]


def _numbers(rows: list[dict[str, str]], column: str) -> Floats:
    if not all(column in row for row in rows):
        raise NotReadError("a column that is not called so to the letter")
    return np.array([float(row[column]) if row[column] else np.nan for row in rows])


def read_glial_events(entry: Any, known: Mapping[str, Said]) -> Columns:  # noqa: ARG001
    """A lab's table of events: frames of the movie, and numbers of each."""
    source, rows = entry.source, _table(entry)
    if source.unit != "frames" or source.of is None or "duration" in source.columns or getattr(source, "rows", None):
        raise NotReadError("events whose times are no frames")
    place = f"events/{entry.name}"
    onset = _numbers(rows, source.columns["onset"]) - source.first_frame
    spans = {}
    if "end" in source.columns:
        spans[f"{place}/duration"] = (onset, _numbers(rows, source.columns["end"]) - source.first_frame + 1)
    columns = {}
    if "amplitude" in source.columns:
        columns[f"{place}/peak_amplitude"] = _numbers(rows, source.columns["amplitude"])
    if "area" in source.columns:
        scale = Quantity.parse(f"1 {source.units['area']}").to("um^2")
        columns[f"{place}/area_in_um2"] = _numbers(rows, source.columns["area"]) * scale
    return Columns(files=(_one(entry),), columns=columns, frames={f"{place}/timestamp": onset}, spans=spans)


def read_pulse_table(entry: Any, known: Mapping[str, Said]) -> Pulses:  # noqa: ARG001
    """Pulses in rows: onset, and duration or end, in units of time."""
    source = entry.source
    rows = [row for row in _table(entry) if all(row.get(name) == value for name, value in source.rows.items())]
    used = source.columns.model_dump(exclude_none=True)
    units = source.units.model_dump(exclude_none=True)
    if "frames" in units.values() or not rows:
        raise NotReadError("pulses by frames, or none by the letter of what is stated")
    onsets = _numbers(rows, used["onset"]) * SECONDS[units["onset"]]
    if source.width is not None:
        durations = np.full(len(onsets), source.width.to("s"))
    elif "offset" in used:
        durations = _numbers(rows, used["offset"]) * SECONDS[units["offset"]] - onsets
    else:
        durations = _numbers(rows, used["duration"]) * SECONDS[units["duration"]]
    power = _numbers(rows, used["power"]) * Quantity.parse(f"1 {units['power']}").to("W") if "power" in used else None
    command = _numbers(rows, used["command"]) if "command" in used else None
    return Pulses(
        files=(_one(entry),), onsets=onsets, durations=durations, command=command, power=power, unit=units.get("command", "")
    )


def read_tdms(entry: Any, known: Mapping[str, Said]) -> Columns:  # noqa: ARG001
    """Channels of a TDMS file as npTDMS reads and scales them itself."""
    from nptdms import TdmsFile

    if getattr(entry.source, "only", None):
        raise NotReadError("some of the channels")
    with TdmsFile.open(_one(entry)) as file:
        channels = [(group.name, channel.name, np.asarray(channel[:])) for group in file.groups() for channel in group.channels()]
    names = [channel for _, channel, _ in channels]
    if len(set(names)) != len(names) or not all(values.dtype.kind in "iuf" for _, _, values in channels):
        raise NotReadError("channels of one name in several groups, or digital lines")
    return Columns(
        files=(_one(entry),),
        scaled={f"acquisition/{_plain(f'{entry.name}_{name}')}/data": values.astype(np.float64) for _, name, values in channels},
    )
