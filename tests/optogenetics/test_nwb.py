"""Light in the written file: series, pulses and epochs say the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pynwb import NWBHDF5IO, NWBFile, validate
from pynwb.file import Subject

from bergmann.errors import SourceError
from bergmann.optogenetics.channel import LightChannel
from bergmann.optogenetics.nwb import add_light, add_light_sites
from bergmann.optogenetics.stated import Calibration, LightSite, LightStated
from bergmann.records import LightPulses
from bergmann.registry import Entry, Placed
from bergmann.stated import Device
from bergmann.timing.times import ExplicitTimes
from bergmann.writing.namespaces import use_one_namespace

Says = Mapping[str, Any]
SITE = {
    "location": "CUL4, 5",
    "effector": "ChR2",
    "laser": "laser_473",
    "population": "lc",
    "compartment": "axon",
    "vector": "opsin",
}
LASER = {"manufacturer": "unknown", "wavelength": "473 nm"}


def light(onsets: Any, durations: Any = 0.005, **more: Any) -> LightPulses:
    times = np.asarray(onsets, dtype=float)
    return LightPulses(
        files=(Path("daq.h5"),), times=ExplicitTimes(times), durations=np.broadcast_to(durations, times.shape).astype(float),
        basis="recorded on daq/LaserCmd", **more,
    )  # fmt: skip


class Room:
    """A session with one laser, its sites and its calibrations."""

    def __init__(
        self,
        nwbfile: NWBFile,
        site: Says = SITE,
        calibration: Calibration | None = None,
        others: Mapping[str, Says] | None = None,
        **devices: Says,
    ) -> None:
        self.nwbfile = nwbfile
        stated = {name: Device.model_validate(one) for name, one in {"laser_473": LASER, **devices}.items()}
        self.placed = Placed(
            stream=lambda array: array[slice(None)],
            collections={
                "devices": stated,
                "light_sites": {
                    name: LightSite.model_validate(one) for name, one in {"lc_terminals": site, **(others or {})}.items()
                },
                "calibrations": {"cal": calibration} if calibration else {},
            },
        )
        add_light_sites(nwbfile, self.placed.collections["light_sites"], self.placed)

    def add(self, record: LightPulses, name: str = "light", **stated: Any) -> None:
        says = LightStated.model_validate({"site": "lc_terminals", **stated})
        source = LightChannel.model_validate({"of": "daq/LaserCmd"})
        add_light(self.nwbfile, Entry(name=name, record=record, stated=says, source=source), self.placed)


@pytest.fixture
def reopened(tmp_path: Path, nwbfile: NWBFile) -> Any:
    """Write the file, give it one top namespace, validate it, and open it again."""
    opened = []

    def reopen() -> NWBFile:
        path = tmp_path / "light.nwb"
        nwbfile.subject = Subject(subject_id="m1", species="Mus musculus", sex="F", age="P70D")
        with NWBHDF5IO(path, "w") as io:
            io.write(nwbfile)
        use_one_namespace(path)
        errors = validate(path=str(path))
        assert not errors, errors
        io = NWBHDF5IO(path, "r")
        opened.append(io)
        return io.read()

    yield reopen
    for io in opened:
        io.close()


def energy_of_series(series: Any) -> float:
    """Joules under a step-wise series: trapezoids of no width at the edges, of equal sides between them."""
    return float(np.trapezoid(series.data[:], series.timestamps[:]))


def energy_of_pulses(table: Any) -> float:
    return float(np.sum((table["stop_time"][:] - table["start_time"][:]) * table["power_in_mW"][:]) / 1000)


def energy_of_epochs(table: Any) -> float:
    n = table["number_pulses_per_pulse_train"][:] * table["number_trains"][:]
    return float(np.sum(n * table["pulse_length_in_ms"][:] * table["power_in_mW"][:]) * 1e-6)


def rising_edges(series: Any) -> NDArray[np.float64]:
    """Times at which the power goes from 0 to more."""
    data, times = series.data[:], series.timestamps[:]
    edges: NDArray[np.float64] = times[1:][(data[:-1] == 0) & ~(data[1:] == 0)]
    return edges


def test_29_pulses_are_29_rows_and_29_rising_edges(nwbfile: NWBFile, reopened: Callable[[], NWBFile]) -> None:
    """0.29 s at 100 Hz: where durations are truncated to counts, 28 are left."""
    onsets = 12.5 + np.arange(29) / 100
    Room(nwbfile).add(light(onsets, 0.002), power="5 mW")
    file = reopened()
    series, pulses, epochs = file.stimulus["light"], file.intervals["light_pulses"], file.intervals["optogenetic_epochs"]
    assert len(pulses) == 29
    assert np.array_equal(rising_edges(series), onsets)
    assert np.array_equal(pulses["start_time"][:], onsets)
    assert np.array_equal(pulses["stop_time"][:], onsets + 0.002)
    assert len(epochs) == 1
    assert epochs["number_pulses_per_pulse_train"][0] == 29
    assert epochs["period_in_ms"][0] == pytest.approx(10)
    assert np.isnan(epochs["intertrain_interval_in_ms"][0])
    energy = 29 * 0.002 * 0.005
    for found in (energy_of_series(series), energy_of_pulses(pulses), energy_of_epochs(epochs)):
        assert found == pytest.approx(energy)


def test_each_pulse_is_a_step(nwbfile: NWBFile, reopened: Callable[[], NWBFile]) -> None:
    Room(nwbfile).add(light([1.0, 2.0], [0.5, 1.0], power=np.array([0.001, 0.003])))
    series = reopened().stimulus["light"]
    assert series.timestamps[:].tolist() == [1, 1, 1.5, 1.5, 2, 2, 3, 3]
    assert series.data[:].tolist() == [0, 0.001, 0.001, 0, 0, 0.003, 0.003, 0]
    assert series.unit == "watts"
    assert "zero at all times that are not listed" in series.description
    assert "Power: stated for each pulse by the source" in series.description


def test_the_tables_name_the_site_and_the_site_its_laser(nwbfile: NWBFile, reopened: Callable[[], NWBFile]) -> None:
    Room(nwbfile).add(light(np.arange(6.0)), power="2 mW")
    file = reopened()
    row = file.intervals["light_pulses"]["optogenetic_sites"][0]
    assert row["effector"].iloc[0].label == "ChR2"
    assert row["excitation_source"].iloc[0] is file.devices["laser_473"]
    assert file.ogen_sites["lc_terminals"].device is file.devices["laser_473"]
    assert file.ogen_sites["lc_terminals"].excitation_lambda == 473
    assert file.stimulus["light"].site is file.ogen_sites["lc_terminals"]
    assert file.intervals["optogenetic_epochs"]["optogenetic_sites"][0]["site"].tolist() == ["lc_terminals"]
    assert "target: axon of lc; effector: ChR2; vector: opsin" in file.ogen_sites["lc_terminals"].description
    assert file.lab_meta_data["optogenetic_experiment_metadata"].stimulation_software == "not stated"


@pytest.mark.parametrize(
    ("onsets", "durations", "powers"),
    [
        ([0, 1.0, 2.3, 3.1, 7.0], [0.01] * 5, [0.001] * 5),  # irregular
        (np.arange(10) / 10, [0.01] * 10, np.linspace(0.001, 0.01, 10)),  # a ramp
        (np.arange(10) / 10, [0.01] * 10, np.zeros(10)),  # sham
        ([3.0], [600.0], [0.001]),  # continuous
    ],
    ids=["irregular", "ramp", "sham", "continuous"],
)
def test_what_no_epoch_row_could_say_truly_has_none(
    onsets: Any, durations: Any, powers: Any, nwbfile: NWBFile, reopened: Callable[[], NWBFile]
) -> None:
    Room(nwbfile).add(light(onsets, durations, power=np.array(powers)))
    file = reopened()
    assert "optogenetic_epochs" not in file.intervals
    assert len(file.intervals["light_pulses"]) == len(onsets)
    assert energy_of_series(file.stimulus["light"]) == pytest.approx(energy_of_pulses(file.intervals["light_pulses"]))


def test_two_sources_share_one_table_of_epochs(nwbfile: NWBFile, reopened: Callable[[], NWBFile]) -> None:
    room = Room(nwbfile)
    room.add(light(np.arange(5.0)), power="2 mW")
    room.add(light(100 + np.arange(3) / 20), "strong", power="8 mW")
    file = reopened()
    assert file.intervals["optogenetic_epochs"]["power_in_mW"][:].tolist() == [2, 8]
    assert len(file.intervals["light_pulses"]) == 5
    assert len(file.intervals["strong_pulses"]) == 3


def test_epochs_of_two_sources_are_in_the_order_of_their_time(nwbfile: NWBFile, reopened: Callable[[], NWBFile]) -> None:
    room = Room(nwbfile)
    room.add(light([2.0, 2.1, 2.2, 8.0, 8.05, 8.1]), power="5 mW")
    room.add(light([0.5, 0.6, 0.7, 4.0, 4.2, 4.4], 0.02), name="other", power="3 mW")
    epochs = reopened().intervals["optogenetic_epochs"]
    assert epochs["start_time"][:].tolist() == [0.5, 2.0, 4.0, 8.0]
    assert epochs["power_in_mW"][:] == pytest.approx([3, 5, 3, 5])
    assert epochs["pulse_length_in_ms"][:] == pytest.approx([20, 5, 20, 5])
    assert epochs["period_in_ms"][:] == pytest.approx([100, 100, 200, 50])
    assert [len(sites) for sites in epochs["optogenetic_sites"][:]] == [1, 1, 1, 1]


def test_unknown_power_is_nan_while_the_light_is_on(nwbfile: NWBFile, reopened: Callable[[], NWBFile]) -> None:
    """Onsets stay countable, no watt is invented, and no epoch claims a power."""
    record = light(np.arange(4.0), command=np.array([4.9, 5.0, 5.0, 5.1]), command_unit="V")
    Room(nwbfile).add(record, power="unknown")
    file = reopened()
    series, pulses = file.stimulus["light"], file.intervals["light_pulses"]
    assert np.array_equal(series.data[:], [0, np.nan, np.nan, 0] * 4, equal_nan=True)
    assert len(rising_edges(series)) == 4
    assert "unknown" in series.description
    assert np.isnan(pulses["power_in_mW"][:]).all()
    assert pulses["command"][:].tolist() == [4.9, 5.0, 5.0, 5.1]
    assert pulses["command"].description.endswith("in V.")
    assert "optogenetic_epochs" not in file.intervals


def test_power_comes_from_the_calibration_and_the_command_is_kept(
    tmp_path: Path, nwbfile: NWBFile, reopened: Callable[[], NWBFile]
) -> None:
    path = tmp_path / "laser.csv"
    path.write_text("command (V),power (mW)\n0,0\n1,2\n5,10\n", encoding="utf-8")
    says = {"file_path": path, "input": "V", "output": "mW", "measured_at": "fibre tip", "date": "2024-05-02"}
    record = light(np.arange(3.0), command=np.array([500.0, 1000.0, 3000.0]), command_unit="mV")
    Room(nwbfile, calibration=Calibration.model_validate(says)).add(record, calibration="cal")
    file = reopened()
    assert file.intervals["light_pulses"]["power_in_mW"][:].tolist() == pytest.approx([1, 2, 6])
    assert file.intervals["light_pulses"]["command"][:].tolist() == [500, 1000, 3000]
    description = file.stimulus["light"].description
    assert "laser.csv (calibration of 2024-05-02, measured at fibre tip)" in description
    assert str(tmp_path) not in description


def test_sham_light_is_marked_and_has_no_power(nwbfile: NWBFile, reopened: Callable[[], NWBFile]) -> None:
    room = Room(nwbfile)
    room.add(light(np.arange(5) / 10, command=np.full(5, 5.0), command_unit="V"), "sham", sham=True)
    room.add(light(10 + np.arange(5) / 10), power="5 mW")
    file = reopened()
    sham, real = file.intervals["sham_pulses"], file.intervals["light_pulses"]
    assert sham["power_in_mW"][:].tolist() == [0] * 5
    assert sham["is_sham"][:].tolist() == [True] * 5
    assert sham["command"][:].tolist() == [5] * 5
    assert "is_sham" not in real.colnames
    assert file.stimulus["sham"].data[:].tolist() == [0] * 20
    assert file.stimulus["sham"].timestamps[::4].tolist() == (np.arange(5) / 10).tolist()
    assert file.stimulus["sham"].description.startswith("Sham: the light was kept from the tissue. 5 light pulses")
    assert file.intervals["optogenetic_epochs"]["start_time"][:].tolist() == [10.0]  # of the light that arrived


def test_which_pulses_other_accounts_have_is_a_column_of_each(nwbfile: NWBFile, reopened: Callable[[], NWBFile]) -> None:
    marks = np.array([True, True, False, True])
    Room(nwbfile).add(light(np.arange(4.0), confirmed_by={"planned": marks}), power="5 mW")
    pulses = reopened().intervals["light_pulses"]
    assert pulses["in_planned"][:].tolist() == marks.tolist()
    assert pulses["in_planned"].description == "Whether the pulse is also in planned, another account of the same light."


def test_series_pulses_and_epochs_are_the_same_to_the_sample(nwbfile: NWBFile, reopened: Callable[[], NWBFile]) -> None:
    """Pulses at odd samples of a clock of 20 kHz: the table and the series are equal, the epochs within a sample of them."""
    sample = 1 / 20_000
    onsets = (np.arange(5)[:, np.newaxis] * 200_000 + np.arange(30) * 999 + 12_345).ravel() * sample
    Room(nwbfile).add(light(onsets, 40 * sample, resolution=sample), power="5 mW")
    file = reopened()
    edges = file.stimulus["light"].timestamps[:].reshape(-1, 4)
    pulses, epochs = file.intervals["light_pulses"], file.intervals["optogenetic_epochs"].to_dataframe()
    assert np.array_equal(edges[:, 0], pulses["start_time"][:])
    assert np.array_equal(edges[:, 1], pulses["start_time"][:])
    assert np.array_equal(edges[:, 2], pulses["stop_time"][:])
    assert np.array_equal(edges[:, 3], pulses["stop_time"][:])
    (row,) = epochs.to_dict("records")
    trains = np.arange(row["number_trains"]) * row["intertrain_interval_in_ms"] / 1000
    within = np.arange(row["number_pulses_per_pulse_train"]) * row["period_in_ms"] / 1000
    assert row["start_time"] + (trains[:, np.newaxis] + within).ravel() == pytest.approx(onsets, abs=sample)
    assert row["pulse_length_in_ms"] == pytest.approx(2.0)
    assert row["stop_time"] == pulses["stop_time"][-1]


def test_two_lasers_at_two_sites_in_one_session(nwbfile: NWBFile, reopened: Callable[[], NWBFile]) -> None:
    """Each light has its laser, site and wavelength, also where the pulses of both are given at the same time."""
    red = {"location": "LC", "effector": "Jaws", "laser": "laser_637"}
    room = Room(nwbfile, others={"lc_soma": red}, laser_637={"wavelength": "637 nm"})
    room.add(light(np.arange(5) / 10), "blue", power="2 mW")
    room.add(light(np.arange(5) / 10, 0.02), "red", site="lc_soma", power="8 mW")
    file = reopened()
    assert file.stimulus["blue"].site.device.name == "laser_473"
    assert file.stimulus["red"].site.device.name == "laser_637"
    assert file.intervals["blue_pulses"]["wavelength_in_nm"][:].tolist() == [473] * 5
    assert file.intervals["red_pulses"]["wavelength_in_nm"][:].tolist() == [637] * 5
    epochs = file.intervals["optogenetic_epochs"]
    assert list(epochs["wavelength_in_nm"][:]) == [473, 637]
    assert [epochs["optogenetic_sites"][row]["site"].tolist() for row in (0, 1)] == [["lc_terminals"], ["lc_soma"]]


FIBRE = {"core": "200 um", "NA": "0.39"}
PLACE = {"ap": "-5.4 mm", "ml": "0.9 mm", "reference": "bregma", "side": "left"}


def test_a_fibre_is_an_optical_fibre_if_it_is_stated_where_it_entered(nwbfile: NWBFile, reopened: Callable[[], NWBFile]) -> None:
    place = {**PLACE, "depth": "3 mm", "pitch": "10 degree"}
    fibre = {**FIBRE, "model": "CFM12", "manufacturer": "Example Co."}
    Room(nwbfile, {**SITE, "fibre": "fibre", "coordinates": place}, fibre=fibre).add(light([1.0]), power="1 mW")
    file = reopened()
    inserted = file.devices["fibre"].fiber_insertion
    assert inserted.insertion_position_ap_in_mm == pytest.approx(-5.4)
    assert inserted.insertion_position_ml_in_mm == pytest.approx(-0.9)  # left of the midline
    assert inserted.insertion_position_dv_in_mm is None
    assert (inserted.depth_in_mm, inserted.insertion_angle_pitch_in_deg) == pytest.approx((3, 10))
    assert file.devices["fibre"].model.core_diameter_in_um == pytest.approx(200)
    table = file.lab_meta_data["optogenetic_experiment_metadata"].optogenetic_sites_table
    assert table["optical_fiber"][0] is file.devices["fibre"]


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ({}, "stereotactic coordinates not stated"),
        ({"coordinates": {**PLACE, "dv": "-3 mm"}}, "tip at AP -5.4 mm, ML 0.9 mm, DV -3 mm, side left from bregma"),
    ],
)
def test_else_a_fibre_is_a_device_and_its_place_is_text(
    place: Says, text: str, nwbfile: NWBFile, reopened: Callable[[], NWBFile]
) -> None:
    """Where the tip was is not where the fibre entered."""
    Room(nwbfile, {**SITE, "fibre": "fibre", **place}, fibre=FIBRE).add(light([1.0]), power="1 mW")
    file = reopened()
    assert type(file.devices["fibre"]).__name__ == "Device"
    assert file.devices["fibre"].description == "core diameter: 200 um; numerical aperture: 0.39"
    table = file.lab_meta_data["optogenetic_experiment_metadata"].optogenetic_sites_table
    assert "optical_fiber" not in table.colnames
    assert text in file.ogen_sites["lc_terminals"].description


def test_one_fibre_is_in_one_place(nwbfile: NWBFile) -> None:
    sites = {
        name: LightSite.model_validate({**SITE, "fibre": "fibre", "coordinates": {**PLACE, "ml": ml}})
        for name, ml in {"left": "0.9 mm", "lateral": "1.9 mm"}.items()
    }
    with pytest.raises(SourceError, match=r"light_sites\.lateral: the fibre fibre has other coordinates in light_sites\.left"):
        add_light_sites(nwbfile, sites, Placed(stream=lambda array: array, collections={"light_sites": sites}))


def test_two_sites_of_one_laser_are_two_rows(nwbfile: NWBFile, reopened: Callable[[], NWBFile]) -> None:
    sites = {
        "left": LightSite.model_validate({**SITE, "location": "LC"}),
        "right": LightSite.model_validate({**SITE, "effector": "eYFP"}),
    }
    laser = Device.model_validate({"wavelength": "473 nm", "model": "MBL-473", "manufacturer": "Example Co.", "serial_number": "7"})
    placed = Placed(stream=lambda array: array[slice(None)], collections={"light_sites": sites, "devices": {"laser_473": laser}})
    add_light_sites(nwbfile, sites, placed)
    source = LightChannel.model_validate({"of": "daq/LaserCmd"})
    for name, site in (("ours", "left"), ("control", "right")):
        says = LightStated.model_validate({"site": site, "power": "1 mW"})
        add_light(nwbfile, Entry(name=name, record=light([1.0, 2.0]), stated=says, source=source), placed)
    file = reopened()
    table = file.lab_meta_data["optogenetic_experiment_metadata"].optogenetic_sites_table
    assert table["location"][:].tolist() == ["LC", "CUL4, 5"]
    assert [one.label for one in table["effector"][:]] == ["ChR2", "eYFP"]
    assert file.intervals["control_pulses"]["optogenetic_sites"][1].index.tolist() == [1]
    assert file.devices["laser_473"].model.manufacturer == "Example Co."
    assert file.devices["laser_473"].serial_number == "7"


def test_the_effector_names_the_injection_that_brought_it(nwbfile: NWBFile) -> None:
    """As the receptors' room places it: one injection is linked, of several none is chosen."""
    from ndx_ophys_devices import ViralVector, ViralVectorInjection
    from ndx_optogenetics import OptogeneticExperimentMetadata

    vector = ViralVector(name="opsin", construct_name="AAV9-EF1a-DIO-ChR2", manufacturer="unknown", titer_in_vg_per_ml=1e12)
    injection = ViralVectorInjection(
        name="virus", location="LC", hemisphere="left", reference="bregma", ap_in_mm=-5.4, ml_in_mm=-0.9, dv_in_mm=-3.0,
        volume_in_uL=0.3, viral_vector=vector,
    )  # fmt: skip
    placed = Placed(
        stream=lambda array: array[slice(None)],
        collections={
            "light_sites": {"lc_terminals": LightSite.model_validate(SITE)},
            "devices": {"laser_473": Device.model_validate(LASER)},
        },
    )
    placed.put("injections", "opsin", [injection])
    add_light_sites(nwbfile, placed.collections["light_sites"], placed)
    made = nwbfile.lab_meta_data["optogenetic_experiment_metadata"]
    assert isinstance(made, OptogeneticExperimentMetadata)
    (effector,) = made.optogenetic_effectors.effectors.values()
    assert effector.viral_vector_injection is injection


