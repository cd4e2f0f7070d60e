"""The session that the contract shows converts as it stands, with raw files of the simulated rig."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from pynwb import NWBHDF5IO

from bergmann.convert import convert_session
from bergmann.rig.simulate import simulate_target

CONTRACT = Path(__file__).resolve().parents[3] / "shared" / "session"


def test_the_contracts_session_converts_as_it_stands(tmp_path: Path) -> None:
    if not CONTRACT.is_dir():
        pytest.skip("needs ../shared/session, which is absent here")
    folder = tmp_path / "BG042"
    folder.mkdir()
    for name in ("session.yaml", "lab.yaml", "arm-shrna.yaml"):
        shutil.copyfile(CONTRACT / name, folder / name)
    truth = simulate_target(folder)
    done = convert_session(folder / "session.yaml", tmp_path / "dandiset")
    assert done.is_good, "\n".join(finding.text for finding in done.findings)
    assert done.target is not None
    with NWBHDF5IO(done.target, "r") as file:
        nwbfile = file.read()
        assert nwbfile.session_start_time.isoformat() == "2024-05-17T10:30:57+09:00"
        assert nwbfile.subject.age == "P79D"
        assert "Not recorded: pupil (camera not running)." in nwbfile.notes
        movie = nwbfile.acquisition["movie_ch1"]
        assert movie.data.shape == (38_400, 32, 16)
        np.testing.assert_allclose(movie.timestamps[:], truth.frame_times, atol=truth.fitted_error)
        rois = nwbfile.processing["ophys"]["Fluorescence"]["rois_raw"]
        assert rois.data.shape[0] == 38_400  # frames 6001 to 44400 of the joined run
        joined = np.load(folder / "suite2p" / "plane0" / "F.npy")
        np.testing.assert_array_equal(rois.data[:], joined[:, 6000:44400].T)
        assert len(nwbfile.intervals["light_pulses"]) == len(truth.pulse_times)
        (drift,) = nwbfile.invalid_times.to_dataframe().itertuples()
        np.testing.assert_allclose(
            [drift.start_time, drift.stop_time], [truth.frame_times[0] + 21 * 60, truth.frame_times[0] + 22.5 * 60], atol=2e-3
        )
        assert list(drift.tags) == ["z_drift", "focus lost", "of movie", "of rois"]
        capsaicin = nwbfile.events["drug_administrations"].to_dataframe().iloc[0]
        assert (capsaicin["timestamp"], capsaicin["timestamp_uncertainty"]) == (603.0, 30.0)
        assert capsaicin["vehicle"] == "0.9 % saline"
