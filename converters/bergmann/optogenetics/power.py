"""Power of each light pulse: stated by the source, by a calibration of its command, or by the person."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bergmann.disk import why_closed
from bergmann.errors import SourceError
from bergmann.records import LightPulses
from bergmann.stated import Quantity

_AGREE = 0.01
"""Two statements of a power agree within this share: rounding of what a person writes, not a measured uncertainty."""

_ONE_LEVEL = 0.05
"""Commands within this share of each other are one level; a recorded command wanders by noise."""

_HEADER = re.compile(r"^\s*(?P<what>[^()\[\]]*?)\s*[(\[]\s*(?P<unit>[^()\[\]]+?)\s*[)\]]\s*$")


@dataclass(frozen=True, eq=False)
class Curve:
    """Measured power against command.

    Attributes
    ----------
    name : str
        Base name of the file it was read from.
    command : np.ndarray, shape (n_points,), float64
        Strictly rising, in `unit`.
    power : np.ndarray, shape (n_points,), float64
        In watts, never falling.
    unit : str
        Unit of `command`.
    """

    name: str
    command: NDArray[np.float64]
    power: NDArray[np.float64]
    unit: str

    def power_of(self, command: NDArray[np.float64], unit: str) -> NDArray[np.float64]:
        """Watts at the given commands, on straight lines between the measured points.

        Parameters
        ----------
        command : np.ndarray, shape (n,), float64
        unit : str
            Unit of `command`.

        Raises
        ------
        SourceError
            If `unit` is no unit of the measured command, or a command is outside the measured range.
        """
        levels = command * _factor(
            unit, self.unit, f"{self.name}: the calibration is of {self.unit}, the command is in {unit or 'no unit'}"
        )
        _refuse_outside(self.name, levels, (float(self.command[0]), float(self.command[-1])), self.unit)
        watts: NDArray[np.float64] = np.interp(levels, self.command, self.power)
        return watts


@dataclass(frozen=True)
class Polynomial:
    """Power as a polynomial of the command, between the commands that were measured.

    Attributes
    ----------
    name : str
        What it is called where it is stated.
    coefficients : tuple of float
        The constant first, in watts.
    range : tuple of float
        Lowest and highest command that was measured, in `unit`.
    unit : str
        Unit of the command.
    """

    name: str
    coefficients: tuple[float, ...]
    range: tuple[float, float]
    unit: str

    @classmethod
    def checked(
        cls, name: str, coefficients: Sequence[float], measured: tuple[float, float], *, command_unit: str, power_unit: str
    ) -> Polynomial:
        """The polynomial, if it can be one of a laser.

        Raises
        ------
        SourceError
            If power falls with rising command, or is below 0, between the measured commands.
        """
        to_watts = _factor(power_unit, "W", f"{name}: `{power_unit}` is no unit of power; expected one such as mW")
        made = cls(name, tuple(one * to_watts for one in coefficients), measured, command_unit)
        commands = np.linspace(*measured, 1001)
        watts = made.watts(commands)
        slack = 1e-9 * np.abs(watts).max()
        for wrong, what in (
            (np.diff(watts, prepend=watts[0]) < -slack, "falls while the command rises"),
            (watts < -slack, "is below 0"),
        ):
            if wrong.any():
                at = commands[int(np.flatnonzero(wrong)[0])]
                raise SourceError(
                    f"{name}: power by the polynomial {what} at {at:g} {command_unit}; is the constant first, and are `from` and "
                    "`to` what was measured?"
                )
        return made

    def watts(self, command: NDArray[np.float64]) -> NDArray[np.float64]:
        """Watts at commands in the polynomial's unit, shape (n,)."""
        return np.asarray(np.polynomial.polynomial.polyval(command, self.coefficients), dtype=np.float64)

    def power_of(self, command: NDArray[np.float64], unit: str) -> NDArray[np.float64]:
        """Watts at the given commands; as `Curve.power_of`."""
        levels = command * _factor(
            unit, self.unit, f"{self.name}: the calibration is of {self.unit}, the command is in {unit or 'no unit'}"
        )
        _refuse_outside(self.name, levels, self.range, self.unit)
        return np.maximum(self.watts(levels), 0.0)


