"""Shared by all rooms: where the real files are, and how an entry is handed to a writer."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent / "archive"))

from loopback.fixtures import archive, faulty_archive, new_archive, new_faulty_archive  # noqa: F401 - a DANDI archive on loopback

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture
def real() -> Callable[[str], Path]:
    """Give the path of a real file of ``../shared/data``; the test skips where that folder is absent."""

    def find(name: str) -> Path:
        path = DATA / name
        if not path.exists():
            pytest.skip(f"needs the real file ../shared/data/{name}, which is absent here")
        return path

    return find


@dataclass(frozen=True)
class Ran:
    """What a command printed and how it ended."""

    status: int
    stdout: str
    stderr: str


@pytest.fixture
def bergmann(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Run a command line."""
    from bergmann.cli import main

    def run(*arguments: object) -> Ran:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Ran(ended.value.code, printed.out, printed.err)

    return run


@pytest.fixture
def nwbfile() -> Any:
    """An empty NWB file object that started 2024-05-17 10:30:57 UTC."""
    from pynwb import NWBFile

    return NWBFile(
        session_description="test",
        identifier="test",
        session_start_time=datetime(2024, 5, 17, 10, 30, 57, tzinfo=UTC),
        session_id="test",
    )


_CLEAN = """
import json, sys, warnings

class Refuse:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top.startswith("ndx_") or top in {"bergmann", "neuroconv", "dandi", "nwbinspector"}:
            raise ModuleNotFoundError(f"{name} is not installed in a clean environment")
        return None

sys.meta_path.insert(0, Refuse())
warnings.simplefilter("error")
from pynwb import NWBHDF5IO, validate

errors = [str(error) for error in validate(path=sys.argv[1])]
def kind(child):
    made = type(child)
    return made.__name__ if made.__module__.startswith("hdmf.common.") else child.neurodata_type

with NWBHDF5IO(sys.argv[1], "r") as io:
    objects = {child.object_id: kind(child) for child in io.read().all_children()}
print(json.dumps([errors, objects]))
"""


