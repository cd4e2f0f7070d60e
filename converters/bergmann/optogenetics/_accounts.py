"""Several accounts of the same light, compared pulse by pulse: what agrees is one light, what does not is said with its times.

The light that is written keeps its own times. An account of it says what it does not know: power, wavelength, the level of a
command; widths and levels in place of its own only where a person says so (a line that only triggers the stimulator).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bergmann.errors import SourceError
from bergmann.findings import Finding, Severity
from bergmann.records import LightPulses
from bergmann.registry import Confirmed, Entry
from bergmann.stated import Quantity
from bergmann.timing.accounts import Matching, match_by_shift, match_in_order
from bergmann.timing.fit import ClockFit

if TYPE_CHECKING:
    from bergmann.optogenetics.stated import AccountStated, LightStated

_EXACT = 1e-6  # s: times of a source without a sampling clock are equal if they differ by no more than this
_SAME_ONSET = 1e-3  # s: onsets further apart than this, and than two samples, are said
_SAME_SHARE = 0.05  # widths and levels within this share are the same: edges are slow, and recorded levels wander
_SAME_POWER = 0.01
_SHOWN = 5


@dataclass(frozen=True)
class _Pair:
    """The light, another account of it, and which of their pulses are the same; times are on the session's clock."""

    light: Entry[LightPulses, LightStated]
    account: Entry[LightPulses, AccountStated]
    matching: Matching

    @property
    def names(self) -> tuple[str, str]:
        """What the account and the light are called."""
        return self.account.name, self.light.name

    @property
    def tolerance(self) -> float:
        """Within which two widths are the same by the resolution of both, in seconds: an edge each may be a sample off."""
        return max(_EXACT, 2.01 * (self.light.record.resolution + self.account.record.resolution))

    @property
    def onsets(self) -> NDArray[np.float64]:
        """Onsets of the pulses of both, as the light has them, shape (n_pairs,), in seconds."""
        return self.light.record.times.seconds[self.matching.recorded]

    @property
    def is_marked(self) -> NDArray[np.bool_]:
        """Which pulses of the light are in the account, shape (n_pulses,)."""
        marks = np.zeros(len(self.light.record.times), dtype=np.bool_)
        marks[self.matching.recorded] = True
        return marks

    def over_light(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values of the account's pulses at the light's, shape (n_pulses,); NaN where the account has no pulse."""
        spread = np.full(len(self.light.record.times), np.nan)
        spread[self.matching.recorded] = values[self.matching.planned]
        return spread


def confirm_light(
    light: Entry[LightPulses, LightStated], account: Entry[LightPulses, AccountStated], *, is_placed: bool
) -> Confirmed:
    """Compare the light that is written with another account of it.

    Parameters
    ----------
    light, account : Entry
        The light on the session's clock.
    is_placed : bool
        Whether the account is on the session's clock; else it is put there by the one shift at which most pulses are the same.

    Returns
    -------
    Confirmed
        The light with the pulses that the account has marked, and with power, wavelength and command where only the account has
        them. Pulses that are in one account only, and widths and levels that differ, are warnings.

    Raises
    ------
    SourceError
        If the account was recorded and the light was not; if fewer than half of the account's pulses are in the light, or nobody
        knows which; if both say the power, and two different ones; if the light is stated to have its widths or levels from an
        account that lacks some of its pulses.
    """
    if account.record.is_recorded and not light.record.is_recorded:
        raise SourceError(
            f"{account.name} was recorded and {light.name} was not ({light.record.basis}): what was recorded is written. State "
            f"`site` for {account.name}, and `confirms: {account.name}` for {light.name}"
        )
    matching = _matched(light, account, is_placed=is_placed)
    placed = account.record if is_placed else account.record.aligned(matching.shift)
    pair = _Pair(light, replace(account, record=placed), matching)
    findings = tuple(_differences(pair))
    return Confirmed(record=_merged(pair), account=placed, fit=None if is_placed else _fit(pair), findings=findings)


def _matched(light: Entry[LightPulses, LightStated], account: Entry[LightPulses, AccountStated], *, is_placed: bool) -> Matching:
    planned, recorded = account.record.times.seconds, light.record.times.seconds
    if is_placed:
        matching = match_in_order(planned, recorded)
        if 2 * len(matching) >= len(planned):
            return matching
        raise SourceError(
            f"{len(matching)} of its {len(planned)} pulses are in {light.name}, which has {len(recorded)}"
            f"{_shift_hint(planned, recorded)}. Is it of the same light, and is its start right?"
        )
    try:
        return match_by_shift(planned, recorded)
    except SourceError as error:
        raise SourceError(
            f"which pulses of {light.name} are which of its own is not known: {error}. State when it started, such as `starts: "
            "first pulse of daq/Trigger` or `starts: 12.1 s after daq`, if it is of the same light"
        ) from error


def _shift_hint(planned: NDArray[np.float64], recorded: NDArray[np.float64]) -> str:
    try:
        better = match_by_shift(planned, recorded)
    except SourceError:
        return ""
    return f"; {better.shift:+.4f} s later {len(better)} would be"


def _fit(pair: _Pair) -> ClockFit:
    deviations = np.abs(pair.matching.deviations)
    return ClockFit(
        method=f"the one shift at which most of its pulses are those of {pair.light.name}",
        offset=pair.matching.shift,
        reference=pair.light.name,
        n_pulses=len(pair.light.record.times),
        n_events=len(pair.account.record.times),
        residual=float(deviations.max()),
        residual_median=float(np.median(deviations)),
        residual_most=float(np.percentile(deviations, 95)),
    )


# --- what differs -----------------------------------------------------------------------------------------------------


def _differences(pair: _Pair) -> Iterator[Finding]:
    matching, (account, light) = pair.matching, pair.names
    n_planned, n_recorded = len(pair.account.record.times), len(pair.light.record.times)
    if len(matching.missing):
        times = pair.account.record.times.seconds[matching.missing]
        message = f"{account} has {n_planned} pulses, {light} {n_recorded}; missing in {light}: {_at(times)}"
        yield _finding("warning", message, f"the {n_recorded} pulses of {light} are written: were these not given?")
    if len(matching.extra):
        times = pair.light.record.times.seconds[matching.extra]
        message = f"{account} has {n_planned} pulses, {light} {n_recorded}; not in {account}: {_at(times)}"
        yield _finding("warning", message, f"they are written, as all of {light}: is it light, or noise on the line?")
    yield from _other_widths(pair)
    yield from _other_levels(pair)
    yield from _other_onsets(pair)


def _other_onsets(pair: _Pair) -> Iterator[Finding]:
    deviations = np.abs(pair.matching.deviations)
    if deviations.max() > max(_SAME_ONSET, pair.tolerance):
        light = pair.light.name
        where = pair.onsets[int(deviations.argmax())]
        message = f"onsets differ from those of {light} by up to {deviations.max() * 1000:.3g} ms (at {where:.3f} s)"
        yield _finding("note", message, f"those of {light} are written")


def _other_widths(pair: _Pair) -> Iterator[Finding]:
    account, light = pair.names
    planned = pair.account.record.durations[pair.matching.planned]
    recorded = pair.light.record.durations[pair.matching.recorded]
    wrong = np.abs(planned - recorded) > np.maximum(pair.tolerance, _SAME_SHARE * np.maximum(planned, recorded))
    if wrong.any() and "widths" not in pair.account.stated.gives:
        first = int(np.flatnonzero(wrong)[0])
        message = (
            f"the widths of {int(wrong.sum())} of {len(planned)} pulses differ: {_width(planned[first])} in {account}, "
            f"{_width(recorded[first])} in {light}, at {_at(pair.onsets[wrong])}"
        )
        remedy = f"those of {light} are written; if its line only triggers the light, state `gives: widths` for {account}"
        yield _finding("warning", message, remedy)


def _other_levels(pair: _Pair) -> Iterator[Finding]:
    account, light = pair.names
    levels = _levels_in_unit(pair)
    own = pair.light.record.command
    if levels is None or own is None or "levels" in pair.account.stated.gives:
        return
    planned, recorded = levels[pair.matching.recorded], own[pair.matching.recorded]
    wrong = np.abs(planned - recorded) > _SAME_SHARE * np.maximum(np.abs(planned), np.abs(recorded))
    if not wrong.any():
        return
    first, unit = int(np.flatnonzero(wrong)[0]), pair.light.record.command_unit
    message = (
        f"the levels of {int(wrong.sum())} of {len(planned)} pulses differ: {planned[first]:.4g} {unit} in {account}, "
        f"{recorded[first]:.4g} {unit} in {light}, at {_at(pair.onsets[wrong])}"
    )
    remedy = f"state `gives: levels` for {account} if the line of {light} is no copy of the command"
    if pair.light.stated.calibration is not None:
        raise SourceError(f"{message}. Which of them does the calibration turn into power? {remedy[0].upper()}{remedy[1:]}")
    yield _finding("warning", message, f"those of {light} are written; {remedy}")


def _levels_in_unit(pair: _Pair) -> NDArray[np.float64] | None:
    """Levels of the account at the light's pulses, in the light's unit; None if either has none, or not in such a unit."""
    levels, unit = pair.account.record.command, pair.light.record.command_unit
    if levels is None or pair.light.record.command is None:
        return None
    try:
        return pair.over_light(levels) * Quantity.parse(f"1 {pair.account.record.command_unit}").to(unit)
    except ValueError:
        return None


def _width(seconds: float) -> str:
    """``"2 ms"``, ``"10 s"``."""
    return f"{seconds:.4g} s" if seconds >= 1 else f"{seconds * 1000:.4g} ms"


def _at(times: NDArray[np.float64]) -> str:
    """``"12.290 s"``, ``"1.000 s, 2.000 s and 40 more"``."""
    shown = ", ".join(f"{time:.3f} s" for time in times[:_SHOWN])
    return shown if len(times) <= _SHOWN else f"{shown} and {len(times) - _SHOWN} more"


def _finding(severity: Severity, message: str, remedy: str) -> Finding:
    return Finding(severity=severity, check="accounts differ", location="", message=message, remedy=remedy)


# --- what is written --------------------------------------------------------------------------------------------------


def _merged(pair: _Pair) -> LightPulses:
    """The light, with what only the account knows."""
    record, other, account = pair.light.record, pair.account.record, pair.account.name
    gives = pair.account.stated.gives
    durations, said = record.durations, [_agreement(pair)]
    if "widths" in gives:
        durations = _complete(pair, pair.over_light(other.durations), "widths")
        said.append(f"widths of {account}, as stated")
    command, unit = record.command, record.command_unit
    if other.command is not None and (command is None or "levels" in gives):
        command, unit = pair.over_light(other.command), other.command_unit
        if "levels" in gives:
            _complete(pair, command, "levels")
        said.append(f"levels of the command of {account}")
    power, power_basis = _power(pair)
    wavelength = record.wavelength
    if wavelength is None and other.wavelength is not None and not len(pair.matching.extra):
        wavelength = pair.over_light(other.wavelength)
    return replace(
        record,
        durations=durations,
        command=command,
        command_unit=unit,
        power=power,
        power_basis=power_basis,
        wavelength=wavelength,
        basis="; ".join([record.basis, *said]),
        confirmed_by={**record.confirmed_by, account: pair.is_marked},
    )


def _complete(pair: _Pair, values: NDArray[np.float64], what: str) -> NDArray[np.float64]:
    """The values, which every pulse of the light must have."""
    account, light = pair.names
    lacking = pair.light.record.times.seconds[np.isnan(values)]
    if len(lacking):
        raise SourceError(
            f"`gives: {what}`, and {account} has no pulse at {_at(lacking)}, where {light} has one. Leave `{what}` out, or mend "
            f"{account}"
        )
    return values


def _power(pair: _Pair) -> tuple[NDArray[np.float64] | None, str]:
    """Watts of each pulse as an account states them, and who says so."""
    record, account = pair.light.record, pair.account.name
    if pair.account.record.power is None:
        return record.power, record.power_basis
    said = pair.over_light(pair.account.record.power)
    if record.power is None:
        return said, f"stated for each pulse by {account}"
    wrong = np.abs(said - record.power) > _SAME_POWER * np.maximum(np.abs(said), np.abs(record.power))
    if wrong.any():
        index = int(np.flatnonzero(wrong)[0])
        raise SourceError(
            f"power of the pulse at {record.times.seconds[index]:.3f} s: {said[index] * 1000:g} mW in {account}, "
            f"{record.power[index] * 1000:g} mW {record.power_basis}; {int(wrong.sum())} of {len(wrong)} pulses differ. Leave out "
            "the one that is wrong"
        )
    return np.where(np.isnan(record.power), said, record.power), record.power_basis


def _agreement(pair: _Pair) -> str:
    """What the account says of the light, as text that stands in the file."""
    account = pair.account.name
    parts = [
        f"{account} ({pair.account.record.basis}) has {len(pair.account.record.times)} pulses, {len(pair.matching)} of them these, "
        f"onsets within {np.abs(pair.matching.deviations).max() * 1000:.3g} ms"
    ]
    if len(pair.matching.missing):
        parts.append(f"missing here {_at(pair.account.record.times.seconds[pair.matching.missing])}")
    if len(pair.matching.extra):
        parts.append(f"not in {account} {_at(pair.light.record.times.seconds[pair.matching.extra])}")
    return ", ".join(parts)
