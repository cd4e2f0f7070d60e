"""Damages of a written session (class b), each through plain h5py on a copy of the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

MOVIE = "acquisition/movie_ch1"
LASER = "acquisition/daq_LaserCmd"
DIGESTS = "general/bergmann_conversion/digests"
RECEPTORS = "general/glial_receptor_metadata/receptors"

Change = Callable[[h5py.File], None]


def put(file: h5py.File, path: str, values: Any, **storage: Any) -> None:
    """Store other values in place of a dataset, with its attributes; what points to it does so again."""
    attributes, pointing = dict(file[path].attrs), list(attributes_to(file, path))
    if h5py.check_string_dtype(file[path].dtype) is not None or h5py.check_ref_dtype(file[path].dtype) is not None:
        storage["dtype"] = file[path].dtype
    del file[path]
    made = file.create_dataset(path, data=values, **storage)
    for name, value in attributes.items():
        made.attrs[name] = value
    for one, name in pointing:
        one.attrs[name] = made.ref


def attributes_to(file: h5py.File, path: str) -> Iterator[tuple[Any, str]]:
    """Attributes that are a reference to an object: objects and names."""
    found: list[tuple[Any, str]] = []

    def note(_: str, one: Any) -> None:
        for name, value in one.attrs.items():
            if isinstance(value, h5py.Reference) and value and file[value] == file[path]:
                found.append((one, name))

    file.visititems(note)
    yield from found


def change(path: str, of: Callable[[Any], Any], **storage: Any) -> Change:
    """Values of a dataset are others."""
    return lambda file: put(file, path, of(file[path][()]), **storage)


def element(path: str, index: Any, of: Callable[[Any], Any]) -> Change:
    """One element of a dataset is another."""

    def damage(file: h5py.File) -> None:
        values = np.array(file[path][()])
        values[index] = of(values[index])
        file[path][...] = values

    return damage


def text(path: str, value: str) -> Change:
    """A text is another."""

    def damage(file: h5py.File) -> None:
        file[path][()] = value

    return damage


def attribute(path: str, name: str, value: Any) -> Change:
    def damage(file: h5py.File) -> None:
        file[path].attrs[name] = value

    return damage


def exchanged(one: str, other: str) -> Change:
    def damage(file: h5py.File) -> None:
        first, second = file[one][()], file[other][()]
        file[one][...], file[other][...] = second, first

    return damage


def renamed(one: str, other: str) -> Change:
    def damage(file: h5py.File) -> None:
        file.move(one, f"{one}-")
        file.move(other, one)
        file.move(f"{one}-", other)

    return damage


def rows(table: str, of: Callable[[Any], Any]) -> Change:
    """Rows of every column of a table."""

    def damage(file: h5py.File) -> None:
        for name in [name for name, one in file[table].items() if isinstance(one, h5py.Dataset)]:
            put(file, f"{table}/{name}", of(file[f"{table}/{name}"][()]))

    return damage


def without_last_frame(file: h5py.File) -> None:
    put(file, f"{MOVIE}/data", file[f"{MOVIE}/data"][:-1])
    put(file, f"{MOVIE}/timestamps", file[f"{MOVIE}/timestamps"][:-1])


def turned(file: h5py.File) -> None:
    put(file, f"{MOVIE}/data", file[f"{MOVIE}/data"][()].transpose(0, 2, 1))
    put(file, f"{MOVIE}/dimension", file[f"{MOVIE}/dimension"][()][::-1])


def order(first: int, second: int) -> Callable[[Any], Any]:
    def exchange(values: Any) -> Any:
        values[[first, second]] = values[[second, first]]
        return values

    return exchange


def repeated(values: Any) -> Any:
    values[11] = values[10]
    return values


def other_nan(file: h5py.File) -> None:
    values = file["intervals/light_pulses/power_in_mW"][()]
    values[0] = np.array([0x7FF8000000000001], np.uint64).view(np.float64)[0]
    file["intervals/light_pulses/power_in_mW"][...] = values


def other_population(file: h5py.File) -> None:
    file[f"{RECEPTORS}/population"][...] = 1 - file[f"{RECEPTORS}/population"][()]


def other_injection(file: h5py.File) -> None:
    column = file[f"{RECEPTORS}/viral_vector_injections"]
    column[0] = file["general/glial_receptor_metadata/injection_virus_lc_opsin"].ref


def other_video(file: h5py.File) -> None:
    name = file["acquisition/face_cam/external_file"].asstr()[0]
    file["acquisition/face_cam/external_file"][0] = name.replace("_0.", "_1.")


def changed_video(file: h5py.File) -> None:
    """One byte of the video; the file beside may be a link to the source, so that it is written anew."""
    video = Path(file.filename).parent / file["acquisition/face_cam/external_file"].asstr()[0]
    content = bytearray(video.read_bytes())
    content[len(content) // 2] ^= 1
    video.unlink()
    video.write_bytes(bytes(content))


def another_digest(file: h5py.File) -> None:
    column = file[f"{DIGESTS}/sha256"]
    row = file[f"{DIGESTS}/path"].asstr()[:].tolist().index(f"{MOVIE}/data")
    column[row] = "0" * 64


def removed(path: str) -> Change:
    def damage(file: h5py.File) -> None:
        del file[path]

    return damage


def added(file: h5py.File) -> None:
    file.copy("acquisition/daq_CamTTL", "acquisition/extra")


CHANGES: Mapping[str, Change] = {
    "b001": element(f"{MOVIE}/data", (500, 3, 4), lambda value: value + 1),
    "b002": change(f"{MOVIE}/data", order(10, 11)),
    "b003": change(f"{MOVIE}/data", repeated),
    "b004": without_last_frame,
    "b005": turned,
    "b006": change(f"{MOVIE}/data", lambda values: values[:, ::-1].copy()),
    "b007": exchanged(f"{MOVIE}/data", "acquisition/movie_ch2/data"),
    "b008": change(f"{MOVIE}/data", lambda values: values.astype(np.int32)),
    "b009": change(f"{MOVIE}/data", lambda values: values.astype(">i2")),
    "b010": change(f"{MOVIE}/data", lambda values: values, chunks=(3, 7, 5), compression="gzip", compression_opts=9),
    "b011": change(f"{MOVIE}/timestamps", lambda values: values + 1e-3),
    "b012": element(f"{MOVIE}/timestamps", 7, lambda value: np.nextafter(value, 1e9)),
    "b013": change(f"{MOVIE}/timestamps", lambda values: values.astype(np.float32)),
    "b014": element(f"{LASER}/data", 1234, lambda value: value + 1),
    "b015": change(f"{LASER}/data", lambda values: np.roll(values, 1)),
    "b016": exchanged(f"{LASER}/data", "acquisition/daq_FrameClock/data"),
    "b017": attribute(f"{LASER}/data", "conversion", 0.322),
    "b018": attribute(f"{LASER}/data", "unit", "mV"),
    "b019": element(f"{LASER}/starting_time", (), lambda value: value + 0.25),
    "b020": attribute(f"{LASER}/starting_time", "rate", 1001.0),
    "b021": element("stimulus/presentation/light/data", 1, lambda value: value * 1000),
    "b022": rows("intervals/light_pulses", lambda values: np.delete(values, 5)),
    "b023": rows("intervals/light_pulses", lambda values: np.insert(values, 5, values[5])),
    "b024": element("intervals/light_pulses/start_time", 5, lambda value: value + 1e-6),
    "b025": other_nan,
    "b026": change("processing/ophys/Fluorescence/rois_raw/data", lambda values: values[:, ::-1].copy()),
    "b027": element("processing/ophys/ImageSegmentation/rois/pixel_mask", 0, lambda one: (one[0] + 1, one[1], one[2])),
    "b028": element("processing/ophys/ImageSegmentation/rois/is_cell", 0, lambda value: not value),
    "b029": element("processing/behavior/paw/toe/data", (9, 0), lambda value: value + 0.5),
    "b030": change("processing/behavior/paw/toe/confidence", lambda values: values.astype(np.float32).astype(np.float64)),
    "b031": renamed("processing/behavior/paw/toe", "processing/behavior/paw/heel"),
    "b032": element("events/licking_licking/timestamp", 0, lambda value: value + 1),
    "b033": element("events/licking_licking/duration", -1, lambda value: np.nan),
    "b034": element("events/drug_administrations/dose", 0, lambda value: 100.0),
    "b035": element("events/drug_administrations/compound", 0, lambda value: "allyl isothiocyanate"),
    "b036": text("general/subject/sex", "M"),
    "b037": text("general/subject/age", "P79W"),
    "b038": attribute("general/subject/age", "reference", "gestational"),
    "b039": text("session_start_time", "2024-05-17T10:30:57"),
    "b040": other_population,
    "b041": other_injection,
    "b042": text("general/optophysiology/bg_plane/description", "Imaging plane. Population: bh."),
    "b043": other_video,
    "b044": changed_video,
    "b045": removed("processing/behavior/paw/toe"),
    "b046": added,
    "b047": attribute(MOVIE, "neurodata_type", "TwoPhotonSerie"),
    "b048": removed("specifications/ndx-pose"),
    "b049": element("general/bergmann_conversion/statements/value", 3, lambda value: "another"),
    "b050": another_digest,
    "b051": removed(DIGESTS),
    "b052": element(f"{MOVIE}/data", (500, 3, 4), lambda value: value + 1),
    "b053": change(f"{MOVIE}/timestamps", lambda values: values + 1e-3),
    "b054": change(f"{LASER}/data", lambda values: np.roll(values, 1)),
    "b055": change("processing/behavior/paw/toe/data", lambda values: values[:, ::-1].copy()),
}
"""What is changed in the file of each damage; the two that change a source are with their runner."""

CONTROLS = frozenset({"b009", "b010"})
"""Damages that change no value: nothing may be found."""


def sign_anew(path: Path) -> None:
    """Write the digests of a changed file over those it had, as a forger would."""
    from bergmann.proof.digests import digest_file
    from bergmann.proof.record import FILE_BESIDE, OF_THE_RECORD, read_digests, seal, write_digests

    with h5py.File(path, "r+") as file:
        before = list(read_digests(file))
        beside = {place: one for place, one, _ in before if one.dtype == FILE_BESIDE}
        sources = {place: source for place, _, source in before}
        found = dict(digest_file(file, leave_out=OF_THE_RECORD))
        for place in OF_THE_RECORD:
            del file[place]
        write_digests(file, {**found, **beside}, sources)
    seal(path)
