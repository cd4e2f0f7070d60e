"""Files of real rigs, alone and together: what is read back equals what an independent reader finds in the source."""

from __future__ import annotations

import getpass
import json
import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import av
import h5py
import numpy as np
import pandas as pd
import pyabf
import pytest
import tifffile
from pynwb import NWBHDF5IO, NWBFile

from bergmann.convert import convert_session

from ..conftest import Ran

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

HEAD = """\
format_version: 1
time_zone: America/New_York
session: {{id: {id}, start: {start}, description: "A file of a real rig, converted."}}
subject: {{id: R1, species: Mus musculus, sex: U, age: P11W}}
devices:
  scope: {{manufacturer: unknown}}
  laser: {{manufacturer: unknown, wavelength: 473 nm}}
planes:
  plane:  {{device: scope, location: CUL4, excitation: 920 nm, channels: {{1: {{label: unknown, emission: unknown}}}}}}
  plane2: {{device: scope, location: CUL5, excitation: 920 nm, channels: {{1: {{label: unknown, emission: unknown}}}}}}
  green:  {{device: scope, location: DEC, excitation: 920 nm, channels: {{2: {{label: unknown, emission: unknown}}}}}}
light_sites:
  site: {{location: CUL4, effector: ChR2, laser: laser}}
sources:
"""

SCANIMAGE_3 = "scanimage_tiff/v3.8/sample_scanimage_version_3_8.tiff"
VOLUMES = "scanimage_tiff/vol_one_ch_multi_files/vol_one_ch_multi_files_00001_0000?.tif"
NO_FLYBACK = "scanimage_tiff/vol_no_flyback/vol_no_flyback_00001_00001.tif"
IMAGEJ = "imagej_tiff/sima_example.tif"
BRUKER = "bruker_prairieview/NCCR32_2022_11_03_IntoTheVoid_t_series-005"
SUITE2P = "suite2p/gin_two_planes"
CAIMAN = "caiman/caiman_analysis.hdf5"
WAVESURFER = {
    "first": "wavesurfer/30_kHz_sampling_rate_0p913_0001.h5",
    "second": "wavesurfer/multiple_sweeps_multiple_channels_0001-0009.h5",
    "third": "wavesurfer/ws_0p933_data_0001.h5",
}
ABF = {"steps": "axon_abf/17o05028_ic_steps.abf", "clamp": "axon_abf/model_vc_step.abf", "opto": "axon_abf/opto_aps_good_units.abf"}
VIDEO = "deeplabcut/open_field_with_video/m3v1mp4.mp4"
POSE = "deeplabcut/open_field_with_video/m3v1mp4DLC_resnet50_openfieldOct30shuffle1_1000.h5"
SLEEP_BOX = "deeplabcut/SL18_csv/*.csv"
BORIS = "boris/test.boris"
AGGREGATED = "boris/test_export_aggregated_events_test_full_1.tsv"
TABULAR = "boris/test_export_events_tabular.csv"
VON_FREY = "pain_assay/PainAssaySVM/CCI/CCI injured paw.csv"
ANIMAL = "Cage1, Animal 1"

TDMS = {name: f"ni_tdms/{name}.tdms" for name in ("Digital_Input", "big_endian", "raw1", "raw_timestamps")}
SPIKE2 = {name: f"spike2_smr/File_{name}.smr" for name in ("spike2_1", "spike2_2")}
TANK = "tdt_photometry/Photo_249_391-200721-120136_stubbed"
PPD = "pyphotometry_ppd/m17-R-2018-12-12-090409.ppd"
WHEEL = "pybpod_ibl/raw_behavior_data/_iblrig_encoderPositions.raw.ssv"

MIRROR = "lightningpose/outputs/2023-11-09/10-14-37/video_preds/test_vid"
FLY = "sleap/neuroconv_fly/predictions_1.2.7_provenance_and_tracking.slp"
TRIALS = "pybpod_ibl/raw_behavior_data/_iblrig_taskData.raw.jsonable"
TREADMILL = "treadmill/Speed data 001.txt"
SEQUENCE = "large_movies/fmi_2p_amygdala_tiff_sequence/Img_*.tif"

LIGHT = "format: abf_protocol, of: opto, site: site, power: 5 mW"
ASSAY = (
    f"format: assay, path: '{DATA / VON_FREY}', assay: von_frey, unit: score, units: {{velocity: mm/s, height: mm}}, "
    f"side: injured, rows: {{Animal: '{ANIMAL}'}}, "
    "columns: {stimulus: Stimulus, value: Pain Score, velocity: Paw Velocity (mm/s), height: Paw Height (mm), week: TIME}"
)


def path(name: str) -> str:
    return f"path: '{(DATA / name).as_posix()}'"


@dataclass(frozen=True)
class Case:
    """A session of real files: when it starts, and its sources."""

    start: str
    sources: dict[str, str]


