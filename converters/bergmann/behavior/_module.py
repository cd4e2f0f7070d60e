"""The processing module that analysts look for behaviour in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pynwb import NWBFile


def behavior_module(nwbfile: NWBFile) -> Any:
    """The processing module ``behavior``, made when it is first needed."""
    if "behavior" not in nwbfile.processing:
        nwbfile.create_processing_module(name="behavior", description="Behaviour: pose and assays")
    return nwbfile.processing["behavior"]
