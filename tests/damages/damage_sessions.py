"""Damages of class a: a good file made implausible through plain h5py, as another program could have written it.

A damage says nothing of the digests of the file: these are taken away first (`as_of_another_program`), so that its content is
judged.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from damage_files import MOVIE, RECEPTORS, added, attribute, change, element, exchanged, put, removed, rows, text

Change = Callable[[h5py.File], None]

PULSES, EPOCHS, SERIES = "intervals/light_pulses", "intervals/optogenetic_epochs", "stimulus/presentation/light"
SITE, PLANE = "general/optogenetics/lc_terminals", "general/optophysiology/bg_plane"
ROIS, RAW = "processing/ophys/ImageSegmentation/rois", "processing/ophys/Fluorescence/rois_raw"
GLIAL, DRUGS, TOE = "general/glial_receptor_metadata", "events/drug_administrations", "processing/behavior/paw/toe"
SUBJECT, LICKING, LEFT = "general/subject", "events/licking_licking", "processing/behavior/left_paw"
LASER = "acquisition/daq_LaserCmd"
STATES = "intervals/receptor_states"


def as_of_another_program(file: h5py.File) -> None:
    """Take the digests away: a file that bergmann did not write has none."""
    for name in ("digests", "file_sha256"):
        file.pop(f"general/bergmann_conversion/{name}", None)


def several(*changes: Change) -> Change:
    def damage(file: h5py.File) -> None:
        for one in changes:
            one(file)

    return damage


def scaled(path: str, factor: float) -> Change:
    return change(path, lambda values: values * factor)


def filled(path: str, value: Any) -> Change:
    return change(path, lambda values: np.full_like(values, value))


def at(path: str, where: Any, value: Any) -> Change:
    return element(path, where, lambda _: value)


def power(factor: float) -> Change:
    return several(*(scaled(path, factor) for path in (f"{PULSES}/power_in_mW", f"{EPOCHS}/power_in_mW", f"{SERIES}/data")))


def every_power(value: float) -> Change:
    return several(*(filled(path, value) for path in (f"{PULSES}/power_in_mW", f"{EPOCHS}/power_in_mW")))


def series(of: Callable[[Any, Any], tuple[Any, Any]]) -> Change:
    """Samples and times of the series of light."""

    def damage(file: h5py.File) -> None:
        values, times = of(file[f"{SERIES}/data"][()], file[f"{SERIES}/timestamps"][()])
        put(file, f"{SERIES}/data", values)
        put(file, f"{SERIES}/timestamps", times)

    return damage


def times_of_movie(of: Callable[[Any], Any]) -> Change:
    return change(f"{MOVIE}/timestamps", of)


def set_slice(where: slice, value: Any) -> Callable[[Any], Any]:
    def damage(values: Any) -> Any:
        values[where] = value
        return values

    return damage


def masks(of: Callable[[Any], Any]) -> Change:
    return change(f"{ROIS}/pixel_mask", of)


def field(name: str, of: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def damage(values: Any) -> Any:
        values[name] = of(values[name])
        return values

    return damage


def turned_masks(values: Any) -> Any:
    values["x"], values["y"] = values["y"].copy(), values["x"].copy()
    return values


def weightless(file: h5py.File) -> None:
    values = file[f"{ROIS}/pixel_mask"][()]
    values["weight"][: int(file[f"{ROIS}/pixel_mask_index"][0])] = 0
    put(file, f"{ROIS}/pixel_mask", values)


def repeated_frame(values: Any) -> Any:
    values[501] = values[500]
    return values


def quarter_again(values: Any) -> Any:
    n = len(values) // 4
    values[-n:] = values[:n]
    return values


def swapped_rows(first: int, second: int) -> Callable[[Any], Any]:
    def damage(values: Any) -> Any:
        values[[first, second]] = values[[second, first]]
        return values

    return damage


def one_pulse_less(values: Any) -> Any:
    return np.delete(values, 5)


def one_pulse_more(file: h5py.File) -> None:
    """A pulse between the fifth and the sixth."""
    for name in list(file[PULSES]):
        values = file[f"{PULSES}/{name}"][()]
        put(file, f"{PULSES}/{name}", np.insert(values, 6, values[5]))
    start, stop = file[f"{PULSES}/start_time"], file[f"{PULSES}/stop_time"]
    width = stop[5] - start[5]
    start[6] = (start[5] + start[7]) / 2
    stop[6] = start[6] + width


def second_site(file: h5py.File) -> None:
    file.copy(SITE, "general/optogenetics/spare")
    file["general/optogenetics/spare"].attrs["object_id"] = "00000000-0000-4000-8000-000000000001"


def one_more_column(values: Any) -> Any:
    return np.concatenate([values, values[:, :1]], axis=1)


def video(of: Callable[[str], str]) -> Change:
    def damage(file: h5py.File) -> None:
        file["acquisition/face_cam/external_file"][0] = of(file["acquisition/face_cam/external_file"].asstr()[0])

    return damage


def video_file(of: Callable[[Path], None]) -> Change:
    def damage(file: h5py.File) -> None:
        of(Path(file.filename).parent / file["acquisition/face_cam/external_file"].asstr()[0])

    return damage


def emptied(path: Path) -> None:
    path.unlink()
    path.touch()


def other_namespace(file: h5py.File) -> None:
    file["specifications"].copy("ndx-pose", "ndx-other")


def top_names_another(file: h5py.File) -> None:
    (version,) = file["specifications/bergmann-session"]
    place = f"specifications/bergmann-session/{version}/namespace"
    said = json.loads(file[place].asstr()[()])
    said["namespaces"][0]["schema"].append({"namespace": "ndx-absent"})
    del file[place]
    file[place] = json.dumps(said)


def null_reference(file: h5py.File) -> None:
    column = file[f"{RECEPTORS}/viral_vector_injections"]
    column[0] = h5py.Reference()


def nowhere(file: h5py.File) -> None:
    del file["processing/behavior/paw_position/toe"]
    file["processing/behavior/paw_position/toe"] = h5py.SoftLink("/processing/behavior/paw/absent")


def cut_chunk(file: h5py.File) -> None:
    values = file[f"{LASER}/data"][()]
    put(file, f"{LASER}/data", values, chunks=(len(values),), compression="gzip")
    data = file[f"{LASER}/data"]
    mask, stored = data.id.read_direct_chunk((0,))
    data.id.write_direct_chunk((0,), stored[: len(stored) // 2], mask)


def without_evidence(file: h5py.File) -> None:
    table = file[RECEPTORS]
    gone = ("construct", "genetic_method", "procedures", "procedures_index")
    gone = (*gone, "viral_vector_injections", "viral_vector_injections_index")
    for name in gone:
        table.pop(name, None)
    table.attrs["colnames"] = np.array([name for name in table.attrs["colnames"] if name not in gone], dtype=object)


def column_text(path: str, value: str) -> Change:
    return at(path, 0, value)


def exchanged_columns(file: h5py.File) -> None:
    """The traces of the first two ROIs, all kinds of them alike."""
    for name in file["processing/ophys/Fluorescence"]:
        path = f"processing/ophys/Fluorescence/{name}/data"
        put(file, path, file[path][()][:, [1, 0, *range(2, file[path].shape[1])]])


def day_for_month(file: h5py.File) -> None:
    """4 May is 5 April, 29 days earlier, and what was reckoned from it is moved along."""
    for name in ("session_start_time", "timestamps_reference_time"):
        before = file[name].asstr()[()]
        assert before.startswith("2024-05-04")
        file[name][()] = before.replace("2024-05-04", "2024-04-05")
    file[f"{SUBJECT}/age"][()] = f"P{int(file[f'{SUBJECT}/age'].asstr()[()].strip('PD')) - 29}D"
    days = f"{GLIAL}/procedures/days_before_session"
    put(file, days, file[days][()] - 29)


def without_designer(file: h5py.File) -> None:
    """The last receptor is gone, and the drug that acts on it, the last, names none."""
    rows(RECEPTORS, lambda values: values[:-1])(file)
    put(file, f"{DRUGS}/receptors", file[f"{DRUGS}/receptors"][()][:1])
    put(file, f"{DRUGS}/receptors_index", np.array([1, 1], np.uint8))


def without_receptors(file: h5py.File) -> None:
    """The first drug, an antagonist, names no receptor."""
    put(file, f"{DRUGS}/receptors", file[f"{DRUGS}/receptors"][()][1:])
    put(file, f"{DRUGS}/receptors_index", np.array([0, 1], np.uint8))


DAMAGES: Mapping[str, Change] = {
    "a001": power(1000),
    "a002": power(0.001),
    "a003": at(f"{SERIES}/data", 1, 5000.0),
    "a004": at(f"{PULSES}/power_in_mW", 7, np.nan),
    "a005": several(at(f"{SERIES}/data", 5, -0.005), at(f"{SERIES}/data", 6, -0.005)),
    "a006": filled(f"{EPOCHS}/power_in_mW", -5.0),
    "a007": several(every_power(0.0), filled(f"{SERIES}/data", 0.0)),
    "a008": every_power(np.inf),
    "a009": text(f"{SITE}/excitation_lambda", 4.73e-7),
    "a010": text(f"{SITE}/excitation_lambda", 0.473),
    "a011": filled(f"{PULSES}/wavelength_in_nm", 0.473),
    "a012": filled(f"{PULSES}/wavelength_in_nm", 561.0),
    "a013": several(
        text(f"{SITE}/excitation_lambda", 635.0),
        filled(f"{PULSES}/wavelength_in_nm", 635.0),
        filled(f"{EPOCHS}/wavelength_in_nm", 635.0),
    ),
    "a014": attribute("general/optogenetic_experiment_metadata/optogenetic_effectors/ChR2 (opsin)", "label", "eNpHR3.0"),
    "a015": at(f"{EPOCHS}/pulse_length_in_ms", 0, 5000.0),
    "a016": element(f"{PULSES}/stop_time", 3, lambda value: value + 1.0),
    "a017": scaled(f"{EPOCHS}/pulse_length_in_ms", 0.001),
    "a018": element(f"{EPOCHS}/stop_time", 0, lambda value: value - 0.5),
    "a019": scaled(f"{EPOCHS}/period_in_ms", 20),
    "a020": rows(PULSES, one_pulse_less),
    "a021": one_pulse_more,
    "a022": element(f"{EPOCHS}/number_pulses_per_pulse_train", 0, lambda value: value + 1),
    "a023": series(lambda values, times: (values[:-4], times[:-4])),
    "a024": series(lambda values, times: (values, times + 0.005)),
    "a025": series(lambda values, times: (np.insert(values, 0, values[1]), np.insert(times, 0, 0.0))),
    "a026": series(lambda values, times: (values.reshape(-1, 4)[:, 1:3].ravel(), times.reshape(-1, 4)[:, 1:3].ravel())),
    "a027": second_site,
    "a028": filled(f"{PULSES}/optogenetic_sites", 3),
    "a029": several(scaled(f"{EPOCHS}/pulse_length_in_ms", 100), scaled(f"{EPOCHS}/period_in_ms", 100)),
    "a030": text(f"{SITE}/location", "unknown"),
    "a031": removed(SERIES),
    "a032": text(f"{PLANE}/excitation_lambda", 9.2e-7),
    "a033": text(f"{PLANE}/excitation_lambda", 1300.0),
    "a034": text(f"{PLANE}/channel_1/emission_lambda", 920.0),
    "a035": lambda file: file.create_dataset(f"{PLANE}/imaging_rate", data=30.0),
    "a036": times_of_movie(lambda values: np.arange(len(values), dtype=float)),
    "a037": times_of_movie(lambda values: values * 1000),
    "a038": filled(f"{PLANE}/grid_spacing", 4.0),
    "a039": at(f"{PLANE}/grid_spacing", 0, 0.0),
    "a040": change(f"{MOVIE}/data", set_slice(slice(500, 520), 32767)),
    "a041": change(f"{MOVIE}/data", set_slice(slice(500, 520), 0)),
    "a042": change(f"{MOVIE}/data", set_slice(slice(-1, None), 100)),
    "a043": change(f"{MOVIE}/data", repeated_frame),
    "a044": change(f"{MOVIE}/data", quarter_again),
    "a045": lambda file: put(file, "acquisition/movie_ch2/data", file[f"{MOVIE}/data"][()]),
    "a046": change(f"{MOVIE}/dimension", lambda values: values[::-1]),
    "a047": masks(field("x", lambda x: np.where(np.arange(len(x)) == 0, 40, x))),
    "a048": masks(field("x", lambda x: x + 1)),
    "a049": masks(turned_masks),
    "a050": masks(field("x", lambda x: 31 - x)),
    "a051": masks(field("y", lambda y: 11 - y)),
    "a052": several(*(change(f"processing/ophys/rois_images/{name}", lambda v: v.T.copy()) for name in ("mean", "reference"))),
    "a053": change(f"{RAW}/data", lambda values: values[:-1]),
    "a054": times_of_movie(lambda values: values[:-1]),
    "a055": change(f"{RAW}/data", lambda values: values.T.copy()),
    "a056": change(f"{RAW}/data", one_more_column),
    "a057": change(f"{ROIS}/is_cell", lambda values: np.linspace(0.1, 0.9, len(values))),
    "a058": weightless,
    "a059": change(f"{RAW}/data", lambda values: values[:, ::-1].copy()),
    "a060": exchanged(f"{RAW}/data", "processing/ophys/Fluorescence/rois_deconvolved/data"),
    "a061": exchanged_columns,
    "a062": change(f"{MOVIE}/data", lambda values: np.roll(values, 1, axis=0)),
    "a063": change(f"{MOVIE}/data", lambda values: values + 1),
    "a064": text(f"{LASER}/starting_time", -500.0),
    "a065": times_of_movie(lambda values: values + 1715909457.0),
    "a066": times_of_movie(swapped_rows(10, 11)),
    "a067": at(f"{MOVIE}/timestamps", 10, np.nan),
    "a068": times_of_movie(lambda values: values[::-1].copy()),
    "a069": times_of_movie(lambda values: np.maximum(values, values[29])),
    "a070": times_of_movie(lambda values: np.minimum(values, values[-30])),
    "a071": several(*(text(f"acquisition/{name}/starting_time", 3900.0) for name in ("paw_cam", "face_cam"))),
    "a072": rows(LICKING, lambda values: values[::-1].copy()),
    "a073": at(f"{LICKING}/duration", -1, np.nan),
    "a074": at("intervals/notes/stop_time", 0, 0.5),
    "a075": lambda file: put(
        file, "intervals/notes/stop_time", file["intervals/notes/stop_time"][()] - file["intervals/notes/start_time"][()]
    ),
    "a076": at("general/bergmann_conversion/clocks/residual_in_seconds", 1, 0.9),
    "a077": text("session_start_time", "2024-05-17T10:30:57"),
    "a078": several(*(text(name, "1970-01-01T00:00:00+09:00") for name in ("session_start_time", "timestamps_reference_time"))),
    "a079": several(*(text(name, "2094-05-17T10:30:57+09:00") for name in ("session_start_time", "timestamps_reference_time"))),
    "a080": attribute(f"{LASER}/starting_time", "rate", 0.001),
    "a081": attribute("acquisition/face_cam/starting_time", "rate", np.nan),
    "a082": several(
        change(f"{MOVIE}/data", lambda values: np.delete(values, 500, axis=0)),
        times_of_movie(lambda values: np.delete(values, 500)),
    ),
    "a083": several(*(text(name, "2024-05-17T10:30:57+00:00") for name in ("session_start_time", "timestamps_reference_time"))),
    "a084": text(f"{LASER}/starting_time", 0.04),
    "a085": day_for_month,
    "a086": text(f"{SUBJECT}/age", "P79Y"),
    "a087": text(f"{SUBJECT}/age", "79"),
    "a088": text(f"{SUBJECT}/date_of_birth", "2024-01-28T00:00:00+09:00"),
    "a089": text(f"{SUBJECT}/date_of_birth", "2024-06-28T00:00:00+09:00"),
    "a090": text(f"{SUBJECT}/weight", "21.4 kg"),
    "a091": text(f"{SUBJECT}/species", "mouse"),
    "a092": text(f"{SUBJECT}/sex", "M"),
    "a093": text(f"{SUBJECT}/subject_id", "BG043"),
    "a094": without_evidence,
    "a095": at(f"{RECEPTORS}/population", 0, 1),
    "a096": column_text(f"{RECEPTORS}/gene_id", "NCBIGene:11554"),
    "a097": column_text(f"{RECEPTORS}/receptor_id", "IUPHAR:28"),
    "a098": column_text(f"{RECEPTORS}/genetic_status", "endogenous"),
    "a099": at(f"{RECEPTORS}/population", 1, -1),
    "a100": without_designer,
    "a101": without_receptors,
    "a102": column_text(f"{DRUGS}/dose_unit", "g"),
    "a103": column_text(f"{DRUGS}/dose_unit", "mM"),
    "a104": at(f"{DRUGS}/dose", 0, -10.0),
    "a105": column_text(f"{DRUGS}/dose_unit", "M"),
    "a106": at(f"{STATES}/stop_time", 0, 20.0),
    "a107": at(f"{DRUGS}/timestamp", 0, 25.0),
    "a108": several(
        column_text(f"{GLIAL}/cell_populations/location", "spinal cord"),
        column_text(f"{GLIAL}/cell_populations/location_id", "UBERON:0002240"),
    ),
    "a109": column_text(f"{GLIAL}/cell_populations/location_id", "MBA:147"),
    "a110": attribute(f"{GLIAL}/vector_gcamp", "titer_in_vg_per_ml", 1.2),
    "a111": attribute(f"{GLIAL}/injection_virus_cerebellum_gcamp", "volume_in_uL", 500000.0),
    "a112": at(f"{GLIAL}/procedures/days_before_session", 3, 70.0),
    "a113": several(column_text(f"{DRUGS}/compound", "piperine"), column_text(f"{DRUGS}/compound_id", "CHEBI:28821")),
    "a114": scaled(f"{TOE}/confidence", 100),
    "a115": at(f"{TOE}/confidence", 9, -1.0),
    "a116": change(f"{TOE}/data", lambda values: values[:, ::-1].copy()),
    "a117": scaled(f"{TOE}/data", 40),
    "a118": at(f"{TOE}/data", (9, 0), 1e9),
    "a119": element(f"{LICKING}/timestamp", -1, lambda value: value + 7200),
    "a120": at(f"{LEFT}/value", 0, 40.0),
    "a121": scaled(f"{LEFT}/value", 9.81),
    "a122": at(f"{LEFT}/value", 0, -0.6),
    "a123": removed(TOE),
    "a124": text("acquisition/face_cam/num_samples", 12),
    "a125": lambda file: (
        file.move(LEFT, f"{LEFT}-"),
        file.move("processing/behavior/right_paw", LEFT),
        file.move(f"{LEFT}-", "processing/behavior/right_paw"),
    ),
    "a126": attribute(MOVIE, "neurodata_type", "TwoPhotonSerie"),
    "a127": attribute(GLIAL, "namespace", "ndx-absent"),
    "a128": removed("specifications/ndx-pose"),
    "a129": other_namespace,
    "a130": top_names_another,
    "a131": video(lambda name: f"/data/rig/{name}"),
    "a132": video(lambda name: name.replace("/", "\\")),
    "a133": video_file(lambda path: path.unlink()),
    "a134": video_file(emptied),
    "a135": at(f"{RECEPTORS}/population", 0, 9),
    "a136": null_reference,
    "a137": nowhere,
    "a138": element(f"{ROIS}/pixel_mask_index", -1, lambda value: value - 5),
    "a139": change(f"{ROIS}/pixel_mask_index", swapped_rows(2, 3)),
    "a140": change("intervals/notes/label", lambda values: values[:-1]),
    "a141": lambda file: file["intervals/notes"].attrs.create(
        "colnames", [*file["intervals/notes"].attrs["colnames"], "absent"], dtype=h5py.string_dtype()
    ),
    "a142": added,
    "a143": times_of_movie(lambda values: values.astype(np.float32)),
    "a144": lambda file: put(file, f"{MOVIE}/data", np.full((8, 2, 2), "x", dtype=object), dtype=h5py.string_dtype()),
    "a145": text(f"{PLANE}/description", "Read from C:\\Users\\anna\\data\\movie.tif"),
    "a146": attribute(LASER, "comments", "ask anna@example.org"),
    "a147": cut_chunk,
    "a148": removed("general/session_id"),
    "a149": several(
        lambda file: file.move("general/devices/scope", "general/devices/PlaceholderMicroscope"),
        attribute("general/devices/PlaceholderMicroscope", "description", "unknown"),
    ),
}
"""Each changes the copy of a file that is open, of the file that `ON` says."""

ON = {
    **dict.fromkeys(("a120", "a121", "a122", "a125"), "assay"),
    **dict.fromkeys(("a085", "a099", "a100", "a101", "a105", "a106", "a107"), "slice"),
    "a061": "rois",
}
"""Which good file is damaged, where it is not an imaging session of the demo (``"session"``)."""