AT_START = "starts: 0 s after session"
CASES = {
    "scanimage-3": Case("from movie", {"movie": f"format: scanimage, {path(SCANIMAGE_3)}, plane: plane"}),
    "scanimage-volumes": Case(
        "from movie",
        {
            "movie": f"format: scanimage, {path(VOLUMES)}, plane: plane",
            "second": f"format: scanimage, {path(NO_FLYBACK)}, plane: plane2, starts: 60 s after movie",
        },
    ),
    "imagej": Case("2012-11-17 14:03:57", {"movie": f"format: tiff, {path(IMAGEJ)}, plane: plane, rate: 10 Hz"}),
    "bruker": Case("2022-11-03 11:25:42", {"movie": f"format: bruker, {path(BRUKER)}, plane: green"}),
    "caiman": Case("2020-08-17 10:00", {"rois": f"format: caiman, {path(CAIMAN)}, plane: plane"}),
    "suite2p": Case("2019-05-06 10:00", {"rois": f"format: suite2p, {path(SUITE2P)}, plane: plane"}),
    "wavesurfer": Case(
        "2016-03-04 12:08:31", {name: f"format: wavesurfer, {path(file)}, {AT_START}" for name, file in WAVESURFER.items()}
    ),
    "abf": Case(
        "from opto",
        {
            "opto": f"format: abf, {path(ABF['opto'])}",
            "light": LIGHT,
            **{name: f"format: abf, {path(ABF[name])}, starts: 2 min after opto" for name in ("steps", "clamp")},
        },
    ),
    "tdms": Case("2024-01-23 20:48:43", {name: f"format: tdms, {path(file)}, {AT_START}" for name, file in TDMS.items()}),
    "spike2": Case("2003-10-07 10:15:33", {name: f"format: spike2, {path(file)}, {AT_START}" for name, file in SPIKE2.items()}),
    "tdt": Case(
        "from fibre",
        {
            "fibre": f"format: tdt, {path(TANK)}, only: [Dv1A, Dv2A, Dv3B, Dv4B, LNRW, LNnR, PrtR, RNPS]",
            "raw": f"format: tdt, {path(TANK)}, only: [Fi1d], {AT_START}",
            "cut": f"format: tdt, {path(TANK)}, only: [Fi1r], cut: keep, {AT_START}",
            "rewards": "format: channel, of: fibre/LNRW, event: reward",
        },
    ),
    "photometry": Case(
        "from fibre",
        {
            "fibre": f"format: pyphotometry, {path(PPD)}",
            "wheel": f"format: encoder, {path(WHEEL)}, columns: {{time: '1', position: '2'}}, header: none, "
            f"units: {{time: us, position: ticks}}, {AT_START}",
        },
    ),
    "deeplabcut": Case(
        "2019-10-30 12:00", {"cam": f"format: video, {path(VIDEO)}", "pose": f"format: deeplabcut, {path(POSE)}, of: cam"}
    ),
    "deeplabcut-csv": Case("2023-05-03 11:26:42", {"pose": f"format: deeplabcut, {path(SLEEP_BOX)}, rate: 25 Hz"}),
    "lightningpose": Case(
        "2023-11-09 10:14:37",
        {"cam": f"format: video, {path(f'{MIRROR}.mp4')}", "pose": f"format: lightningpose, {path(f'{MIRROR}.csv')}, of: cam"},
    ),
    "sleap": Case("2019-01-28 11:34:21", {"pose": f"format: sleap, {path(FLY)}, rate: 32 Hz, individual: track_1"}),
    "bpod": Case("2019-07-01 12:15:16", {"task": f"format: bpod, {path(TRIALS)}, {AT_START}"}),
    "treadmill": Case(
        "from wheel",
        {
            "wheel": f"format: encoder, {path(TREADMILL)}, columns: {{date: '1', time: '2', trial_time: '3', speed: '4'}}, "
            "units: {date: DD/MM/YYYY, time: 'HH:MM:SS', trial_time: us, speed: rpm}, header: none"
        },
    ),
    "sequence": Case("2020-01-01 10:00", {"movie": f"format: tiff, {path(SEQUENCE)}, plane: plane, rate: 5 Hz"}),
    "boris": Case(
        "2016-11-27 01:57:26",
        {
            "one": f"format: boris, {path(BORIS)}, observation: 'observation #1', {AT_START}",
            "live": f"format: boris, {path(BORIS)}, observation: live, {AT_START}",
            "marked": f"format: boris, {path(BORIS)}, observation: modifiers, {AT_START}",
            "full": f"format: boris, {path(AGGREGATED)}, {AT_START}",
            "tab": f"format: boris, {path(TABULAR)}, {AT_START}",
        },
    ),
    "assay": Case("2021-06-01", {"von_frey": ASSAY}),
    "together": Case(
        "from opto",
        {
            "opto": f"format: abf, {path(ABF['opto'])}",
            "light": LIGHT,
            "movie": f"format: scanimage, {path(SCANIMAGE_3)}, plane: plane, starts: 1.5 s after opto",
            "rois": f"format: suite2p, {path(SUITE2P)}, plane: plane2, starts: 2 s after opto",
            "cam": f"format: video, {path(VIDEO)}, starts: 2.5 s before opto",
            "pose": f"format: deeplabcut, {path(POSE)}, of: cam",
            "live": f"format: boris, {path(BORIS)}, observation: live, starts: 3 s after opto",
            "von_frey": ASSAY,
        },
    ),
}
every_case = pytest.mark.parametrize("name", CASES)


