"""What a person must say of light: where it was given, with what, and how strong it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from bergmann.errors import SourceError
from bergmann.findings import Finding, Severity
from bergmann.optogenetics._accounts import confirm_light
from bergmann.optogenetics.power import Calibrated, Polynomial, power_of, read_curve
from bergmann.records import LightPulses
from bergmann.registry import Confirmation, Entry
from bergmann.stated import Collections, DateOrUnknown, Device, Length, Names, Power, Quantity, Stated, Unknown

_VISIBLE = (300.0, 1700.0)  # nm: from ultraviolet uncaging to three-photon excitation
_SAME_LIGHT = 1.0  # nm: a nominal wavelength is rounded to this
_STRONG = 0.2  # W at the tissue: ten times what is given through a fibre, and above what two-photon excitation uses


class Coordinates(Stated):
    """Stereotactic place of a fibre; anterior, right and up are positive.

    With `depth` it is where the fibre entered, without it is where its tip was: NWB has fields for the first only.

    Attributes
    ----------
    reference : str
        Where the coordinates are zero, e.g. ``bregma``.
    ap, ml, dv : Length
        If `side` is stated, `ml` may be the distance from the midline without a sign.
    depth : Length, optional
        How far the fibre was driven in from where it entered.
    yaw, pitch, roll : Quantity, optional
        Angles of the insertion, as in `ndx_ophys_devices.FiberInsertion`.
    side : {"left", "right"}, optional
    """

    reference: str
    ap: Length
    ml: Length
    dv: Length | None = None
    depth: Length | None = None
    yaw: Quantity | None = None
    pitch: Quantity | None = None
    roll: Quantity | None = None
    side: Literal["left", "right"] | None = None

    @model_validator(mode="after")
    def _sides_agree(self) -> Coordinates:
        if self.side == "right" and self.ml.value < 0:
            raise ValueError(f"`ml: {self.ml}` is left of the midline, and `side: right` is stated")
        for name in ("yaw", "pitch", "roll"):
            angle = getattr(self, name)
            if angle is not None:
                angle.to("degree")
        return self

    @property
    def ml_in_mm(self) -> float:
        """Distance to the right of the midline, negative on the left."""
        ml = self.ml.to("mm")
        return -abs(ml) if self.side == "left" else ml


class LightSite(Stated):
    """Where light was given, through what, and what it acted on.

    Attributes
    ----------
    location : str
        Where the light arrived, as an atlas calls it.
    effector : str
        What it acted on, e.g. ``ChR2``; ``unknown`` if the laboratory does not know.
    laser, fibre : str
        Names of entries of ``devices``.
    population : str, optional
        Name of an entry of ``populations``: the cells that have the effector.
    compartment : str, optional
        Part of them that the light arrived at, e.g. ``axon``.
    vector : str, optional
        Name of an entry of ``vectors``: what brought the effector.
    wavelength : Length or "unknown", optional
        The laser's if not stated.
    software : str, optional
        Name of the software that gave the light.
    coordinates : Coordinates, optional
        Of the fibre.
    description : str, optional
    """

    location: str
    effector: str
    laser: Annotated[str, Names("devices")]
    fibre: Annotated[str, Names("devices")] | None = None
    population: Annotated[str, Names("populations")] | None = None
    compartment: str | None = None
    vector: Annotated[str, Names("vectors")] | None = None
    wavelength: Length | Unknown | None = None
    software: str | None = None
    coordinates: Coordinates | None = None
    description: str | None = None

    @field_validator("wavelength")
    @classmethod
    def _above_zero(cls, wavelength: Quantity | str | None) -> Quantity | str | None:
        if isinstance(wavelength, Quantity) and wavelength.value <= 0:
            raise ValueError(f"`{wavelength}` is no wavelength; expected one such as `473 nm`")
        return wavelength


class Calibration(Stated):
    """A measurement of power against command: a table in a file, or a polynomial that was fitted to one.

    Attributes
    ----------
    file_path : Path, optional
        Two columns, the command and the power measured at it.
    polynomial : tuple of float, optional
        Coefficients, the constant first: ``[0.1, 2.5]`` is 0.1 + 2.5 x.
    from_, to : Quantity, optional
        The commands between which the polynomial was measured; it says nothing outside.
    input, output : str
        Units of command and power, e.g. ``V`` and ``mW``.
    measured_at : str
        Where the power was measured, e.g. ``fibre tip``.
    date : date or "unknown"
    device : str, optional
        Name of an entry of ``devices``: the laser that was measured.
    """

    file_path: Path | None = None
    polynomial: tuple[float, ...] | None = Field(default=None, min_length=2)
    from_: Quantity | None = Field(default=None, alias="from")
    to: Quantity | None = None
    input: str
    output: str
    measured_at: str
    date: DateOrUnknown
    device: Annotated[str, Names("devices")] | None = None

    @model_validator(mode="after")
    def _units(self) -> Calibration:
        Quantity.parse(f"1 {self.input}")
        try:
            Quantity.parse(f"1 {self.output}").to("W")
        except ValueError as error:
            raise ValueError(f"`output: {self.output}` is no unit of power; expected one such as mW") from error
        return self

    @model_validator(mode="after")
    def _one_way(self) -> Calibration:
        if (self.file_path is None) == (self.polynomial is None):
            raise ValueError("a calibration is a table (`file_path`) or a `polynomial`; state one of them")
        ends = (self.from_, self.to)
        if self.polynomial is None and ends != (None, None):
            raise ValueError("`from` and `to` are for a `polynomial`; a table says itself what was measured")
        if self.polynomial is not None:
            if self.from_ is None or self.to is None:
                raise ValueError(
                    f"`polynomial` needs `from` and `to`, the commands between which it holds, such as `from: 0 {self.input}`"
                )
            if self.from_.to(self.input) >= self.to.to(self.input):
                raise ValueError(f"`from: {self.from_}` is not below `to: {self.to}`")
        return self

    def curve(self, name: str = "") -> Calibrated:
        """What turns a command into power.

        Parameters
        ----------
        name : str
            What a polynomial is called; a table has the name of its file.

        Raises
        ------
        SourceError
            If the file is missing or is no calibration, or the polynomial is one of no laser: it falls, or is below 0.
        """
        if self.polynomial is not None and self.from_ is not None and self.to is not None:
            return Polynomial.checked(
                name,
                self.polynomial,
                (self.from_.to(self.input), self.to.to(self.input)),
                command_unit=self.input,
                power_unit=self.output,
            )
        if self.file_path is None:
            raise SourceError(f"{name}: neither `file_path` nor `polynomial` is stated")
        return read_curve(self.file_path, command_unit=self.input, power_unit=self.output)


Given = Literal["widths", "levels"]


class AccountStated(Stated):
    """What is said of another account of light: a plan, a protocol, a second line.

    Attributes
    ----------
    gives : tuple of {"widths", "levels"}
        What is taken from this account where the light itself has it, too: the widths of its pulses (its line only triggers the
        stimulator), the levels of the command (its line only says when). Default: nothing.
    """

    gives: tuple[Given, ...] = ()

    @field_validator("gives", mode="before")
    @classmethod
    def _one_or_several(cls, gives: object) -> object:
        return (gives,) if isinstance(gives, str) else gives


class LightStated(Stated):
    """What is said of a source of light pulses.

    Attributes
    ----------
    site : str
        Name of an entry of ``light_sites``.
    calibration : str, optional
        Name of an entry of ``calibrations`` that turns the command into power.
    power : Power or "unknown", optional
        Of every pulse, where neither the source nor a calibration says it.
    sham : bool
        Whether the light was kept from the tissue (a blocked path, an unplugged fibre): the pulses are written with power 0, and
        marked.
    description : str, optional
    """

    site: Annotated[str, Names("light_sites")]
    calibration: Annotated[str, Names("calibrations")] | None = None
    power: Power | Unknown | None = None
    sham: bool = False
    description: str | None = None

    @model_validator(mode="after")
    def _no_light(self) -> LightStated:
        if self.sham and (self.calibration is not None or self.power == "unknown"):
            said = "calibration" if self.calibration is not None else "power"
            raise ValueError(f"`sham: true` says that no light arrived; leave `{said}` out")
        if self.sham and isinstance(self.power, Quantity) and self.power.value != 0:
            raise ValueError(f"`sham: true` and `power: {self.power}`: which is true? No light arrives where its path is blocked")
        return self

    @field_validator("power")
    @classmethod
    def _not_negative(cls, power: Quantity | str | None) -> Quantity | str | None:
        if isinstance(power, Quantity) and power.value < 0:
            raise ValueError(f"`{power}` is below 0; state the power at the tissue, 0 mW for sham light, or `unknown`")
        return power


def wavelength_of(site: LightSite, laser: Device | None) -> Quantity | Literal["unknown"] | None:
    """Wavelength of the light at a site: the site's, else its laser's; None if neither states one."""
    if site.wavelength is not None:
        return site.wavelength
    return laser.wavelength if laser is not None else None


def laser_of(site: LightSite, collections: Collections) -> Device | None:
    """The laser of a site as stated; None if its name is not among the devices."""
    laser = collections.get("devices", {}).get(site.laser)
    return laser if isinstance(laser, Device) else None


def resolve_power(record: LightPulses, stated: LightStated, collections: Collections) -> tuple[NDArray[np.float64], str]:
    """Watts of each pulse, shape (n_pulses,), and how they are known; see `bergmann.optogenetics.power.power_of`.

    Raises
    ------
    SourceError
        If nothing says the power, two say different ones, the calibration is no calibration, or a command is outside of it.
    """
    if stated.sham:
        return np.zeros(len(record.times)), "0, since the light was kept from the tissue (sham), as stated"
    calibration = collections["calibrations"][stated.calibration] if stated.calibration is not None else None
    measured = calibration if isinstance(calibration, Calibration) else None
    power, how = power_of(
        record,
        stated=stated.power if isinstance(stated.power, Quantity) else None,
        is_unknown=stated.power == "unknown",
        curve=measured.curve(stated.calibration or "") if measured is not None else None,
    )
    if measured is not None:
        how += f" (calibration of {measured.date}, measured at {measured.measured_at})"
    return power, how


def check_light(entry: Entry[LightPulses, LightStated], collections: Collections) -> Iterator[Finding]:
    """What is missing of the light, and what cannot be: wavelength, power.

    A record that is None (pulses of a channel, before its values are read) leaves out what needs the pulses.
    """
    site = collections.get("light_sites", {}).get(entry.stated.site)
    if isinstance(site, LightSite):
        yield from _check_wavelength(entry.record, site, laser_of(site, collections))
        yield from _check_effector(site)
        yield from _check_calibration(entry.record, entry.stated, site, collections)
    if not any(isinstance(one, LightPulses) and one.power is not None for one in entry.accounts):
        yield from _check_power(entry.record, entry.stated, collections)


def _check_wavelength(record: LightPulses | None, site: LightSite, laser: Device | None) -> Iterator[Finding]:
    stated = wavelength_of(site, laser)
    if stated is None:
        yield _finding(
            "error", "gap", "site", "no wavelength of its light", f"state `wavelength: 473 nm` for the laser {site.laser}"
        )
    if isinstance(stated, Quantity) and not _VISIBLE[0] <= stated.to("nm") <= _VISIBLE[1]:
        yield _finding("error", "light", "site", f"light of {stated} is not used for stimulation", "are the units right?")
    if record is None:
        return
    try:
        agreed_wavelength(record, stated)
    except SourceError as error:
        yield _finding("error", "conflict", "site", str(error))


def _check_effector(site: LightSite) -> Iterator[Finding]:
    if site.effector == "unknown":
        yield _finding("note", "unknown", "site", "the effector of this light is stated as unknown")


def _check_calibration(
    record: LightPulses | None, stated: LightStated, site: LightSite, collections: Collections
) -> Iterator[Finding]:
    """A calibration can be read, and one that says which laser was measured is of the laser of the site.

    Where the pulses are known, what is wrong with its file is said by their power.
    """
    calibration = collections.get("calibrations", {}).get(stated.calibration or "")
    if not isinstance(calibration, Calibration):
        return
    try:
        if record is None:
            calibration.curve(stated.calibration or "")
    except SourceError as error:
        yield _finding("error", "light", "calibration", str(error))
    if calibration.device is not None and calibration.device != site.laser:
        message = f"{stated.calibration} was measured of {calibration.device}, and the laser of {stated.site} is {site.laser}"
        yield _finding("error", "conflict", "calibration", message, "name the calibration of this laser")


def _check_power(record: LightPulses | None, stated: LightStated, collections: Collections) -> Iterator[Finding]:
    if stated.sham:
        return
    if (record is None or record.power is None) and stated.power is None and stated.calibration is None:
        yield _finding("error", "gap", "power", "nothing says the power of the light", "state `power:` or `calibration:`")
        return
    if record is None or (stated.calibration is not None and stated.calibration not in collections.get("calibrations", {})):
        return  # a dangling reference is reported by the plan
    try:
        power, _ = resolve_power(record, stated, collections)
    except SourceError as error:
        yield _finding("error", "light", "calibration" if stated.calibration else "power", str(error))
        return
    if (power > _STRONG).any():
        message = f"light of {power.max() * 1000:g} mW, more than tissue is given"
        yield _finding("warning", "light", "power", message, "is the unit right, and is this the power at the tissue?")


def agreed_wavelength(record: LightPulses, stated: Quantity | Literal["unknown"] | None) -> float:
    """Wavelength of the pulses in nm, which the source and the person may both state; NaN if unknown.

    Raises
    ------
    SourceError
        If a pulse has another wavelength than the site: a site has one.
    """
    site = stated.to("nm") if isinstance(stated, Quantity) else float("nan")
    if record.wavelength is None or not len(record.wavelength):
        return site
    pulses = record.wavelength * 1e9
    expected = float(pulses[0]) if np.isnan(site) else site
    wrong = np.flatnonzero(np.abs(pulses - expected) > _SAME_LIGHT)
    if len(wrong):
        index = int(wrong[0])
        raise SourceError(
            f"pulse {index + 1} has light of {pulses[index]:g} nm, and the site {expected:g} nm; give each wavelength a site of "
            "its own, and choose its pulses with `rows:`"
        )
    return expected


def _finding(severity: Severity, check: str, location: str, message: str, remedy: str = "") -> Finding:
    return Finding(severity=severity, check=check, location=location, message=message, remedy=remedy)


def light_names(entry: Any) -> Iterator[tuple[str, str]]:
    """The series of power, and the table of pulses."""
    yield "stimulus", entry.name
    yield "intervals", f"{entry.name}_pulses"


STATED = {LightPulses: LightStated}
CONFIRMS = {LightPulses: Confirmation(AccountStated, confirm_light)}
NAMES = {LightPulses: light_names}
COLLECTIONS = {"light_sites": LightSite, "calibrations": Calibration}
CHECKS = {LightPulses: check_light}
