"""Light that no laser gives is found, and light that one gives is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.validate.nwb_files import add_light, check_file, make_nwbfile


def findings(tmp_path: Path, **light: Any) -> list[str]:
    nwbfile = make_nwbfile()
    add_light(nwbfile, **light)
    return [f"{one.check} {one.location}: {one.message}" for one in check_file(nwbfile, tmp_path) if one.check.startswith("light_")]


def test_a_plausible_power_is_not_found(tmp_path: Path) -> None:
    assert findings(tmp_path, watts=[0.0, 0.005, 0.0, 0.005]) == []


@pytest.mark.parametrize(("watts", "shown"), [(5000.0, "5000"), (-0.1, "-0.1"), (np.nan, "nan")])
def test_a_power_that_no_laser_has_is_found(tmp_path: Path, watts: float, shown: str) -> None:
    assert findings(tmp_path, watts=[0.0, 0.005, watts, 0.0]) == [
        f"light_power_plausible file.nwb:/stimulus/presentation/light: its power is {shown} W at sample 2; expected 0 to 1 W"
    ]