def write_session_file(name: str, folder: Path) -> Path:
    case = CASES[name]
    lines = [f"  {source}: {{{text}}}\n" for source, text in case.sources.items()]
    session = folder / f"{name}.yaml"
    session.write_text(HEAD.format(id=name, start=case.start) + "".join(lines), encoding="utf-8")
    return session


@dataclass(frozen=True)
class Written:
    """What a conversion made."""

    path: Path
    findings: tuple[Any, ...]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Written]:
    """Convert a case, once."""
    folder = tmp_path_factory.mktemp("real")
    done: dict[str, Written] = {}

    def convert(name: str) -> Written:
        if not DATA.is_dir():
            pytest.skip("needs the real files of ../shared/data, which are absent here")
        if name not in done:
            conversion = convert_session(write_session_file(name, folder), folder / name)
            assert conversion.target is not None, "\n".join(finding.text for finding in conversion.findings)
            done[name] = Written(conversion.target, conversion.findings)
        return done[name]

    return convert


@pytest.fixture
def opened(written: Callable[[str], Written]) -> Iterator[Callable[[str], NWBFile]]:
    """Read the file of a case."""
    files = []

    def read(name: str) -> NWBFile:
        files.append(NWBHDF5IO(written(name).path, "r"))
        return files[-1].read()

    yield read
    for file in files:
        file.close()


# --- of every file ----------------------------------------------------------------------------------------------------


@every_case
def test_the_file_is_valid_and_whole_in_a_clean_process(
    name: str,
    written: Callable[[str], Written],
    opened: Callable[[str], NWBFile],
    read_clean: Callable[[Path], tuple[list[str], dict[str, str]]],
) -> None:
    found = written(name).findings
    assert [finding.text for finding in found if finding.severity == "error"] == []
    errors, objects = read_clean(written(name).path)
    assert errors == []
    assert set(objects) == {child.object_id for child in opened(name).all_children()}


_CUT = "the header planned more than is there: these are samples, cut off"
_OTHER_DAY = "recordings of other days were put beside each other here, by `starts:`"
TRUE: dict[str, dict[str, str]] = {
    "scanimage-3": {"shorter than planned": _CUT},
    "scanimage-volumes": {"shorter than planned": _CUT, "conflict": _OTHER_DAY},
    "together": {"shorter than planned": _CUT, "conflict": _OTHER_DAY},
    "tdt": {"behavior_events_inside_observation": "of the lines 1.7 s were kept by who gave the sample away, of the events all"},
    **{key: {"conflict": _OTHER_DAY} for key in ("wavesurfer", "abf", "tdms", "boris")},
}
"""By case: what is said above a note, and why it is true of that recording."""


@every_case
def test_nothing_above_a_note_is_said_but_what_is_true(name: str, written: Callable[[str], Written]) -> None:
    found = {one.check: one.text for one in written(name).findings if one.severity != "note"}
    assert set(found) == set(TRUE.get(name, ())), found


PEOPLE = ("Kishore", "Kuchibhotla", "taylora", "Dropbox", "Saksham", "sxs1790", "case.edu", "Jen2", r"Spike\locked", "/home/user")
"""Who and what the headers of these files tell of the computers that wrote them."""
MAIL = re.compile(r"[\w.+-]+@[\w-]+\.\w{2,}")
ABSOLUTE = re.compile(r"(?<![A-Za-z])[A-Za-z]:[\\/]|\\\\|/(?:home|Users|tmp|work|var|mnt|private)/")


def texts(file: h5py.File) -> Iterator[tuple[str, str]]:
    """Every string of a file, in datasets, columns and attributes, with where it is; the specifications left out."""

    def strings(values: Any) -> Iterator[str]:
        for value in np.ravel(np.asarray(values, dtype=object)):
            if isinstance(value, bytes | str):
                yield value.decode() if isinstance(value, bytes) else value
            elif isinstance(value, np.void | tuple):
                yield from strings(list(value))

    def visit(name: str, item: Any) -> None:
        found.extend((f"{name}@{key}", text) for key, value in item.attrs.items() for text in strings(value))
        is_text = isinstance(item, h5py.Dataset) and item.dtype.kind in "OSV" and not name.startswith("specifications")
        if is_text and item.shape is not None:
            found.extend((name, text) for text in strings(item[()]))

    found: list[tuple[str, str]] = []
    visit("/", file)
    file.visititems(visit)
    return iter(found)


@every_case
def test_nothing_tells_of_this_machine_or_the_one_that_recorded(name: str, written: Callable[[str], Written]) -> None:
    target = written(name).path
    here = re.compile(rf"\b({re.escape(getpass.getuser())}|{re.escape(socket.gethostname())})\b")
    with h5py.File(target) as file:
        found = list(texts(file))
    assert len(found) > 20
    leaks = [(where, text) for where, text in found if MAIL.search(text) or ABSOLUTE.search(text) or here.search(text)]
    assert leaks == []
    raw = target.read_bytes().decode("latin-1")
    assert [text for text in (*PEOPLE, str(target.parents[2]), str(DATA)) if text in raw] == []