Calibrated = Curve | Polynomial


def _refuse_outside(name: str, levels: NDArray[np.float64], measured: tuple[float, float], unit: str) -> None:
    """Refuse commands outside of what was measured."""
    outside = np.flatnonzero((levels < measured[0]) | (levels > measured[1]))
    if len(outside):
        index = int(outside[0])
        raise SourceError(
            f"{name}: measured from {measured[0]:g} to {measured[1]:g} {unit}, and pulse {index + 1} is "
            f"commanded at {levels[index]:g} {unit} ({len(outside)} of {len(levels)} pulses are outside). Measure the "
            "laser there, or state `power:` for this source without `calibration:`"
        )


def read_curve(path: Path, *, command_unit: str, power_unit: str) -> Curve:
    """Read a calibration: two columns, the command and the power measured at it.

    A first line of names may carry units, as in ``command (V),power (mW)``; they must be the stated ones.

    Parameters
    ----------
    path : Path
        CSV or TSV, one point a line.
    command_unit, power_unit : str
        As stated, e.g. ``"V"`` and ``"mW"``.

    Raises
    ------
    SourceError
        If the file is missing or is not two columns of numbers; if its units are not the stated ones; if fewer than two points
        were measured; if a command occurs twice, or the commands are in no order; if power falls with rising command.
    """
    header, rows = _two_columns(path)
    if header:
        _units_agree(path, header, (command_unit, power_unit))
    points = np.array(rows, dtype=np.float64)
    if len(points) < 2:
        raise SourceError(f"{path.name}: {len(points)} measured points; a calibration needs at least 2")
    if points[0, 0] > points[-1, 0]:
        points = points[::-1]
    if not (np.diff(points[:, 0]) > 0).all():
        raise SourceError(f"{path.name}: the commands neither rise nor fall from line to line; is this one measurement series?")
    if (np.diff(points[:, 1]) < 0).any() or (points[:, 1] < 0).any():
        raise SourceError(f"{path.name}: power falls while the command rises, or is below 0; are the two columns exchanged?")
    to_watts = _factor(power_unit, "W", f"{path.name}: `{power_unit}` is no unit of power; expected one such as mW")
    return Curve(path.name, points[:, 0], points[:, 1] * to_watts, command_unit)


def power_of(
    record: LightPulses, *, stated: Quantity | None, is_unknown: bool, curve: Calibrated | None
) -> tuple[NDArray[np.float64], str]:
    """Watts of each pulse, and how they are known.

    Parameters
    ----------
    record : LightPulses
    stated : Quantity or None
        Power that the person states for all pulses.
    is_unknown : bool
        Whether the person states that the power is unknown.
    curve : Curve or Polynomial or None
        Calibration of the command.

    Returns
    -------
    np.ndarray, shape (n_pulses,), float64
        In watts; NaN where the person states that it is unknown.
    str
        E.g. ``"stated"``.

    Raises
    ------
    SourceError
        If nothing says the power, if two say different ones, or if one power is stated for pulses of several levels.
    """
    if record.is_varying and (stated is not None or curve is not None):
        raise SourceError(
            "the level of the light changes within its pulses, so that no one power is true of a pulse; state `power: unknown`. "
            "The recorded command stands in the file"
        )
    ways: list[tuple[str, NDArray[np.float64]]] = []
    if record.power is not None:
        ways.append((record.power_basis, record.power))
    if curve is not None:
        ways.append((f"command through the calibration {curve.name}", _through(curve, record)))
    if stated is not None:
        if not ways:
            _one_level(record, stated)
        ways.append(("stated for all pulses", np.full(len(record.times), stated.to("W"))))
    if is_unknown:
        if ways:
            raise SourceError(f"`power: unknown` is stated, and the power is {ways[0][0]}; leave out one of the two")
        return np.full(len(record.times), np.nan), "unknown (stated as unknown)"
    if not ways:
        raise SourceError("nothing says the power of the light; state `power:` (or `power: unknown`) or `calibration:`")
    (how, power), *others = ways
    for other, watts in others:
        _agree(how, power, other, watts)
        power = np.where(np.isnan(power), watts, power)  # pulses that another account of the light does not have
    return power, how