def test_an_unknown_wavelength_is_said_and_no_epoch_claims_one(nwbfile: NWBFile, reopened: Callable[[], NWBFile]) -> None:
    Room(nwbfile, {**SITE, "wavelength": "unknown"}).add(light(np.arange(4.0)), power="1 mW")
    file = reopened()
    assert np.isnan(file.ogen_sites["lc_terminals"].excitation_lambda)
    assert "wavelength: unknown" in file.ogen_sites["lc_terminals"].description
    assert "optogenetic_epochs" not in file.intervals


def test_a_wavelength_that_nobody_states_is_refused(nwbfile: NWBFile) -> None:
    with pytest.raises(SourceError, match=r"light_sites\.lc_terminals: no wavelength; state `wavelength: 473 nm`"):
        Room(nwbfile, laser_473={"manufacturer": "unknown"})


def test_the_archive_sees_optogenetics(tmp_path: Path, nwbfile: NWBFile, reopened: Callable[[], NWBFile]) -> None:
    """By the metadata that dandi reads, and by the modality it puts into the file's name."""
    from dandi.metadata.nwb import nwb2asset
    from dandi.organize import _populate_modalities
    from dandi.pynwb_utils import get_neurodata_types

    Room(nwbfile).add(light(np.arange(4.0)), power="1 mW")
    reopened()
    path = tmp_path / "light.nwb"
    assert [one.name for one in nwb2asset(path).approach] == ["optogenetic approach"]
    described: list[dict[str, Any]] = [{"nd_types": get_neurodata_types(path), "path": str(path)}]
    _populate_modalities(described)
    assert described[0]["modalities"] == ("ogen",)


def test_the_inspector_finds_nothing_critical(tmp_path: Path, nwbfile: NWBFile, reopened: Callable[[], NWBFile]) -> None:
    from nwbinspector import Importance, inspect_nwbfile, load_config

    Room(nwbfile).add(light(np.arange(4.0)), power="1 mW")
    reopened()
    threshold = Importance.CRITICAL
    found = inspect_nwbfile(nwbfile_path=tmp_path / "light.nwb", config=load_config("dandi"), importance_threshold=threshold)
    assert [message.message for message in found] == []