# --- movies -----------------------------------------------------------------------------------------------------------


def assert_transposed(series: Any, frames: np.ndarray) -> None:
    """NWB has (time, x, y[, z]): each source frame (row, column) transposed, and not mirrored."""
    stored = series.data[:]
    assert stored.dtype == frames.dtype
    for read_back, source in zip(stored, frames, strict=True):
        np.testing.assert_array_equal(read_back, source.T)
    assert list(series.dimension[:]) == list(stored.shape[1:])


def scanimage_seconds(files: list[Path]) -> list[float]:
    """The time that each page's own header says."""
    found = []
    for file in files:
        with tifffile.TiffFile(file) as tiff:
            found += [float(re.search(r"frameTimestamps_sec = ([\d.]+)", page.description)[1]) for page in tiff.pages]  # type: ignore[index,union-attr]
    return found


def test_scanimage_3(opened: Callable[[str], NWBFile]) -> None:
    nwbfile = opened("scanimage-3")
    movie = nwbfile.acquisition["movie"]
    assert_transposed(movie, tifffile.imread(DATA / SCANIMAGE_3))
    assert (movie.rate, movie.starting_time) == (3.90625, 0.0)
    assert nwbfile.session_start_time.isoformat() == "2017-10-09T16:57:07.967000-04:00"


def test_scanimage_volumes_over_several_files(opened: Callable[[str], NWBFile]) -> None:
    nwbfile = opened("scanimage-volumes")
    files = sorted((DATA / VOLUMES).parent.glob("*.tif"))
    pages = np.concatenate([tifffile.imread(file) for file in files])
    assert pages.shape == (640, 20, 20)  # 9 slices and 7 frames of flyback a volume
    assert_transposed(nwbfile.acquisition["movie"], pages.reshape(40, 16, 20, 20)[:, :9])
    np.testing.assert_allclose(nwbfile.acquisition["movie"].timestamps[:], scanimage_seconds(files)[::16], rtol=0, atol=1e-9)

    second = nwbfile.acquisition["second"]
    assert_transposed(second, tifffile.imread(DATA / NO_FLYBACK).reshape(10, 9, 20, 20))
    np.testing.assert_allclose(second.timestamps[:], 60 + np.array(scanimage_seconds([DATA / NO_FLYBACK])[::9]), rtol=0, atol=1e-9)
    assert nwbfile.session_start_time.isoformat() == "2025-04-24T16:43:57.206000-04:00"


def test_imagej_stack(opened: Callable[[str], NWBFile]) -> None:
    movie = opened("imagej").acquisition["movie"]
    frames = tifffile.imread(DATA / IMAGEJ)
    assert frames.shape == (20, 128, 256)
    assert_transposed(movie, frames)
    assert (movie.rate, movie.starting_time) == (10.0, 0.0)


def test_bruker_volumes_page_by_page(opened: Callable[[str], NWBFile]) -> None:
    movie, folder = opened("bruker").acquisition["movie"], DATA / BRUKER
    for volume in range(5):
        for plane in range(2):
            name = f"{folder.name}_Cycle{volume + 1:05}_Ch2_{plane + 1:06}.ome.tif"
            with tifffile.TiffFile(folder / name, is_ome=False) as file:
                np.testing.assert_array_equal(movie.data[volume, :, :, plane].T, file.pages[0].asarray())
    frames = ElementTree.parse(folder / f"{folder.name}.xml").getroot().iter("Frame")
    seconds = np.array([float(frame.attrib["relativeTime"]) for frame in frames])
    np.testing.assert_allclose(movie.timestamps[:], seconds[::2], rtol=0, atol=1e-9)
    np.testing.assert_allclose(movie.imaging_plane.grid_spacing[:], [1.1078125e-6, 1.1078125e-6, 260e-6])


# --- segmentation -----------------------------------------------------------------------------------------------------


def assert_suite2p(nwbfile: NWBFile, start: float) -> None:
    ophys = nwbfile.processing["ophys"]
    for plane, n_rois in (("plane0", 15), ("plane1", 25)):
        folder, name = DATA / SUITE2P / plane, f"rois_{plane}"
        traces = {"raw": "F", "neuropil": "Fneu", "deconvolved": "spks", "raw_chan2": "F_chan2", "neuropil_chan2": "Fneu_chan2"}
        for kind, file in traces.items():
            series = ophys["Fluorescence"][f"{name}_{kind}"]
            np.testing.assert_array_equal(series.data[:], np.load(folder / f"{file}.npy").T)
            assert (series.rate, series.starting_time) == (10.0, start)
            assert series.rois.data[:].tolist() == list(range(n_rois))
        table = ophys["ImageSegmentation"][name]
        for row, roi in enumerate(np.load(folder / "stat.npy", allow_pickle=True)):
            expected = list(zip(roi["xpix"], roi["ypix"], roi["lam"], strict=True))
            assert [tuple(pixel) for pixel in table["pixel_mask"][row]] == expected
        np.testing.assert_array_equal(table["is_cell"][:], np.load(folder / "iscell.npy")[:, 0] == 1)
        ops = np.load(folder / "ops.npy", allow_pickle=True).item()
        np.testing.assert_array_equal(ophys[f"{name}_images"]["mean"].data[:], ops["meanImg"].T)
        np.testing.assert_array_equal(ophys[f"{name}_registration"].data[:], -np.column_stack([ops["xoff"], ops["yoff"]]))