def _through(curve: Calibrated, record: LightPulses) -> NDArray[np.float64]:
    if record.command is None:
        raise SourceError(
            f"a calibration ({curve.name}) is stated, and the source has no command levels; leave it out, or state `power:`"
        )
    return curve.power_of(record.command, record.command_unit)


def _one_level(record: LightPulses, stated: Quantity) -> None:
    levels = None if record.command is None else record.command[~np.isnan(record.command)]
    if levels is None or len(levels) < 2:
        return
    low, high = float(levels.min()), float(levels.max())
    if high - low > _ONE_LEVEL * max(abs(low), abs(high)):
        raise SourceError(
            f"`power: {stated}` is one power, and the pulses are commanded at {low:g} to {high:g} {record.command_unit}; "
            "state `calibration:` instead, or `power: unknown`"
        )


def _agree(how: str, power: NDArray[np.float64], other: str, watts: NDArray[np.float64]) -> None:
    wrong = np.flatnonzero(np.abs(power - watts) > _AGREE * np.maximum(np.abs(power), np.abs(watts)))
    if len(wrong):
        index = int(wrong[0])
        raise SourceError(
            f"power of pulse {index + 1}: {power[index] * 1000:g} mW ({how}) against {watts[index] * 1000:g} mW ({other}); "
            f"{len(wrong)} of {len(power)} pulses differ. Leave out the one that is wrong"
        )


def _factor(unit: str, wanted: str, message: str) -> float:
    """What a number in `unit` is multiplied with to be in `wanted`."""
    if unit == wanted:
        return 1.0
    try:
        return Quantity.parse(f"1 {unit}").to(wanted)
    except ValueError as error:
        raise SourceError(message) from error


def _two_columns(path: Path) -> tuple[Sequence[str], list[tuple[float, float]]]:
    """The header (empty if there is none) and the numbers of a calibration."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise SourceError(
            f"{path.name}: there is no such calibration file; its path is relative to the file that states it"
        ) from error
    except PermissionError as error:
        raise SourceError(f"{path.name}: {why_closed(error)}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{path.name}: not a readable text file ({error}); save the calibration as CSV in UTF-8") from error
    first = text.split("\n", 1)[0]
    delimiter = next((sign for sign in "\t;," if sign in first), ",")
    lines = [(number, row) for number, row in enumerate(csv.reader(io.StringIO(text), delimiter=delimiter), start=1) if any(row)]
    header: Sequence[str] = ()
    if lines and not _is_number(lines[0][1][0]):
        header = lines.pop(0)[1]
    rows: list[tuple[float, float]] = []
    for number, row in lines:
        if len(row) != 2 or not all(_is_number(cell) for cell in row):
            raise SourceError(f"{path.name}, line {number}: {delimiter.join(row)!r}; expected two numbers, a command and its power")
        rows.append((float(row[0]), float(row[1])))
    return header, rows


def _is_number(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False


def _units_agree(path: Path, header: Sequence[str], stated: tuple[str, str]) -> None:
    for name, unit in zip(header, stated, strict=False):
        match = _HEADER.match(name)
        if not match:
            continue
        found = match["unit"]
        ratio = _factor(found, unit, f"{path.name}: column {name!r} is in {found}; {unit} is stated for it")
        if ratio != 1.0:
            raise SourceError(f"{path.name}: column {name!r} is in {found}; {unit} is stated for it. State {found}")
