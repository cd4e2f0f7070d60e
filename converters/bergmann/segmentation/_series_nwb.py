"""The series of a movie that something was found in."""

from __future__ import annotations

from typing import Any

from pynwb.ophys import TwoPhotonSeries

from bergmann.registry import Placed
from bergmann.stated import Ref


def series_of(of: Ref[Any], placed: Placed) -> TwoPhotonSeries:
    """The series of the channel that is named, else of the first."""
    series = placed.get("sources", of.name)
    return next((one for one in series if one.name == f"{of.name}_ch{of.part}"), series[0])