def test_suite2p_of_two_planes(opened: Callable[[str], NWBFile]) -> None:
    assert_suite2p(opened("suite2p"), 0.0)


def test_caiman(opened: Callable[[str], NWBFile]) -> None:
    ophys = opened("caiman").processing["ophys"]
    with h5py.File(DATA / CAIMAN, "r") as file:
        stored = {key: file["estimates"][key][:] for key in ("C", "S", "YrA", "F_dff", "f", "b")}
        matrix = {key: file["estimates/A"][key][:] for key in ("data", "indices", "indptr")}
    traces = {"rois_denoised": "C", "rois_deconvolved": "S", "rois_residual": "YrA", "rois_background_time_course": "f"}
    for name, key in traces.items():
        series = ophys["Fluorescence"][name]
        np.testing.assert_array_equal(series.data[:], stored[key].T)
        assert (series.rate, series.starting_time) == (30.0, 0.0)
    np.testing.assert_array_equal(ophys["DfOverF"]["rois_dff"].data[:], stored["F_dff"].T)
    table = ophys["ImageSegmentation"]["rois"]
    for row, (begin, end) in enumerate(pairwise(matrix["indptr"])):
        flat = np.zeros(128 * 128)
        flat[matrix["indices"][begin:end]] = matrix["data"][begin:end]
        mask, found = table["pixel_mask"][row], np.zeros((128, 128), np.float32)
        found[mask["x"], mask["y"]] = mask["weight"]
        np.testing.assert_array_equal(found.T, np.reshape(flat, (128, 128), order="F").astype(np.float32))
    mask = ophys["ImageSegmentation"]["rois_background"]["pixel_mask"][1]
    np.testing.assert_array_equal(mask["weight"], stored["b"][mask["x"] * 128 + mask["y"], 1].astype(np.float32))


# --- recordings -------------------------------------------------------------------------------------------------------


def physical(series: Any) -> np.ndarray:
    return np.asarray(series.data[:]) * series.conversion + series.offset


def test_wavesurfer(opened: Callable[[str], NWBFile]) -> None:
    nwbfile = opened("wavesurfer")
    for name, file in WAVESURFER.items():
        with h5py.File(DATA / file) as source:
            sweeps = [source[key] for key in sorted(source) if key.startswith("sweep")]
            rate = float(
                np.ravel(
                    source[
                        "header/Acquisition/SampleRate" if "Acquisition" in source["header"] else "header/AcquisitionSampleRate"
                    ][()]
                )[0]
            )
            counts = np.concatenate([sweep["analogScans"][()] for sweep in sweeps], axis=1).astype(float)
            key = (
                "header/Acquisition/AnalogScalingCoefficients"
                if "Acquisition" in source["header"]
                else "header/AIScalingCoefficients"
            )
            factors = source[key][()] if key in source else None
            starts = [float(np.ravel(sweep["timestamp"][()])[0]) for sweep in sweeps]
        for row in range(len(counts)):
            series = nwbfile.acquisition[f"{name}_AI{row}"]
            # 0.913 states no polynomial: 10 V over 2^15 counts, with its own scale of 1
            volts = counts[row] * 10 / 2**15 if factors is None else np.polynomial.polynomial.polyval(counts[row], factors[row])
            np.testing.assert_allclose(physical(series), volts, rtol=0, atol=1e-9)
            assert series.unit == "V"
            if len(sweeps) == 1:
                assert series.rate == pytest.approx(rate, rel=1e-4)
            else:
                length = len(volts) // len(sweeps)
                expected = np.concatenate([start + np.arange(length) / rate for start in starts])
                np.testing.assert_allclose(series.timestamps[:], expected, rtol=0, atol=1e-9)


def assert_abf(nwbfile: NWBFile, name: str, start: float) -> None:
    abf = pyabf.ABF(DATA / ABF[name])
    series = nwbfile.acquisition[f"{name}_IN 0"]
    np.testing.assert_allclose(physical(series), abf.data[0], rtol=1e-6, atol=1e-6)
    assert series.unit == abf.adcUnits[0]
    assert (series.rate, series.starting_time) == (abf.sampleRate, start)
    sweeps = nwbfile.intervals[f"{name}_sweeps"]
    np.testing.assert_allclose(sweeps["start_time"][:], start + np.array(abf.sweepTimesSec), rtol=0, atol=1e-9)


