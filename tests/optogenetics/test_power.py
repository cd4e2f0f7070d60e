"""Power of light: by calibration, by statement, never by guess."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from bergmann.errors import SourceError
from bergmann.optogenetics.channel import LightChannel
from bergmann.optogenetics.power import power_of, read_curve
from bergmann.optogenetics.stated import Calibration, LightSite, LightStated, check_light, resolve_power
from bergmann.records import LightPulses
from bergmann.registry import Entry
from bergmann.stated import Device, Quantity
from bergmann.timing.times import ExplicitTimes

CURVE = "command (V),power (mW)\n0,0\n1,2\n5,10\n"


def light(n: int, **more: Any) -> LightPulses:
    return LightPulses(
        files=(Path("daq.h5"),), times=ExplicitTimes(np.arange(float(n))), durations=np.full(n, 0.1), basis="recorded", **more
    )


def curve(folder: Path, content: str = CURVE, power_unit: str = "mW") -> Any:
    path = folder / "laser.csv"
    path.write_text(content, encoding="utf-8")
    return read_curve(path, command_unit="V", power_unit=power_unit)


def test_between_measured_points_power_is_on_a_straight_line(tmp_path: Path) -> None:
    assert curve(tmp_path).power_of(np.array([0, 0.5, 1, 3, 5]), "V") == pytest.approx([0, 0.001, 0.002, 0.006, 0.010])


@pytest.mark.parametrize("content", ["0,0\n1,2\n5,10\n", "5;10\n1;2\n0;0\n", "V\tmW\n0\t0\n1\t2\n5\t10\n\n"])
def test_header_order_and_delimiter_do_not_matter(content: str, tmp_path: Path) -> None:
    assert curve(tmp_path, content).power_of(np.array([3.0]), "V") == pytest.approx([0.006])


def test_outside_the_measured_range_nothing_is_said(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"laser\.csv: measured from 0 to 5 V, and pulse 2 is commanded at 5\.5 V \(1 of 2"):
        curve(tmp_path).power_of(np.array([1.0, 5.5]), "V")
    with pytest.raises(SourceError, match="the calibration is of V, the command is in pA"):
        curve(tmp_path).power_of(np.array([1.0]), "pA")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("command (V),power (W)\n0,0\n1,2\n", r"column 'power \(W\)' is in W; mW is stated for it"),
        ("command (A),power (mW)\n0,0\n1,2\n", r"column 'command \(A\)' is in A; V is stated"),
        ("0,0\n", "1 measured points"),
        ("0,0\n2,1\n1,2\n", "neither rise nor fall"),
        ("0,0\n1,1\n1,2\n", "neither rise nor fall"),
        ("0,5\n1,2\n", "power falls while the command rises"),
        ("0,0\n1,2,3\n", r"laser\.csv, line 2: '1,2,3'; expected two numbers"),
        ("0,0\n1,\n", "line 2"),
    ],
)
def test_what_is_no_calibration_is_refused(content: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=message):
        curve(tmp_path, content)


def test_a_missing_calibration_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"none\.csv: there is no such calibration file"):
        read_curve(tmp_path / "none.csv", command_unit="V", power_unit="mW")


def test_what_agrees_is_one_power_and_what_does_not_is_refused(tmp_path: Path) -> None:
    record = light(2, power=np.array([0.002, 0.006]), command=np.array([1.0, 3.0]), command_unit="V")
    power, how = power_of(record, stated=None, is_unknown=False, curve=curve(tmp_path))
    assert power.tolist() == [0.002, 0.006]
    assert how == "stated for each pulse by the source"
    with pytest.raises(SourceError, match=r"power of pulse 2: 6 mW .* against 2 mW \(stated for all pulses\); 1 of 2 "):
        power_of(record, stated=Quantity.parse("2 mW"), is_unknown=False, curve=None)


def test_one_power_is_not_true_of_several_levels() -> None:
    record = light(3, command=np.array([1.0, 2.0, 3.0]), command_unit="V")
    with pytest.raises(SourceError, match="the pulses are commanded at 1 to 3 V; state `calibration:` instead"):
        power_of(record, stated=Quantity.parse("2 mW"), is_unknown=False, curve=None)
    noisy = light(3, command=np.array([4.95, 5.0, 5.05]), command_unit="V")
    assert power_of(noisy, stated=Quantity.parse("2 mW"), is_unknown=False, curve=None)[0].tolist() == [0.002] * 3


def test_nothing_known_is_a_gap_and_unknown_is_a_statement() -> None:
    with pytest.raises(SourceError, match="nothing says the power of the light"):
        power_of(light(1), stated=None, is_unknown=False, curve=None)
    assert np.isnan(power_of(light(1), stated=None, is_unknown=True, curve=None)[0]).all()
    with pytest.raises(SourceError, match="`power: unknown` is stated, and the power is stated for each pulse"):
        power_of(light(1, power=np.array([1.0])), stated=None, is_unknown=True, curve=None)


# --- what is checked before anything is written -----------------------------------------------------------------------


def findings(record: LightPulses, site: Any = None, laser: Any = None, **says: Any) -> list[tuple[str, str, str]]:
    stated = LightStated.model_validate({"site": "lc", **says})
    source = LightChannel.model_validate({"of": "daq/Laser"})
    collections = {
        "light_sites": {"lc": LightSite.model_validate({"location": "LC", "effector": "ChR2", "laser": "blue", **(site or {})})},
        "devices": {"blue": Device.model_validate({"wavelength": "473 nm"} if laser is None else laser)},
    }
    found = check_light(Entry(name="light", record=record, stated=stated, source=source), collections)
    return [(finding.severity, finding.check, finding.location) for finding in found]


def test_complete_light_has_no_finding() -> None:
    assert findings(light(2), power="5 mW") == []


@pytest.mark.parametrize(
    ("site", "laser", "says", "expected"),
    [
        (None, {}, {"power": "5 mW"}, ("error", "gap", "site")),
        (None, None, {}, ("error", "gap", "power")),
        ({"wavelength": "0.473 nm"}, None, {"power": "5 mW"}, ("error", "light", "site")),
        (None, None, {"power": "5000 W"}, ("warning", "light", "power")),
        ({"effector": "unknown"}, None, {"power": "5 mW"}, ("note", "unknown", "site")),
    ],
)
def test_gaps_and_impossible_light_are_found(site: Any, laser: Any, says: Any, expected: tuple[str, str, str]) -> None:
    assert findings(light(2), site, laser, **says) == [expected]


def test_a_pulse_of_another_wavelength_is_another_site() -> None:
    assert findings(light(2, wavelength=np.array([473e-9, 593e-9])), power="5 mW") == [("error", "conflict", "site")]
    assert findings(light(2, wavelength=np.array([473e-9, 473e-9])), power="5 mW") == []


@pytest.mark.parametrize("says", [{"power": "5"}, {"power": "-1 mW"}, {"power": "5 V"}])
def test_power_is_a_quantity_of_power(says: Any) -> None:
    with pytest.raises(ValidationError):
        LightStated.model_validate({"site": "lc", **says})


def test_a_calibration_gives_power() -> None:
    says = {"file_path": "laser.csv", "input": "V", "output": "mA", "measured_at": "fibre tip", "date": "unknown"}
    with pytest.raises(ValidationError, match="`output: mA` is no unit of power"):
        Calibration.model_validate(says)
    assert Calibration.model_validate({**says, "output": "mW"}).date == "unknown"


def test_a_calibration_of_another_laser_is_refused(tmp_path: Path) -> None:
    (tmp_path / "laser.csv").write_text(CURVE, encoding="utf-8")
    keys = {"file_path": tmp_path / "laser.csv", "input": "V", "output": "mW", "measured_at": "fibre tip", "date": "unknown"}
    site = LightSite.model_validate({"location": "LC", "effector": "ChR2", "laser": "blue"})
    entry = Entry(
        name="light",
        record=light(1, command=np.array([1.0]), command_unit="V"),
        stated=LightStated(site="lc", calibration="of_red"),
        source=LightChannel.model_validate({"of": "daq/Laser"}),
    )
    collections = {
        "light_sites": {"lc": site},
        "devices": {"blue": Device.model_validate({"wavelength": "473 nm"})},
        "calibrations": {"of_red": Calibration.model_validate({**keys, "device": "red"})},
    }
    (finding,) = check_light(entry, collections)
    assert finding.message == "of_red was measured of red, and the laser of lc is blue"
    collections["calibrations"] = {"of_red": Calibration.model_validate({**keys, "device": "blue"})}
    assert list(check_light(entry, collections)) == []


# --- polynomials, sham, ramps -----------------------------------------------------------------------------------------

FITTED: dict[str, Any] = {
    "polynomial": ["0", "2", "0.5"], "from": "0 V", "to": "4 V", "input": "V", "output": "mW", "measured_at": "fibre tip",
    "date": "2024-05-02",
}  # fmt: skip


def test_a_polynomial_gives_power_between_the_commands_that_were_measured() -> None:
    fitted = Calibration.model_validate(FITTED).curve("laser")
    record = light(3, command=np.array([0.0, 1000.0, 4000.0]), command_unit="mV")
    power, how = power_of(record, stated=None, is_unknown=False, curve=fitted)
    assert power == pytest.approx([0.0, 0.0025, 0.016])
    assert how == "command through the calibration laser"
    with pytest.raises(SourceError, match=r"laser: measured from 0 to 4 V, and pulse 1 is commanded at 4\.1 V"):
        power_of(light(1, command=np.array([4.1]), command_unit="V"), stated=None, is_unknown=False, curve=fitted)
    with pytest.raises(SourceError, match="the calibration is of V, the command is in no unit"):
        power_of(light(1, command=np.array([1.0])), stated=None, is_unknown=False, curve=fitted)


@pytest.mark.parametrize(
    ("says", "message"),
    [
        ({"polynomial": ["1", "-2"]}, "power by the polynomial falls while the command rises"),
        ({"polynomial": ["-1", "2"]}, "power by the polynomial is below 0 at 0 V"),
    ],
)
def test_a_polynomial_that_is_of_no_laser_is_refused(says: Any, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        Calibration.model_validate({**FITTED, **says}).curve("laser")


@pytest.mark.parametrize(
    ("says", "message"),
    [
        ({"file_path": "laser.csv"}, "state one of them"),
        ({"polynomial": None}, "state one of them"),
        ({"from": None}, "`polynomial` needs `from` and `to`"),
        ({"from": "5 V"}, "`from: 5 V` is not below `to: 4 V`"),
        ({"polynomial": None, "file_path": "laser.csv"}, "are for a `polynomial`"),
        ({"polynomial": ["1"]}, "at least 2"),
    ],
)
def test_a_polynomial_is_stated_whole(says: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Calibration.model_validate({**FITTED, **says})


def test_the_date_of_a_calibration_is_told_with_the_power() -> None:
    collections = {"calibrations": {"laser": Calibration.model_validate(FITTED)}}
    record = light(1, command=np.array([1.0]), command_unit="V")
    _, how = resolve_power(record, LightStated(site="lc", calibration="laser"), collections)
    assert how == "command through the calibration laser (calibration of 2024-05-02, measured at fibre tip)"


def test_sham_light_has_no_power_whatever_was_commanded() -> None:
    record = light(3, command=np.array([5.0, 5.0, 4.0]), command_unit="V")
    power, how = resolve_power(record, LightStated(site="lc", sham=True), {})
    assert power.tolist() == [0.0, 0.0, 0.0]
    assert "sham" in how
    assert findings(record, sham="true") == []
    assert LightStated.model_validate({"site": "lc", "sham": "true", "power": "0 mW"}).sham
    for says in ({"power": "5 mW"}, {"power": "unknown"}, {"calibration": "laser"}):
        with pytest.raises(ValidationError, match="`sham: true`"):
            LightStated.model_validate({"site": "lc", "sham": "true", **says})


def test_no_one_power_is_true_of_a_ramp() -> None:
    record = light(2, is_varying=True)
    with pytest.raises(SourceError, match=r"changes within its pulses.*`power: unknown`"):
        power_of(record, stated=Quantity.parse("5 mW"), is_unknown=False, curve=None)
    with pytest.raises(SourceError, match="changes within its pulses"):
        power_of(record, stated=None, is_unknown=False, curve=Calibration.model_validate(FITTED).curve("laser"))
    assert np.isnan(power_of(record, stated=None, is_unknown=True, curve=None)[0]).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [(None, "laser.csv: there is no such calibration file"), ("V,mW\n0,0\n1,abc\n", "laser.csv, line 3: '1,abc'; expected two")],
)
def test_a_calibration_that_cannot_be_read_is_found_before_the_pulses_are(tmp_path: Path, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / "laser.csv").write_text(text, encoding="utf-8")
    keys = {"file_path": tmp_path / "laser.csv", "input": "V", "output": "mW", "measured_at": "fibre tip", "date": "unknown"}
    collections = {
        "light_sites": {"lc": LightSite.model_validate({"location": "LC", "effector": "ChR2", "laser": "blue"})},
        "devices": {"blue": Device.model_validate({"wavelength": "473 nm"})},
        "calibrations": {"curve": Calibration.model_validate(keys)},
    }
    source = LightChannel.model_validate({"of": "daq/Laser"})
    for record in (None, light(1, command=np.array([1.0]), command_unit="V")):  # at `check`, and at the conversion
        entry = Entry[Any, Any](name="light", record=record, stated=LightStated(site="lc", calibration="curve"), source=source)
        (finding,) = check_light(entry, collections)
        assert (finding.severity, finding.location) == ("error", "calibration")
        assert message in finding.message
