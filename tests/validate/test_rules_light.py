"""Light that no laser gives, and accounts of one light that differ, are found; light as it should be is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .nwb_files import add_light, add_light_of_all_kinds, check_file, make_nwbfile

ONSETS = np.concatenate([1 + 0.05 * np.arange(5), 3 + 0.05 * np.arange(5)])
EDGES = np.column_stack([ONSETS, ONSETS, ONSETS + 0.01, ONSETS + 0.01]).ravel()
WATTS = np.tile([0.0, 0.01, 0.01, 0.0], 10)


def series_of(tmp_path: Path, **light: Any) -> list[str]:
    nwbfile = make_nwbfile()
    add_light(nwbfile, **light)
    return [f"{one.check} {one.location}: {one.message}" for one in check_file(nwbfile, tmp_path)]


def found_in(tmp_path: Path, **changed: Any) -> dict[str, str]:
    nwbfile = make_nwbfile()
    add_light_of_all_kinds(nwbfile, **changed)
    return {one.check: f"{one.location.removeprefix('file.nwb:/')}: {one.message}" for one in check_file(nwbfile, tmp_path)}


def test_a_plausible_power_is_not_found(tmp_path: Path) -> None:
    assert series_of(tmp_path, watts=[0.0, 0.005, 0.0, 0.005]) == []


@pytest.mark.parametrize(("watts", "shown"), [(5000.0, "5000"), (-0.1, "-0.1"), (np.nan, "nan"), (np.inf, "inf")])
def test_a_power_that_no_laser_has_is_found(tmp_path: Path, watts: float, shown: str) -> None:
    assert series_of(tmp_path, watts=[0.0, 0.005, watts, 0.0]) == [
        f"light_power_plausible file.nwb:/stimulus/presentation/light: its power is {shown} W at sample 2; expected 0 to 1 W"
    ]


def test_a_power_of_microwatts_is_doubted(tmp_path: Path) -> None:
    (found,) = series_of(tmp_path, watts=[0.0, 1e-5, 0.0])
    assert "its greatest power is 1e-05 W; expected at least 2e-05 W" in found


def test_accounts_that_agree_are_not_found(tmp_path: Path) -> None:
    assert found_in(tmp_path) == {}


def test_light_of_unknown_power_is_not_found(tmp_path: Path) -> None:
    watts = np.where(WATTS > 0, np.nan, 0.0)
    assert found_in(tmp_path, power=np.nan, series=(EDGES, watts)) == {}


@pytest.mark.parametrize(
    ("changed", "check", "message"),
    [
        ({"power": [10.0] * 9 + [np.nan]}, "light_power_plausible", "intervals/light_pulses: its power is nan mW at row 9"),
        ({"epochs": {"power_in_mW": -5.0}}, "light_power_plausible", "intervals/optogenetic_epochs: its power is -5 mW at row 0"),
        ({"power": 0.0}, "light_power_plausible", "the power of all 10 pulses is 0 mW"),
        (
            {"site": {"excitation_lambda": 4.73e-7}},
            "light_wavelength_in_nm",
            "general/optogenetics/site: its excitation_lambda is 4.73e-07",
        ),
        ({"wavelength": 0.473}, "light_wavelength_in_nm", "wavelength_in_nm is 0.473 in row 0 (10 rows)"),
        ({"wavelength": 561.0}, "light_accounts_agree", "pulse 0 has 561 nm, and its site site 473 nm"),
        (
            {"opsin": "eNpHR3.0"},
            "light_opsin_wavelength",
            "eNpHR3.0 is lit with 473 nm; expected 530 to 650 or 800 to 1200 nm",
        ),
        ({"site": {"excitation_lambda": 635.0}}, "light_opsin_wavelength", "ChR2 is lit with 635 nm"),
        ({"epochs": {"pulse_length_in_ms": 60.0}}, "light_pulse_within_period", "pulse_length_in_ms is 60 in row 0"),
        ({"epochs": {"pulse_length_in_ms": 0.01}}, "light_pulse_within_period", "pulse_length_in_ms is 0.01 in row 0"),
        (
            {"durations": [0.01] * 3 + [0.07] + [0.01] * 6},
            "light_pulse_within_period",
            "pulse 3 stops at 1.22 s and pulse 4 starts at 1.2 s",
        ),
        (
            {"epochs": {"stop_time": 1.15}},
            "light_train_within_epoch",
            "in row 0 (at 1 s) its train lasts 0.21 s, and the epoch 0.15 s",
        ),
        ({"onsets": np.delete(ONSETS, 2)}, "light_pulse_count", "it counts 5 pulses, and 4 are listed in its time, none at 1.1 s"),
        ({"onsets": np.sort([*ONSETS, 1.125])}, "light_pulse_count", "it counts 5 pulses, and 6 are listed"),
        ({"epochs": {"number_pulses_per_pulse_train": 6}}, "light_pulse_count", "it counts 6 pulses, and 5 are listed"),
        (
            {"series": (EDGES[4:], WATTS[4:])},
            "light_accounts_agree",
            "it has 9 pulses, and light_pulses has 10: they differ, first at 1 s",
        ),
        ({"series": (EDGES + 0.005, WATTS)}, "light_accounts_agree", "begins at 1.005 s, and in light_pulses at 1 s"),
        ({"series": (EDGES, WATTS / 2)}, "light_accounts_agree", "pulse 0 has 5 mW, and in light_pulses 10 mW"),
        (
            {"series": (np.append(0, EDGES), np.append(0, WATTS))},
            "light_accounts_agree",
            "it begins with a sample of 0 W at 0 s, 1 s before",
        ),
        ({"series": (EDGES[WATTS > 0], WATTS[WATTS > 0])}, "light_accounts_agree", "it has no zero at the edges of its pulses"),
        ({"site": {"location": "unknown"}}, "light_site_described", "its location is 'unknown'"),
        ({"series": ((), ())}, "light_core_and_extension", "there is no core OptogeneticSeries"),
        ({"durations": 600.0, "epochs": {"stop_time": 700.0}}, "light_energy_plausible", "pulse 0 has 6 J; expected less than 5"),
    ],
)
def test_a_strange_light_is_found(tmp_path: Path, changed: dict[str, Any], check: str, message: str) -> None:
    assert message in found_in(tmp_path, **changed)[check]


def test_a_site_that_nothing_lights_is_found(tmp_path: Path) -> None:
    from pynwb.ogen import OptogeneticStimulusSite

    nwbfile = make_nwbfile()
    add_light_of_all_kinds(nwbfile)
    nwbfile.add_ogen_site(
        OptogeneticStimulusSite(
            name="other", device=nwbfile.devices["laser"], description="d", excitation_lambda=473.0, location="cerebellum"
        )
    )
    (found,) = check_file(nwbfile, tmp_path)
    assert (found.check, found.location) == ("light_site_used", "file.nwb:/general/optogenetics/other")