def assert_light(nwbfile: NWBFile) -> None:
    """Epoch B: 10 Hz, 2 ms, 5 s in each of three sweeps of 20 s."""
    abf = pyabf.ABF(DATA / ABF["opto"])
    epoch = abf.sweepEpochs.pulsePeriods.index(2000)
    n_pulses = (abf.sweepEpochs.p2s[epoch] - abf.sweepEpochs.p1s[epoch]) // 2000
    onsets = np.array(
        [
            sweep + (abf.sweepEpochs.p1s[epoch] + 2000 * pulse) / abf.sampleRate
            for sweep in abf.sweepTimesSec
            for pulse in range(n_pulses)
        ]
    )
    assert (len(abf.sweepTimesSec), n_pulses) == (3, 50)
    pulses = nwbfile.intervals["light_pulses"]
    np.testing.assert_allclose(pulses["start_time"][:], onsets, rtol=0, atol=1e-9)
    np.testing.assert_allclose(pulses["stop_time"][:], onsets + 0.002, rtol=0, atol=1e-9)
    assert pulses["power_in_mW"][:].tolist() == [5.0] * 150
    light = nwbfile.stimulus["light"]
    assert light.data[:].tolist() == [0, 0.005, 0.005, 0] * 150
    np.testing.assert_allclose(light.timestamps[:], np.repeat(onsets, 4) + np.tile([0, 0, 0.002, 0.002], 150), rtol=0, atol=1e-9)
    (epochs,) = nwbfile.intervals["optogenetic_epochs"].to_dataframe().to_dict("records")
    assert (epochs["number_trains"], epochs["number_pulses_per_pulse_train"]) == (3, 50)
    assert [round(epochs[key], 6) for key in ("pulse_length_in_ms", "period_in_ms", "intertrain_interval_in_ms")] == [2, 100, 20000]


def test_abf_and_the_light_of_its_protocol(opened: Callable[[str], NWBFile]) -> None:
    nwbfile = opened("abf")
    for name, start in (("opto", 0.0), ("steps", 120.0), ("clamp", 120.0)):
        assert_abf(nwbfile, name, start)
    assert_light(nwbfile)
    assert nwbfile.session_start_time.isoformat() == "2019-08-14T13:29:01.316000-04:00"


def test_every_recording_of_these_kinds_is_read() -> None:
    if not DATA.is_dir():
        pytest.skip("needs the real files of ../shared/data, which are absent here")
    there = {file.relative_to(DATA).as_posix() for pattern in ("*.tdms", "*.smr", "*.ppd", "*.abf") for file in DATA.rglob(pattern)}
    there |= {file.relative_to(DATA).as_posix() for file in (DATA / "wavesurfer").glob("*.h5")}
    there |= {file.parent.relative_to(DATA).as_posix() for file in DATA.rglob("*.tsq")}
    assert there == {*TDMS.values(), *SPIKE2.values(), PPD, *ABF.values(), *WAVESURFER.values(), TANK}


def lengths(nwbfile: NWBFile) -> dict[str, tuple[int, float]]:
    """Of each series: how many samples it has, and its rate."""
    return {name: (len(series.data), series.rate) for name, series in nwbfile.acquisition.items() if hasattr(series, "data")}


def test_tdms(opened: Callable[[str], NWBFile]) -> None:
    nptdms = pytest.importorskip("nptdms")
    nwbfile = opened("tdms")
    assert {name.partition("_")[0]: pair for name, pair in lengths(nwbfile).items() if not name.startswith("raw")} == {
        "Digital": (20000, 2000.0),
        "big": (3500, 1000.0),
    }
    assert [pair for name, pair in lengths(nwbfile).items() if name.startswith("raw1_")] == [(2000, 50000.0)] * 7
    assert lengths(nwbfile)["raw_timestamps_Untitled"] == (128, 1000.0)
    for name, file in TDMS.items():
        with nptdms.TdmsFile.open(DATA / file) as source:
            for channel in source.groups()[0].channels():
                series = nwbfile.acquisition[f"{name}_{channel.name}"]
                np.testing.assert_allclose(physical(series), channel[:].astype(float), rtol=1e-12, atol=1e-12)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_spike2(opened: Callable[[str], NWBFile]) -> None:
    rawio = pytest.importorskip("neo.rawio.spike2rawio")
    nwbfile = opened("spike2")
    assert lengths(nwbfile) == {"spike2_1_Respi": (45688, pytest.approx(1e6 / 4980))}
    theirs = rawio.Spike2RawIO(filename=str(DATA / SPIKE2["spike2_1"]))
    theirs.parse_header()
    np.testing.assert_array_equal(
        nwbfile.acquisition["spike2_1_Respi"].data[:], theirs.get_analogsignal_chunk(0, 0, stream_index=0)[:, 0]
    )
    counts = {name: len(table) for name, table in nwbfile.events.items()}
    assert counts == {
        "spike2_1_Stim": 3,
        "spike2_1_V1": 5444,
        "spike2_1_untitled": 247,
        "spike2_1_untitled (2)": 246,
        "spike2_1_untitled (3)": 3,
        "spike2_1_Keyboard": 9,
        "spike2_2_tags": 1,
        "spike2_2_Spikes": 646,
    }
    assert "".join(nwbfile.events["spike2_1_Keyboard"]["value"][:]) == "cymmakani"
    stimulus = nwbfile.events["spike2_1_Stim"]
    assert stimulus["timestamp"][:] == pytest.approx([271.715865, 333.348075, 391.66506])
    assert stimulus["duration"][:] == pytest.approx([9.960291, 9.961479, 9.96567])
    np.testing.assert_allclose(nwbfile.events["spike2_1_V1"]["timestamp"][:], theirs.get_event_timestamps(0, 0, 1)[0] * 3e-6)


