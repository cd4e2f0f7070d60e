"""Settings of Pulse Pal, from the files in which they are kept.

``ParameterMatrix``, the cell array that the program for MATLAB saves: a setting a row, named in its first column, a channel in each
of the next four, and the modes of the two trigger channels in the last two; the same as a table (CSV, TSV, XLSX); the structure
``PulsePalSystem.Params`` of MATLAB and the attributes of the object in Python as JSON: a list a setting; and the file on the card
of Pulse Pal 2 itself (``.pps``; `SaveCurrentProgram2SD` of its firmware), in cycles and in 65536 steps from -10 to 10 V.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bergmann.errors import SourceError
from bergmann.matlab import read_variables
from bergmann.stimulators.program import CYCLE, Custom, Mode, Output
from bergmann.tables import number, read_cells, read_table, read_text

_NAMES = {
    "isbiphasic": "is_biphasic",
    "phase1voltage": "phase1_voltage",
    "phase2voltage": "phase2_voltage",
    "restingvoltage": "resting_voltage",
    "phase1duration": "phase1_duration",
    "interphaseinterval": "inter_phase_interval",
    "phase2duration": "phase2_duration",
    "interpulseinterval": "inter_pulse_interval",
    "burstduration": "burst_duration",
    "burstinterval": "inter_burst_interval",
    "interburstinterval": "inter_burst_interval",
    "stimulustrainduration": "train_duration",
    "pulsetrainduration": "train_duration",
    "stimulustraindelay": "train_delay",
    "pulsetraindelay": "train_delay",
    "respondstotriggerch1": "link1",
    "linktriggerchannel1": "link1",
    "respondstotriggerch2": "link2",
    "linktriggerchannel2": "link2",
    "usescustomtrain": "custom_train",
    "customtrainid": "custom_train",
    "customstimtarget": "custom_target",
    "customtraintarget": "custom_target",
    "customstimloop": "custom_loop",
    "customtrainloop": "custom_loop",
}
_MODES: tuple[Mode, ...] = ("normal", "toggle", "gated")
_CARD = struct.Struct("<" + "8IB3H3B" * 4 + "5B5BB")


@dataclass(frozen=True)
class Program:
    """Settings of all channels.

    Attributes
    ----------
    outputs : tuple of Output
        Of the four output channels.
    modes : tuple of {"normal", "toggle", "gated"}
        Of the two trigger channels.
    remark : str
        What the file does not say, and what is taken for it.
    """

    outputs: tuple[Output, ...]
    modes: tuple[Mode, ...]
    remark: str = ""


def read_program(path: Path) -> Program:
    """Read the settings.

    Raises
    ------
    SourceError
        If the file holds none, or not all of them.
    MissingExtraError
        For a MATLAB file of version 5 to 7, if SciPy is not installed, or a workbook, if its reader is not.
    """
    suffix = path.suffix.lower()
    try:
        if suffix == ".pps":
            return _of_card(path)
        if suffix == ".mat":
            return _of_matlab(path)
        if suffix == ".json":
            return _of_lists(path, _loaded(path))
        return _of_matrix(path, read_cells(path))
    except (TypeError, ValueError) as error:
        raise SourceError(f"{path.name}: a setting of Pulse Pal is no number ({error})") from error


def read_custom(path: Path) -> Custom:
    """Read a custom train: a table of its onsets in seconds (``time``) and its voltages (``voltage``).

    Raises
    ------
    SourceError
        If it has not these columns, or a cell is no number.
    """
    table = read_table(path)
    onsets, volts = (
        [number(cell, where=table.where(name), line=line) for cell, line in zip(table.cells(name), table.lines, strict=True)]
        for name in ("time", "voltage")
    )
    return Custom(onsets, volts)


def _plain(label: object) -> str:
    """A label without what is in brackets behind it, as `_NAMES` has it."""
    return re.sub(r"[^a-z0-9]", "", str(label).split("(")[0].lower())


def _of_matlab(path: Path) -> Program:
    found = read_variables(path)
    matrix = found.get("ParameterMatrix")
    if isinstance(matrix, np.ndarray) and matrix.dtype == object and matrix.ndim == 2:
        return _of_matrix(path, [[_one(cell) for cell in row] for row in matrix])
    structs = [one for value in found.values() for one in (value, value.get("Params") if isinstance(value, dict) else None)]
    for one in structs:
        if isinstance(one, dict) and "Phase1Duration" in one:
            return _of_lists(path, {name: np.ravel(value).tolist() for name, value in one.items() if isinstance(value, np.ndarray)})
    raise SourceError(f"{path.name}: neither `ParameterMatrix` nor a structure of Pulse Pal's settings; it has: {', '.join(found)}")


def _one(cell: Any) -> Any:
    """The number in a cell, its text, or nothing."""
    return cell if isinstance(cell, str) or cell is None else np.ravel(cell).tolist()[0]


def _of_matrix(path: Path, rows: Sequence[Sequence[Any]]) -> Program:
    """Settings by row, with the channels in the columns behind their names."""
    settings: dict[str, list[float]] = {}
    modes: list[float] = []
    for row in rows:
        name = _NAMES.get(_plain(row[0])) if row else None
        if name is not None and len(row) >= 5:
            settings[name] = [float(cell) for cell in row[1:5]]
        at = next((index for index, cell in enumerate(row) if _plain(cell) == "triggermode"), None)
        if at is not None:
            modes = [float(cell) for cell in row[at + 1 : at + 3]]
    return _program(path, settings, modes)


def _loaded(path: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise SourceError(f"{path.name}: no whole JSON ({error}); expected settings of Pulse Pal") from error
    if not isinstance(found, dict):
        raise SourceError(f"{path.name}: no settings by their names; expected a list of four for each")
    return found


def _of_lists(path: Path, found: Mapping[str, Any]) -> Program:
    """Settings by name, each a list: of the four channels, or, as in Python, of five, the first of them empty."""
    lists = {_plain(name): list(value) for name, value in found.items() if isinstance(value, list)}
    settings = {
        _NAMES[name]: [float(one) for one in value[-4:]] for name, value in lists.items() if name in _NAMES and len(value) in (4, 5)
    }
    return _program(path, settings, [float(one) for one in lists.get("triggermode", [])[-2:]])


def _of_card(path: Path) -> Program:
    content = path.read_bytes()
    if len(content) != _CARD.size or content[-1] != 252:
        raise SourceError(f"{path.name}: {len(content)} bytes; expected the {_CARD.size} of a settings file of Pulse Pal 2")
    values = _CARD.unpack(content)
    channels = [values[start : start + 15] for start in range(0, 60, 15)]
    times = (
        "phase1_duration",
        "inter_phase_interval",
        "phase2_duration",
        "inter_pulse_interval",
        "burst_duration",
        "inter_burst_interval",
        "train_duration",
        "train_delay",
    )
    settings = {name: [one[index] * CYCLE for one in channels] for index, name in enumerate(times)}
    settings["is_biphasic"] = [float(one[8]) for one in channels]
    for index, name in enumerate(("phase1_voltage", "phase2_voltage", "resting_voltage"), start=9):
        settings[name] = [_volts(one[index]) for one in channels]
    for index, name in enumerate(("custom_train", "custom_target", "custom_loop"), start=12):
        settings[name] = [float(one[index]) for one in channels]
    settings["link1"], settings["link2"] = list(values[61:65]), list(values[66:70])
    return _program(path, settings, [values[60], values[65]])


def _volts(steps: int) -> float:
    """The voltage of a register, to the millivolt: the programs round up to the next of 65535 steps, each of 0.3 mV."""
    return round(steps / 65535 * 20 - 10, 3)


def _program(path: Path, settings: Mapping[str, Sequence[float]], modes: Sequence[float]) -> Program:
    rests = "resting_voltage" in settings  # files of the first programs have no such row
    settings = settings if rests else {**settings, "resting_voltage": [0.0] * 4}
    missing = [name for name in dict.fromkeys(_NAMES.values()) if name not in settings]
    if missing or len(modes) != 2:
        what = ", ".join(name.replace("_", " ") for name in (missing or ["trigger mode"]))
        raise SourceError(f"{path.name}: no {what} in it; expected all settings of the four channels of Pulse Pal")
    if any(mode not in (0, 1, 2) for mode in modes):
        raise SourceError(f"{path.name}: trigger modes {modes}; expected 0 (normal), 1 (toggle) or 2 (gated)")
    return Program(
        tuple(_output({name: values[channel] for name, values in settings.items()}) for channel in range(4)),
        tuple(_MODES[int(mode)] for mode in modes),
        "" if rests else "the file states no resting voltage: 0 V, at which Pulse Pal rests unless told otherwise",
    )


def _output(of: Mapping[str, float]) -> Output:
    taken = {"is_biphasic", "custom_train", "custom_target", "custom_loop", "link1", "link2"}
    plain: dict[str, Any] = {name: float(value) for name, value in of.items() if name not in taken}
    return Output(
        **plain,
        is_biphasic=bool(of["is_biphasic"]),
        links=(bool(of["link1"]), bool(of["link2"])),
        custom_train=int(of["custom_train"]),
        custom_target=int(of["custom_target"]),
        custom_loop=bool(of["custom_loop"]),
    )