@pytest.fixture
def read_clean() -> Callable[[Path], tuple[list[str], dict[str, str]]]:
    """Read an NWB file in a process that has pynwb alone: its validation errors, and each object's type by object_id."""

    def read(path: Path) -> tuple[list[str], dict[str, str]]:
        done = subprocess.run([sys.executable, "-c", _CLEAN, str(path)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        errors, objects = json.loads(done.stdout.splitlines()[-1])
        return errors, objects

    return read


@pytest.fixture(scope="session")
def converted_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of ``bergmann demo``, made once a test run by the command itself; its JSON stands beside it.

    Tests that run in several processes share it: the first one makes it, the others wait.
    """
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder, answer = shared / "converted-demo", shared / "converted-demo.json"
    try:
        (shared / "converted-demo.lock").mkdir()
    except FileExistsError:
        until = time.monotonic() + 600
        while not answer.exists():
            assert time.monotonic() < until, "the other process never made the demo"
            time.sleep(0.2)
        return folder
    done = subprocess.run(
        [sys.executable, "-m", "bergmann", "demo", str(folder), "--json"], capture_output=True, text=True, check=False
    )
    partial = answer.with_suffix(".partial")
    partial.write_text(json.dumps([done.returncode, done.stdout, done.stderr]), encoding="utf-8")
    partial.replace(answer)
    return folder


@dataclass(frozen=True)
class SmallLab:
    """A folder with the smallest real file of each format.

    Attributes
    ----------
    folder : Path
    keys : mapping of format to mapping
        What a person gives to read it; what a source is derived from stands inline, with its format and part.
    """

    folder: Path
    keys: Mapping[str, Mapping[str, Any]]


@pytest.fixture(scope="session")
def small_lab(tmp_path_factory: pytest.TempPathFactory) -> SmallLab:
    """One animal of the simulated rig, and handwritten files of what that rig does not write."""
    from bergmann.rig import Rig, simulate
    from bergmann.rig.assay import write_calibration, write_von_frey
    from bergmann.rig.boris import write_boris

    folder = tmp_path_factory.mktemp("lab")
    truth = simulate(folder, Rig(n_frames=256, powers=(5e-3,), repeats=1, n_shocks=1, capsaicin=45.0))
    write_boris(folder / "cohort" / "licking.boris", [truth], n_observations=2)
    write_von_frey(folder / "cohort" / "von_frey.csv", [truth])
    write_calibration(folder / "calibration.csv", truth.rig.calibration)
    _write_abf(folder / "patch.abf")
    _write_ppd(folder / "fiber.ppd")
    _write_tdms(folder / "board.tdms")
    _write_spike2(folder / "ced.smr")
    _write_tdt(folder / "tank" / "block.tsq")
    _write_open_ephys(folder / "Record Node 101" / "experiment1" / "recording1")
    _write_intan(folder / "headstage.rhd")
    _write_tiff(folder / "stack" / "stack.tif")
    _write_bruker(folder / "TSeries-001")
    _write_caiman(folder / "caiman" / "rois.hdf5")
    _write_lightning_pose(folder / "cam" / "face.csv", truth.rig.n_camera_frames)
    _write_sleap(folder / "cam" / "face.analysis.h5", truth.rig.n_camera_frames)
    _write_aqua(folder / "events", truth.rig)
    (folder / "waves.csv").write_text("start,stop,dff,um2,where\n3,8,0.75,12.5,left\n20,24,1.5,,right\n", encoding="utf-8")
    _write_spikes(folder / "spikes.npz", folder / "units.csv")
    (folder / "wheel.txt").write_text("100 0 5 \n200 -1 5 \n301 -2 4 \n", encoding="utf-8")
    (folder / "pulses.csv").write_text("on (ms),width\n100,10\n200,10\n300,10\n", encoding="utf-8")
    _write_commands_of_prairieview(folder / "points.xml", folder / "output.xml")
    (folder / "lines.csv").write_text("t,v,ttl\n" + "".join(f"{n / 100},{n % 7},{n % 2}\n" for n in range(300)), encoding="utf-8")
    _write_labchart(folder / "chart.txt")
    _write_arrays(folder / "lines.npz", folder / "lines.mat")
    _write_bpod(folder / "bpod.jsonable")
    _write_pulse_pal(folder / "stimulator.json")
    daq = {"format": "wavesurfer", "path": folder / "daq" / "bg042_0001.h5"}
    movie = {"format": "scanimage", "path": folder / "2p" / "bg042_00001_*.tif"}
    face, paw = ({"format": "video", "path": folder / "cam" / name} for name in ("face.mp4", "paw_*.avi"))
    keys = {
        "abf": {"path": folder / "patch.abf"},
        "wavesurfer": {"path": daq["path"]},
        "pyphotometry": {"path": folder / "fiber.ppd"},
        "tdms": {"path": folder / "board.tdms"},
        "spike2": {"path": folder / "ced.smr"},
        "tdt": {"path": folder / "tank" / "block.tsq"},
        "openephys": {"path": folder / "Record Node 101" / "experiment1" / "recording1" / "structure.oebin"},
        "intan": {"path": folder / "headstage.rhd"},
        "bruker": {"path": folder / "TSeries-001" / "TSeries-001.xml"},
        "scanimage": {"path": movie["path"]},
        "tiff": {"path": folder / "stack" / "stack.tif"},
        "caiman": {"path": folder / "caiman" / "rois.hdf5"},
        "suite2p": {"path": folder / "suite2p", "of": movie},
        "aqua": {"path": folder / "events" / "old_AQuA.mat", "of": movie},
        "aqua2": {"path": folder / "events" / "new_AQuA2.mat", "of": movie},
        "glial_events": {
            "path": folder / "waves.csv",
            "columns": {"onset": "start", "end": "stop", "amplitude": "dff", "area": "um2", "side": "where"},
            "units": {"amplitude": "dF/F", "area": "um2"},
            "unit": "frames",
            "of": movie,
        },
        "spikes": {
            "path": folder / "spikes.npz",
            "columns": {"unit": "clusters", "time": "samples"},
            "unit": "samples",
            "first_sample": 0,
            "of": daq,
            "labels": folder / "units.csv",
        },
        "abf_protocol": {"of": {"format": "abf", "path": folder / "patch.abf"}, "output": "digital 3"},
        "channel-site": {"of": {**daq, "part": "LaserCmd"}, "threshold": "0.5 V"},
        "channel-event": {"of": {**daq, "part": "ShockTTL"}, "event": "noxious shock"},
        "stated_train": {"pulses": 3, "rate": "10 Hz", "width": "10 ms"},
        "bruker_markpoints": {"path": folder / "points.xml"},
        "bruker_voltage_output": {"path": folder / "output.xml"},
        "pulsepal-site": {"path": folder / "stimulator.json", "channel": 1},
        "pulsepal-event": {"path": folder / "stimulator.json", "channel": 2, "event": "puff"},
        "pulse_table": {
            "path": folder / "pulses.csv",
            "columns": {"onset": "on (ms)", "duration": "width"},
            "units": {"onset": "ms", "duration": "ms"},
        },
        "assay": {
            "path": folder / "cohort" / "von_frey.csv",
            "columns": {"value": "Threshold (g)", "side": "Paw", "day": "Day"},
            "unit": "g",
            "rows": {"Animal": "BG042"},
        },
        "boris": {"path": folder / "cohort" / "licking.boris", "observation": "BG042 POD7", "of": face},
        "bpod": {"path": folder / "bpod.jsonable"},
        "deeplabcut": {"path": folder / "cam" / "pawDLC.csv", "of": paw},
        "lightningpose": {"path": folder / "cam" / "face.csv", "of": face},
        "sleap": {"path": folder / "cam" / "face.analysis.h5", "of": face, "individual": "mouse"},
        "encoder": {
            "path": folder / "wheel.txt",
            "columns": {"time": "1", "position": "2"},
            "units": {"time": "ms", "position": "ticks"},
            "header": "none",
        },
        "intervals": {
            "path": folder / "notes.csv",
            "columns": {"label": "what", "start": "from", "stop": "to"},
            "unit": "frames",
            "of": movie,
        },
        "video": {"path": face["path"]},
        "labchart": {"path": folder / "chart.txt"},
        "signal_numpy": {
            "path": folder / "lines.npz",
            "columns": {"time": "t", "laser": "v:2"},
            "units": {"time": "s", "laser": "V"},
            "time_axis": "last",
        },
        "signal_hdf5": {
            "path": folder / "lines.mat",
            "columns": {"laser": "daq/v", "lick": "daq/ttl"},
            "units": {"laser": "V", "lick": "digital"},
            "conversions": {"laser": 0.001},
            "rate": "1 kHz",
        },
        "signal_table": {
            "path": folder / "lines.csv",
            "columns": {"time": "t", "laser": "v", "lick": "ttl"},
            "units": {"time": "s", "laser": "V", "lick": "digital"},
        },
    }
    return SmallLab(folder, keys)


def _write_abf(path: Path) -> None:
    """Two sweeps of ABF 1.8 whose protocol gives three pulses of 5 ms, every 10 ms, on digital output 3."""
    import numpy as np
    from pyabf.abfWriter import writeABF1

    writeABF1(np.linspace(-70, 40, 12800).reshape(2, 6400), str(path), 20000, units="mV")
    content = path.read_bytes()
    content = bytearray(content[:2048].ljust(8192, b"\0") + content[2048:])
    shorts = {2296: 1, 2300: 1, 1436: 1, 1440: 0, 2688: 1, 2308: 1, 2670: 8}
    longs = {40: 16, 2508: 200, 2512: 600, 2140: 200, 2220: 100}
    for at, value in {**shorts, 2310: 1}.items():
        struct.pack_into("<h", content, at, value)
    for at, value in longs.items():
        struct.pack_into("<i", content, at, value)
    for at, number in {4: 1.8, 1394: -70.0, 2348: 40.0, 2352: -70.0}.items():
        struct.pack_into("<f", content, at, number)
    path.write_bytes(content)


def _write_ppd(path: Path) -> None:
    """Twelve samples of three signals of pyPhotometry, LED on and off, with a pulse of three samples on the digital input."""
    import numpy as np

    said = {"subject_ID": "BG042", "date_time": "2024-05-17T10:30:57.250", "mode": "3EX_2EM_pulsed", "sampling_rate": 100}
    more = {"n_analog_signals": 3, "n_digital_signals": 1, "volts_per_division": [1e-4, 1e-4], "version": "1.1.0"}
    header = json.dumps(said | more).encode()
    values = np.arange(72, dtype="<u2") + 1000 << 1
    values[[18, 24, 30]] |= 1
    path.write_bytes(len(header).to_bytes(2, "little") + header + values.tobytes())


def _write_tdms(path: Path) -> None:
    """A TDMS file of one segment: a waveform of 40 samples at 1 kHz, in counts of half a millivolt."""

    def text(value: str) -> bytes:
        return struct.pack("<I", len(value)) + value.encode()

    def number(name: str, value: float) -> bytes:
        return text(name) + struct.pack("<Id", 10, value)

    def word(name: str, value: str) -> bytes:
        return text(name) + struct.pack("<I", 32) + text(value)

    scale = word("NI_Scale[0]_Scale_Type", "Linear") + number("NI_Scale[0]_Linear_Slope", 0.5)
    scale += number("NI_Scale[0]_Linear_Y_Intercept", 0.0) + text("NI_Number_Of_Scales") + struct.pack("<II", 7, 1)
    start = text("wf_start_time") + struct.pack("<IQq", 0x44, 2**62, 3798779457)
    properties = struct.pack("<I", 7) + word("unit_string", "mV") + number("wf_increment", 0.001) + start + scale
    meta = struct.pack("<I", 1) + text("/'board'/'ai0'") + struct.pack("<IIIQ", 20, 2, 1, 40) + properties
    values = struct.pack("<40h", *range(-20, 20))
    lead = b"TDSm" + struct.pack("<IIQQ", 14, 4713, len(meta) + len(values), len(meta))
    path.write_bytes(lead + meta + values)


def _write_spike2(path: Path) -> None:
    """Spike2: 60 samples at 1 kHz in two blocks, and a line that was high three times."""
    import numpy as np

    def title(text: str, size: int) -> bytes:
        return (bytes([len(text)]) + text.encode()).ljust(size, b"\0")

    def channel(name: str, kind: int, places: tuple[int, ...], tail: bytes) -> bytes:
        head = struct.pack("<hiiiHhhhhh72xiih", 0, -1, places[0], places[-1], len(places), 0, 0, 0, 0, 0, 0, 100, 0)
        return head + title(name, 10) + struct.pack("<fBb", 0, kind, 0) + tail.ljust(16, b"\0")

    first = 512 + 2 * 140
    places = (first, first + 20 + 60, first + 2 * (20 + 60))
    scale = struct.pack("<ff", 2.0, 0.0) + title("mmHg", 6)
    header = struct.pack(
        "<h10s8shhhihhhhhidBBBBBBH", 6, b"(C) CED 87", b"", 10, 1, 0, first, 2, 0, 0, 0, 0, 9000, 1e-6, 25, 57, 30, 10, 17, 5, 2024
    )
    content = header.ljust(512, b"\0") + channel("Pressure", 1, places[:2], scale) + channel("Puff", 4, places[2:], b"\1")
    for number, start in enumerate((0, 3000)):
        after = places[1] if number == 0 else -1
        content += (
            struct.pack("<iiiiHH", -1, after, start, start, 1, 30) + np.arange(30 * number, 30 * number + 30, dtype="<i2").tobytes()
        )
    edges = np.array([100, 150, 600, 650, 2000, 2050], dtype="<i4")
    path.write_bytes(content + struct.pack("<iiiiHH", -1, -1, 100, 2050, 2, 6) + edges.tobytes())


def _write_tdt(path: Path) -> None:
    """A TDT block: two pieces of a stream of 256 samples at 1017.25 Hz, and two epocs."""
    import numpy as np

    def record(
        kind: int, name: bytes, seconds: float, place: bytes, *, size: int = 10, channel: int = 0, rate: float = 0.0
    ) -> bytes:
        head = struct.pack("<iI4sHHd", size, kind, name, channel, 0, 1715940000.0 + seconds)
        return head + place + struct.pack("<if", 0 if size > 10 else 4, rate)

    path.parent.mkdir()
    rate = 25e6 / 24576
    content = bytes(40) + record(0x8801, b"\1\0\0\0", 0.0, bytes(8))
    for number in range(2):
        content += record(
            0x8101, b"x465", number * 256 / rate, struct.pack("<q", number * 1024), size=10 + 256, channel=1, rate=rate
        )
        content += record(0x101, b"Cue/", 0.25 + number / 8, struct.pack("<d", number + 1))
    path.write_bytes(content + record(0x8801, b"\2\0\0\0", 1.0, bytes(8)))
    path.with_suffix(".tev").write_bytes(np.arange(512, dtype="<f4").tobytes())


def _write_open_ephys(folder: Path) -> None:
    """Open Ephys 0.6: 60 samples of two channels at 1 kHz from number 500 on, and two pulses on line 1."""
    import numpy as np

    stream = "Acquisition_Board-100.Rhythm_Data"
    names = (("CH1", 0.195, "uV"), ("ADC1", 0.00015258789, "V"))
    channels = [{"channel_name": name, "bit_volts": volts, "units": unit} for name, volts, unit in names]
    board = {"folder_name": f"{stream}/", "stream_name": "Rhythm_Data", "sample_rate": 1000.0, "source_processor_id": 100}
    events = [{"folder_name": f"{stream}/TTL/", "stream_name": "Rhythm_Data", "initial_state": 0}]
    said = {
        "GUI version": "0.6.7",
        "continuous": [board | {"num_channels": 2, "channels": channels}],
        "events": events,
        "spikes": [],
    }
    samples, lines = folder / "continuous" / stream, folder / "events" / stream / "TTL"
    samples.mkdir(parents=True)
    lines.mkdir(parents=True)
    (folder / "structure.oebin").write_text(json.dumps(said, indent=4), encoding="utf-8")
    started = "Software Time (milliseconds since midnight Jan 1st 1970 UTC): 1715941857250\n"
    (folder / "sync_messages.txt").write_text(
        f"{started}Start Time for Acquisition Board (100) - Rhythm_Data @ 1000 Hz: 500\n", encoding="utf-8"
    )
    np.column_stack([np.arange(60), -np.arange(60)]).astype("<i2").tofile(samples / "continuous.dat")
    np.save(samples / "sample_numbers.npy", np.arange(500, 560, dtype=np.int64))
    np.save(lines / "sample_numbers.npy", np.array([510, 515, 530, 535], dtype=np.int64))
    np.save(lines / "states.npy", np.array([1, -1, 1, -1], dtype=np.int16))


def _write_intan(path: Path) -> None:
    """Intan RHD: 256 samples at 20 kHz of an amplifier and a digital input that is high every other 32 samples."""
    import numpy as np

    def text(value: str) -> bytes:
        return struct.pack("<I", 2 * len(value)) + value.encode("utf-16-le")

    def channel(name: str, kind: int) -> bytes:
        return text(name) + text(name) + struct.pack("<10h2f", 0, 0, kind, 1, 0, 0, 0, 0, 0, 0, 0, 0)

    header = struct.pack("<Ihhfh6fh2f", 0xC6912702, 3, 1, 20000.0, 1, *[0.0] * 6, 0, 0.0, 0.0) + text("") * 3
    header += struct.pack("<hh", 0, 13) + text("") + struct.pack("<h", 1) + text("Port A") + text("A")
    header += struct.pack("<hhh", 1, 2, 1) + channel("A-000", 0) + channel("DIGITAL-IN-01", 4)
    numbers = np.arange(256)
    rows = (numbers.astype("<i4"), (numbers + 32768).astype("<u2"), (numbers // 32 % 2).astype("<u2"))
    path.write_bytes(header + b"".join(row[start : start + 128].tobytes() for start in (0, 128) for row in rows))


def _write_lightning_pose(path: Path, n_frames: int) -> None:
    """One body part that moves a pixel a frame to the right, with a variance as the ensemble smoother gives it."""
    columns = ("x", "y", "likelihood", "x_ens_var")
    head = [["scorer", *["ensemble-kalman_tracker"] * 4], ["bodyparts", *["nose"] * 4], ["coords", *columns]]
    rows = [[number, 10.5 + number, 20.25, 0.9, 0.5] for number in range(n_frames)]
    path.write_text("".join(",".join(map(str, row)) + "\n" for row in [*head, *rows]), encoding="utf-8")


def _write_sleap(path: Path, n_frames: int) -> None:
    """An analysis file of two body parts of two animals, one of them only in the first frame."""
    import h5py
    import numpy as np

    tracks = np.full((2, 2, 2, n_frames), np.nan)  # track, x and y, node, frame
    tracks[0] = np.arange(4).reshape(2, 2, 1) + 100.5
    tracks[1, :, :, 0] = 7.25
    with h5py.File(path, "w") as file:
        file["tracks"] = tracks
        file["track_occupancy"] = np.isfinite(tracks).all(axis=(1, 2)).T.astype("u1")
        file["point_scores"] = np.where(np.isfinite(tracks[:, 0]), 0.75, np.nan)
        file["instance_scores"] = file["tracking_scores"] = np.full((2, n_frames), 0.5)
        file["track_names"], file["node_names"] = np.array([b"mouse", b"other"]), np.array([b"nose", b"tail"])
        file["edge_names"], file["edge_inds"] = np.array([[b"nose", b"tail"]]), np.array([[0, 1]])
        file["labels_path"], file["video_path"], file["video_ind"] = "C:/rig/face.slp", "C:/rig/face.mp4", 0
        file["provenance"] = json.dumps({"sleap_version": "1.3.3", "model_paths": ["C:/rig/models/mouse.single/best_model.h5"]})


def _write_tiff(path: Path) -> None:
    """An ImageJ stack of 40 frames, 10 a second."""
    import numpy as np
    import tifffile

    path.parent.mkdir()
    frames = np.random.default_rng(1).integers(0, 4096, (40, 6, 9), dtype=np.uint16)
    tifffile.imwrite(path, frames, imagej=True, metadata={"axes": "TYX", "finterval": 0.1})


def _write_caiman(path: Path) -> None:
    """Results of CaImAn: two components in images of 3 x 5 pixels, 40 frames at 10 Hz, all traces, the first accepted."""
    import h5py
    import numpy as np

    path.parent.mkdir()
    traces = np.random.default_rng(3).normal(size=(4, 2, 40))
    with h5py.File(path, "w") as file:
        for name, values in zip(("C", "F_dff", "S", "YrA"), traces, strict=True):
            file[f"estimates/{name}"] = values
        sparse = {"data": [0.5, 0.25, 1.0], "indices": [4, 5, 14], "indptr": [0, 2, 3], "shape": [15, 2]}
        for name, numbers in sparse.items():
            file[f"estimates/A/{name}"] = np.array(numbers)
        file["estimates/b"] = file["estimates/f"] = "NoneType"
        file["estimates/dims"] = np.array([3, 5])
        file["estimates/idx_components"], file["estimates/idx_components_bad"] = np.array([0]), np.array([1])
        file["params/data/fr"] = 10


def _write_aqua(folder: Path, rig: Any) -> None:
    """Results of AQuA and AQuA2 on the movie of the rig: two events, one of three pixels and one of one."""
    from bergmann.rig.aqua import Event, Run, write_result

    folder.mkdir()
    flare = Event(pixels=((5, 9), (5, 10), (6, 9)), first=3, last=7, peak=5, dff=1.25, seconds=0.5)
    spot = Event(pixels=((8, 20),), first=40, last=40, peak=40, dff=0.5, seconds=0.25)
    run = Run(
        events=(flare, spot),
        shape=rig.image_shape,
        n_frames=rig.n_frames,
        gap=2,
        interval=1 / rig.frame_rate,
        pixel_um=rig.pixel_size * 1e6,
    )
    write_result(folder / "old_AQuA.mat", replace(run, program="AQuA"))
    write_result(folder / "new_AQuA2.mat", run)


def _write_spikes(path: Path, labels: Path) -> None:
    """Two units that fire and one that does not, and what a person said of each."""
    import numpy as np

    np.savez(path, clusters=np.tile([7, 4, 7], 40), samples=np.arange(10, 1210, 10))
    labels.write_text("unit,quality\n4,mua\n7,good\n9,good\n", encoding="utf-8")


def _write_labchart(path: Path) -> None:
    """Two blocks of LabChart, half a minute from the start of one to that of the other, with a comment in the second."""
    lines = []
    for number, remark in ((0, ""), (30, "\t#* capsaicin")):
        lines += ["Interval=\t0.001 s", f"ExcelDateTime=\t{45429 + number / 86400:.16e}\t5/17/2024 00:00:{number:02}.000000"]
        lines += ["TimeFormat=\tStartOfBlock", "DateFormat=\tM/d/yyyy", "ChannelTitle=\tPressure\tTrigger"]
        lines += ["Range=\t10.000 V\t2.000 V", "UnitName=\tmmHg\t*", "TopValue=\t200\t*", "BottomValue=\t0\t*"]
        lines += [f"{n / 1000:g}\t{n / 8}\t{n % 2}{remark if n == 7 else ''}" for n in range(100)]
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")


def _write_arrays(npz: Path, mat: Path) -> None:
    """Two channels and their times, with a gap, as arrays of NumPy; a channel and a line as MATLAB 7.3 has them."""
    import h5py
    import numpy as np

    counts = np.arange(600, dtype=np.int16).reshape(2, 300)
    np.savez(npz, t=np.r_[np.arange(200), np.arange(210, 310)] / 128, v=counts)
    with h5py.File(mat, "w", userblock_size=512) as file:
        file["daq/v"], file["daq/ttl"] = counts[:1], counts[:1].astype("u1") % 2


def _write_bruker(folder: Path) -> None:
    """A T-series of PrairieView: 8 frames of two channels, one page a file, at uneven times."""
    import numpy as np
    import tifffile

    folder.mkdir()
    frames = np.random.default_rng(2).integers(0, 4096, (8, 2, 6, 9), dtype=np.uint16)
    said = []
    for index, frame in enumerate(frames):
        names = [f"{folder.name}_Cycle00001_Ch{channel}_{index + 1:06}.ome.tif" for channel in (1, 2)]
        for name, page in zip(names, frame, strict=True):
            tifffile.imwrite(folder / name, page, metadata=None)
        files = "".join(
            f'<File channel="{number}" channelName="Ch{number}" filename="{name}" />' for number, name in enumerate(names, 1)
        )
        said.append(f'<Frame relativeTime="{index**1.1}" absoluteTime="{2 + index**1.1}" index="{index + 1}">{files}</Frame>')
    (folder / f"{folder.name}.xml").write_text(
        f"""<?xml version="1.0" encoding="utf-8"?><PVScan version="5.6.64.400" date="5/17/2024 10:31:04 AM" notes="">
        <Sequence type="TSeries Timed Element" cycle="1" time="10:31:04.2500000">{"".join(said)}</Sequence></PVScan>""",
        encoding="utf-8",
    )


def _write_commands_of_prairieview(points: Path, output: Path) -> None:
    """Mark Points of two points, and a Voltage Output of three pulses; the comment makes it as long as real ones."""
    points.write_text(
        """<?xml version="1.1" encoding="utf-8"?>
        <PVMarkPointSeriesElements Iterations="2" IterationDelay="500.00" CalcFunctMap="False">
          <PVMarkPointElement Repetitions="1" UncagingLaser="Uncaging" UncagingLaserPower="0.75" TriggerFrequency="None">
            <PVGalvoPointElement InitialDelay="100.00" InterPointDelay="40" Duration="10" Points="Group 1" Indices="1-2">
              <Point Index="1" X="0.10" Y="0.20" Z="0" IsSpiral="True" SpiralSizeInMicrons="20" />
              <Point Index="2" X="0.30" Y="0.40" Z="0" IsSpiral="True" SpiralSizeInMicrons="20" />
            </PVGalvoPointElement>
          </PVMarkPointElement>
        </PVMarkPointSeriesElements>""",
        encoding="utf-8",
    )
    train = {
        "PulseCount": 3, "PulseWidth": 2, "PulseSpacing": 18, "PulsePotentialStart": 5, "PulsePotentialDelta": 0,
        "RestPotential": 0, "FirstPulseDelay": 900, "Repetitions": 1, "DelayBetweenReps": 158,
    }  # fmt: skip
    said = "".join(f"<{key}>{value}</{key}>" for key, value in train.items())
    output.write_text(
        f"""<?xml version="1.0" encoding="utf-8"?><Experiment><Name>light</Name><AOUpdateRate>10000</AOUpdateRate>
        <Waveform><Name>patch</Name><Enabled>false</Enabled><AOLine>0</AOLine><Units>pA</Units></Waveform>
        <Waveform><Name>LED</Name><Enabled>true</Enabled><AOLine>2</AOLine><Units>V</Units><UnitScaleFactor>1</UnitScaleFactor>
        <UnitVoltageOffset>0</UnitVoltageOffset><UnitScaleOffset>0</UnitScaleOffset><PlotColor>-38476</PlotColor>
        <WaveformComponent_PulseTrain><Name>Waveform Component #1</Name>{said}</WaveformComponent_PulseTrain></Waveform>
        </Experiment>""",
        encoding="utf-8",
    )


def _write_bpod(path: Path) -> None:
    """Two trials of pybpod, a trial a line: a state of 0.1 s and a pulse on the first BNC input in each."""
    never = [[float("nan")] * 2]
    states = [{"Wait": [[0.0, 0.25]], "Light": [[0.25, 0.35]], "Lost": never}, {"Wait": [[0.0, 0.5]], "Light": [[0.5, 0.6]]}]
    events = [
        {"BNC1High": [0.1], "BNC1Low": [0.12], "Tup": [0.25, 0.35]},
        {"BNC1High": [0.2], "BNC1Low": [0.25], "Tup": [0.5, 0.6]},
    ]
    lines = []
    for number, (start, stop) in enumerate(((1.5, 1.85), (3.0, 3.6))):
        times = {"Bpod start timestamp": 1.5, "Trial start timestamp": start, "Trial end timestamp": stop}
        found = {**times, "States timestamps": states[number], "Events timestamps": events[number]}
        lines.append(json.dumps({"init_datetime": "2024-05-17T10:31:02", "contrast": 0.5, "behavior_data": found}))
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")


def _write_pulse_pal(path: Path) -> None:
    """Settings of Pulse Pal: four pulses of 10 ms at 20 Hz on each output, started by trigger channel 1."""
    found = {"phase1Duration": 0.01, "interPhaseInterval": 0.001, "phase2Duration": 0.001, "interPulseInterval": 0.04}
    found |= {"burstDuration": 0, "interBurstInterval": 0, "pulseTrainDuration": 0.2, "pulseTrainDelay": 0, "isBiphasic": 0}
    found |= {"phase1Voltage": 5, "phase2Voltage": -5, "restingVoltage": 0, "linkTriggerChannel1": 1, "linkTriggerChannel2": 0}
    found |= {"customTrainID": 0, "customTrainTarget": 0, "customTrainLoop": 0}
    path.write_text(json.dumps({**{name: [value] * 4 for name, value in found.items()}, "triggerMode": [0, 0]}), encoding="utf-8")