@pytest.mark.filterwarnings("ignore")
def test_tdt(opened: Callable[[str], NWBFile]) -> None:
    tdt = pytest.importorskip("tdt")
    nwbfile = opened("tdt")
    slow, fast = pytest.approx(25e6 / 24576), pytest.approx(25e6 / 4096)
    assert lengths(nwbfile) == {
        **{f"fibre_{name}": (1280, slow) for name in ("Dv1A", "Dv2A", "Dv3B", "Dv4B")},
        **{f"raw_Fi1d {number}": (7680, fast) for number in (1, 2, 3, 4)},
        **{f"cut_Fi1r {number}": (10240, fast) for number in (1, 2)},
    }
    assert nwbfile.session_start_time.isoformat() == "2020-07-21T13:02:24.999999-04:00"
    theirs = tdt.read_block(str(DATA / TANK), verbose=0)
    for name in ("Dv1A", "Dv2A", "Dv3B", "Dv4B"):
        np.testing.assert_array_equal(nwbfile.acquisition[f"fibre_{name}"].data[:], theirs.streams[name].data)
    for number, values in enumerate(theirs.streams.Fi1d.data, start=1):
        np.testing.assert_array_equal(nwbfile.acquisition[f"raw_Fi1d {number}"].data[:], values)
    for name, count in (("LNRW", 50), ("LNnR", 1457), ("PrtR", 49), ("RNPS", 11)):
        table = nwbfile.events[f"fibre_{name}"]
        assert len(table) == count
        np.testing.assert_allclose(table["timestamp"][:], theirs.epocs[name].onset, atol=3e-6)
        np.testing.assert_array_equal(table["value"][:], theirs.epocs[name].data)
        assert table.colnames == ("timestamp", "value")
    np.testing.assert_array_equal(nwbfile.events["rewards"]["timestamp"][:], nwbfile.events["fibre_LNRW"]["timestamp"][:])


def test_pyphotometry_and_the_wheel_of_pybpod(opened: Callable[[str], NWBFile]) -> None:
    nwbfile = opened("photometry")
    names = ("analog_1", "analog_2", "digital_1", "digital_2")
    assert lengths(nwbfile) == {f"fibre_{name}": (474192, 130.0) for name in names}
    content = (DATA / PPD).read_bytes()
    words = np.frombuffer(content, "<u2", offset=2 + int.from_bytes(content[:2], "little"))
    for number in (0, 1):
        np.testing.assert_array_equal(nwbfile.acquisition[f"fibre_analog_{number + 1}"].data[:], words[number::2] >> 1)
        np.testing.assert_array_equal(nwbfile.acquisition[f"fibre_digital_{number + 1}"].data[:], words[number::2] & 1)
    assert nwbfile.acquisition["fibre_analog_1"].conversion == 0.00010122
    rows = np.loadtxt(DATA / WHEEL)
    (series,) = nwbfile.acquisition["wheel"].time_series.values()
    assert len(rows) == 936
    np.testing.assert_allclose(series.timestamps[:], rows[:, 0] / 1e6, atol=1e-9)
    np.testing.assert_allclose(np.ravel(physical(series)), rows[:, 1])


# --- behaviour --------------------------------------------------------------------------------------------------------


def assert_pose(nwbfile: NWBFile, table: pd.DataFrame, rate: float, start: float) -> None:
    tracked = table.droplevel(0, axis=1)
    pose = nwbfile.processing["behavior"]["pose"]
    parts = list(dict.fromkeys(tracked.columns.get_level_values(0)))
    assert set(pose.pose_estimation_series) == set(parts)
    for part in parts:
        series = pose[part]
        np.testing.assert_array_equal(series.data[:], tracked[part][["x", "y"]].to_numpy())
        np.testing.assert_array_equal(series.confidence[:], tracked[part]["likelihood"].to_numpy())
        assert series.rate == pytest.approx(rate, rel=1e-6)
        assert series.starting_time == start


def assert_video_and_pose(written_file: Written, nwbfile: NWBFile, start: float) -> None:
    with av.open(str(DATA / VIDEO)) as container:
        stream = container.streams.video[0]
        n_frames, rate, size = sum(1 for _ in container.decode(video=0)), float(stream.average_rate), (stream.width, stream.height)
    cam = nwbfile.acquisition["cam"]
    assert (cam.num_samples, tuple(cam.dimension[:]), cam.starting_time) == (n_frames, size, start)
    (external,) = cam.external_file[:]
    assert not Path(external).is_absolute()
    assert (written_file.path.parent / external).read_bytes() == (DATA / VIDEO).read_bytes()
    assert_pose(nwbfile, pd.read_hdf(DATA / POSE), rate, start)


def test_deeplabcut_with_its_video(written: Callable[[str], Written], opened: Callable[[str], NWBFile]) -> None:
    assert_video_and_pose(written("deeplabcut"), opened("deeplabcut"), 0.0)


def test_deeplabcut_csv(opened: Callable[[str], NWBFile]) -> None:
    nwbfile = opened("deeplabcut-csv")
    (file,) = DATA.glob(SLEEP_BOX)
    assert_pose(nwbfile, pd.read_csv(file, header=[0, 1, 2], index_col=0), 25.0, 0.0)


