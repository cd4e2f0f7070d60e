"""Light whose power nobody knows is no light for an archive; the same file as a draft has NaN, and a row that says so."""

from __future__ import annotations

import h5py
import numpy as np

from bergmann.convert import convert_session
from bergmann.plan.resolve import make_plan
from bergmann.validate.needs import check_file, check_plan

from .conftest import Folder
from .ledger_walk import without_origin


def test_unknown_power_is_refused_by_the_archive_and_kept_by_the_draft(folder: Folder) -> None:
    folder.state("power: 5 mW", "power: unknown")
    keys = [one.location.partition(" ")[2] for one in check_plan(make_plan(folder.session))]
    assert keys == ["experimenter", "institution", "sources.light.power"]
    refused = convert_session(folder.session, folder.out, profile="archive")
    assert (refused.result, refused.target) == ("refused", None)
    assert not folder.out.exists()

    done = convert_session(folder.session, folder.out)
    assert done.target is not None
    with h5py.File(done.target, "r") as file:
        assert np.isnan(file["intervals/light_pulses/power_in_mW"][:]).all()
        rows = file["general/bergmann_conversion/statements"]
        (row,) = np.flatnonzero(rows["path"].asstr()[:] == "intervals/light_pulses/power_in_mW")
        assert (rows["key"].asstr()[row], rows["kind"].asstr()[row]) == ("sources.light.power", "unknown")
    places = [one.location.partition(":/")[2] for one in check_file(done.target)]
    assert places == ["general/experimenter", "general/institution", "intervals/light_pulses/power_in_mW"]
    assert without_origin(done.target) == []