def boris_events(observation: str) -> dict[tuple[str, str, str], list[float]]:
    """Times by (behaviour, subject, modifier), as the project has them."""
    project = json.loads((DATA / BORIS).read_text(encoding="utf-8"))
    found: dict[tuple[str, str, str], list[float]] = {}
    for second, subject, code, modifier, *_ in project["observations"][observation]["events"]:
        found.setdefault((code, subject, modifier), []).append(second)
    return found


def assert_states(table: Any, expected: list[tuple[float, float]], start: float = 0.0) -> None:
    found = sorted(zip(table["timestamp"][:], table["timestamp"][:] + table["duration"][:], strict=True))
    np.testing.assert_allclose(found, np.array(sorted(expected)) + start, rtol=0, atol=1e-9)


def pairs(times: list[float]) -> list[tuple[float, float]]:
    return list(zip(times[::2], times[1::2], strict=True))


def assert_live(nwbfile: NWBFile, start: float) -> None:
    live = boris_events("live")
    assert nwbfile.events["live_p"]["timestamp"][:] == pytest.approx(np.array(live["p", "", ""]) + start)
    assert_states(nwbfile.events["live_s"], [*pairs(live["s", "", ""]), *pairs(live["s", "subject2", ""])], start)


def test_boris_projects_and_exports(opened: Callable[[str], NWBFile]) -> None:
    nwbfile = opened("boris")
    one, marked = boris_events("observation #1"), boris_events("modifiers")
    states = [*pairs(one["s", "subject1", ""]), *pairs(one["s", "subject2", ""])]
    assert_states(nwbfile.events["one"], states)
    assert nwbfile.events["one"]["subject"][:].tolist() == ["subject1"] * 3 + ["subject2"]
    assert_states(nwbfile.events["tab"], states)  # the same observation, exported
    assert_live(nwbfile, 0.0)
    assert nwbfile.events["marked_q"]["timestamp"][:].tolist() == [marked["q", "", name][0] for name in ("m1", "m2", "m3")]
    assert_states(nwbfile.events["marked_r"], [*pairs(marked["r", "", "m1"]), *pairs(marked["r", "", "None"])])

    table = pd.read_csv(DATA / AGGREGATED, sep="\t")
    for code, kind in (("s", "STATE"), ("p", "POINT")):
        rows = table[(table["Behavior"] == code) & (table["Behavior type"] == kind)]
        found = nwbfile.events[f"full_{code}"]
        assert sorted(found["timestamp"][:]) == pytest.approx(sorted(rows["Start (s)"]))
        if kind == "STATE":
            assert_states(found, list(zip(rows["Start (s)"].astype(float), rows["Stop (s)"].astype(float), strict=True)))


def assert_assay(nwbfile: NWBFile) -> None:
    rows = pd.read_csv(DATA / VON_FREY)
    rows = rows[rows["Animal"] == ANIMAL]
    table = nwbfile.processing["behavior"]["von_frey"].to_dataframe()
    assert len(table) == len(rows) == 14
    for column, source in (("value", "Pain Score"), ("velocity", "Paw Velocity (mm/s)"), ("height", "Paw Height (mm)")):
        np.testing.assert_array_equal(table[column], rows[source].astype(float))
    for column, source in (("stimulus", "Stimulus"), ("week", "TIME")):
        assert list(table[column]) == [text.strip() for text in rows[source]]


def test_an_assay_table(opened: Callable[[str], NWBFile]) -> None:
    assert_assay(opened("assay"))


# --- all of it --------------------------------------------------------------------------------------------------------


def test_together_each_is_as_alone_and_on_one_clock(written: Callable[[str], Written], opened: Callable[[str], NWBFile]) -> None:
    nwbfile = opened("together")
    assert_abf(nwbfile, "opto", 0.0)
    assert_light(nwbfile)
    movie = nwbfile.acquisition["movie"]
    assert_transposed(movie, tifffile.imread(DATA / SCANIMAGE_3))
    assert (movie.rate, movie.starting_time) == (3.90625, 1.5)
    assert_suite2p(nwbfile, 2.0)
    assert_video_and_pose(written("together"), nwbfile, -2.5)
    assert_live(nwbfile, 3.0)
    assert_assay(nwbfile)
    clocks = nwbfile.lab_meta_data["bergmann_conversion"].clocks.to_dataframe()
    assert dict(zip(clocks["source"], clocks["offset_in_seconds"], strict=True)) == {
        "opto": 0.0,
        "movie": 1.5,
        "rois": 2.0,
        "cam": -2.5,
        "live": 3.0,
    }


def test_from_the_command_line(tmp_path: Path, real: Callable[[str], Path], bergmann: Callable[..., Ran]) -> None:
    real(VON_FREY)
    ran = bergmann("convert", write_session_file("assay", tmp_path), "--out", tmp_path / "out", "--json")
    ((conversion),) = json.loads(ran.stdout)
    assert (ran.status, conversion["result"]) == (0, "written"), ran.stdout
    with NWBHDF5IO(conversion["file"], "r") as file:
        assert_assay(file.read())
