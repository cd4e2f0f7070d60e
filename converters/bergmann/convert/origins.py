"""How every metadata value that bergmann writes comes about: one table of rules, by neurodata type and field.

A value is *stated* by a person (or said to be unknown), read from a *file*, *derived* by us from what is stated or read, or taken
from the bundled *vocabulary*. What says nothing of a session (units that the schema fixes, texts that explain a column) is a
constant, and has no row. A field without a rule here fails `tests/convert/test_ledger.py`, with its path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from bergmann.convert.ledger import MOST_VALUES, Known, Leaf, Owner, leaves_of
from bergmann.convert.places import place_in
from bergmann.receptors.terms import compound_of, place_of
from bergmann.receptors.vocabulary import find_cell
from bergmann.records import Record, Recording
from bergmann.registry import Source
from bergmann.signals.stated import series_names
from ndx_bergmann import Statement

LONGEST = 80
"""Characters of a value that a row shows; what stands in the file is whole."""

Rows = Iterator[Statement]
Make = Callable[[Leaf, Known, Owner], Rows]
"""Gives the rows of one value; none where it does not apply."""


@dataclass(frozen=True)
class Rule:
    """How a field comes about.

    Attributes
    ----------
    kind : str
        Neurodata type of the object (or of one that it is derived from); ``*`` for all.
    fields : str
        Patterns with spaces between; ``*@description`` is the description of any column.
    origin : callable or str
        What makes the rows; a text says why it is a constant, which has none.
    of : str
        Kind of record, or collection, that the object was made of; empty for all.
    """

    kind: str
    fields: str
    origin: Make | str
    of: str = ""

    def covers(self, kinds: tuple[str, ...], field: str, maker: str) -> bool:
        """Whether it is the rule of a field."""
        is_kind = self.kind == "*" or self.kind in kinds
        return is_kind and self.of in ("", maker) and any(fnmatchcase(field, one) for one in self.fields.split())


# --- what makes rows --------------------------------------------------------------------------------------------------


def shown(value: Any) -> str:
    """A value as a row shows it: texts joined by commas, cut where they are long."""
    if isinstance(value, bytes):
        value = value.decode()
    if isinstance(value, np.ndarray) and value.dtype.kind in "iuf" and value.size > MOST_VALUES:
        return f"{np.nanmin(value):g} to {np.nanmax(value):g}" if np.isfinite(value).any() else "nan"
    if isinstance(value, list | tuple | np.ndarray):
        value = ", ".join(dict.fromkeys(shown(one) for one in np.ravel(np.asarray(value, dtype=object)).tolist()))
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _words(leaf: Leaf, known: Known, owner: Owner) -> dict[str, str]:
    """What may stand in ``{}`` of a key: the entry's name, and names that its entry gives."""
    collection, name = owner
    words = {"name": name, "collection": collection, "holder": str(leaf.holder.name), "field": leaf.field.lstrip("@")}
    words["number"] = words["holder"].removeprefix("channel_")
    stated = known.stated(owner)
    for key in ("laser", "fibre", "vector", "receptor"):
        words[key] = str(getattr(stated, key, None) or "")
    sites = known.entries("light_sites").items()
    words["site"] = next((key for key, one in sites if getattr(one, "fibre", None) == name), "")
    for key, one in known.entries("procedures").items():
        for index in range(len(getattr(one, "sites", ()))):
            number = f"_{index + 1}" if len(getattr(one, "sites", ())) > 1 else ""
            if words["holder"] == f"injection_{key}_{name}{number}":
                words |= {"procedure": key, "index": str(index)}
    return words


def _keys(known: Known, key: str) -> list[str]:
    """The stated keys at or below a dotted key, as the person wrote it (of a run: where the run states it)."""
    there = known.aligned.plan.loaded
    real = there.runs.stated_key(key)
    return [one for one in there.texts if one == real or one.startswith(f"{real}.")] if "{" not in key and ".." not in key else []


def _place(known: Known, key: str) -> str:
    origin = known.aligned.plan.loaded.origins[key]
    return f"{origin.document.name}:{origin.line}"


_UNKNOWN = {"unknown"}
_UNKNOWN_SEX = {"u", "unknown"}


def _is_unknown(key: str, text: str) -> bool:
    return text.strip().lower() in (_UNKNOWN_SEX if key == "subject.sex" else _UNKNOWN)


def stated_row(known: Known, key: str, path: str = "") -> Statement:
    """The row of what a person stated."""
    text = known.aligned.plan.loaded.texts[key]
    return Statement(key, text, _place(known, key), "unknown" if _is_unknown(key, text) else "stated", path)


def stated(*templates: str) -> Make:
    """The first of these keys that is stated; of a list each of its texts."""

    def make(leaf: Leaf, known: Known, owner: Owner) -> Rows:
        words = _words(leaf, known, owner)
        for template in templates:
            found = _keys(known, template.format_map(_Missing(words)))
            if found:
                yield from (stated_row(known, key, leaf.path) for key in found)
                return

    return make


class _Missing(dict[str, str]):
    """Leaves a word that is not known as it is, so that the key is none."""

    def __missing__(self, key: str) -> str:
        return f"{{{key}}}"


def _own_key(leaf: Leaf, owner: Owner) -> str:
    """The dotted path of a value that nobody stated: its name, of the entry that it was made of."""
    name = leaf.field.lstrip("@").removeprefix("general/").replace("/", ".").replace("@", ".")
    if owner[1]:
        return f"{owner[0]}.{owner[1]}.{name}"
    return f"subject.{name}" if "Subject" in leaf.kinds else name


def derived(how: str, *templates: str) -> Make:
    """What bergmann makes of what is stated under these keys (or of a source, where none is): `how` says it in words."""

    def make(leaf: Leaf, known: Known, owner: Owner) -> Rows:
        words = _words(leaf, known, owner)
        named = [template.format_map(_Missing(words)) for template in templates]
        found = [key for key in named if _keys(known, key)]
        places = [f"{key} ({_place(known, _keys(known, key)[0])})" for key in found]
        of = f", from {', '.join(places)}" if places else ""
        yield Statement(_own_key(leaf, owner), shown(leaf.value), f"{how}{of}", "derived", leaf.path)

    return make


def from_file(field: str) -> Make:
    """What a source's files say."""

    def make(leaf: Leaf, known: Known, owner: Owner) -> Rows:
        if owner[0] == "sources":
            yield file_row(known, owner[1], field, shown(leaf.value), leaf.path)

    return make


def file_row(known: Known, source: str, field: str, value: str, path: str, key: str = "") -> Statement:
    """The row of what a source's files say, with the file and where in it."""
    entry, record = known.aligned.plan.loaded.sources[source], known.aligned.records[source]
    place = place_in(entry.format.key, field)
    where = _files(known, entry.source, record)
    return Statement(key or f"sources.{source}.{field}", value, f"{where} {place}".strip(), "file", path)


def _always(text: str) -> bool:  # noqa: ARG001
    return True


def _files(known: Known, source: Source, record: Record) -> str:
    """The file that a value was read from: the first one, or the folder that is stated."""
    path = getattr(source, "path", None)
    if isinstance(path, Path) and path.is_dir():
        return known.name(path)
    return known.name(record.files[0]) if record.files else ""


def vocabulary(table: str, *templates: str, knows: Callable[[str], bool] = _always) -> Make:
    """What the bundled vocabulary has for a term that is stated; a term of which it does not know more is written as stated."""

    def make(leaf: Leaf, known: Known, owner: Owner) -> Rows:
        words = _words(leaf, known, owner)
        for template in templates:
            for key in _keys(known, template.format_map(_Missing(words)))[:1]:
                text = known.aligned.plan.loaded.texts[key]
                if not knows(text):
                    yield stated_row(known, key, leaf.path)
                else:
                    said = f"vocabulary/{table}, for {text!r} ({_place(known, key)})"
                    yield Statement(_own_key(leaf, owner), shown(leaf.value), said, "vocabulary", leaf.path)
                return

    return make


def named_in(table: str, template: str, knows: Callable[[str], bool]) -> Make:
    """What the bundled vocabulary has for the name of an entry; a name that it does not know is written as it is."""

    def make(leaf: Leaf, known: Known, owner: Owner) -> Rows:
        key = template.format_map(_Missing(_words(leaf, known, owner)))
        place = _place(known, key)
        is_known = knows(owner[1])
        said = f"vocabulary/{table}, for {owner[1]!r} ({place})" if is_known else place
        kind = "vocabulary" if is_known else "stated"
        yield Statement(_own_key(leaf, owner) if is_known else key, shown(leaf.value), said, kind, leaf.path)

    return make


def first(*makes: Make) -> Make:
    """The first that gives a row."""

    def make(leaf: Leaf, known: Known, owner: Owner) -> Rows:
        for one in makes:
            found = list(one(leaf, known, owner))
            if found:
                yield from found
                return

    return make


def cells(collection: str, each: Make) -> Make:
    """A column of a table with rows of the entries of a collection: each cell by itself.

    One that says nothing has no row, but where the person wrote ``unknown``.
    """

    def make(leaf: Leaf, known: Known, owner: Owner) -> Rows:  # noqa: ARG001
        for row, name in sorted(known.rows.get(collection, {}).items()):
            value = leaf.value[row] if row < len(leaf.value) else ""
            made = each(replace(leaf, path=f"{leaf.path}[{row}]", value=value), known, (collection, name))
            yield from (one for one in made if one.kind == "unknown" or not _says_nothing(value))

    return make


def _says_nothing(value: Any) -> bool:
    return value in ("", b"") or (isinstance(value, float) and np.isnan(value))


def _of_start(leaf: Leaf, known: Known, owner: Owner) -> Rows:
    """The start: as stated, midnight of a stated date, or as the reference's header says."""
    plan = known.aligned.plan
    start = plan.head.session.start
    if isinstance(start, datetime):
        yield from stated("session.start")(leaf, known, owner)
    elif isinstance(start, date):
        how = "local midnight, since the time of day is unknown"
        yield from (row._replace(key="session_start_time") for row in derived(how, "session.start")(leaf, known, owner))
    elif plan.reference is not None:
        yield file_row(
            known, plan.reference, "start", plan.start.isoformat() if plan.start else "", leaf.path, "session_start_time"
        )


def _of_grid(leaf: Leaf, known: Known, owner: Owner) -> Rows:
    """The pixel size of a plane: as stated, else as its movie's header says."""
    found = list(stated("planes.{name}.pixel_size", "planes.{name}.plane_spacing")(leaf, known, owner))
    yield from found
    for name, entry in known.aligned.plan.loaded.sources.items() if not found else ():
        record = known.aligned.records.get(name)
        if getattr(entry.stated, "plane", None) == owner[1] and getattr(record, "pixel_size", None) is not None:
            yield file_row(known, name, "pixel_size", shown(leaf.value), leaf.path)
            return


def _of_indicator(leaf: Leaf, known: Known, owner: Owner) -> Rows:
    """The names of what the channels of a plane show, and each channel of which nobody knows it."""
    yield from derived("names of what its channels show", "planes.{name}.channels")(leaf, known, owner)
    for number in getattr(known.stated(owner), "channels", {}):
        label = stated(f"planes.{owner[1]}.channels.{number}.label")(leaf, known, owner)
        yield from (row for row in label if row.kind == "unknown")


def _of_rate(leaf: Leaf, known: Known, owner: Owner) -> Rows:
    """The rate of regular samples: as the source has it, or changed by the fit of its clock."""
    fit = known.aligned.fits.get(owner[1])
    source = getattr(known.aligned.plan.loaded.sources.get(owner[1]), "source", None)
    if getattr(source, "of", None) is not None and owner[0] == "sources":
        yield from derived("rate of the source that it was made from", "sources.{name}.of")(leaf, known, owner)
    elif fit is not None and fit.clock is not None:
        yield from derived(f"rate by the fit of its clock to {fit.reference}", "sources.{name}.clock")(leaf, known, owner)
    else:
        yield from first(stated("sources.{name}.rate", "sources.{name}.frame_rate"), from_file("rate"))(leaf, known, owner)


def _of_channel(field: str) -> Make:
    """A field of a recorded channel: of an analog one as its file has it; a digital one is 0 or 1, without a unit."""

    def make(leaf: Leaf, known: Known, owner: Owner) -> Rows:
        record = known.aligned.records[owner[1]]
        channels = zip(series_names(owner[1], record), record.channels, strict=True) if isinstance(record, Recording) else ()
        channel = next(one for name, one in channels if name == leaf.holder.name)
        if channel.kind == "digital":
            yield from derived("digital line: 0 or 1, no unit", "sources.{name}")(leaf, known, owner)
        else:
            of_channel = f"sources.{owner[1]}.{field}s.{channel.name}"  # of formats of plain numbers
            yield from first(stated(of_channel), from_file(field))(leaf, known, owner)

    return make


def _of_model(field: str) -> Make:
    """A field of the model of an instrument, which bears the stated name of the model."""

    def make(leaf: Leaf, known: Known, owner: Owner) -> Rows:
        for name, device in known.entries("devices").items():
            if getattr(device, "model", None) == leaf.holder.name:
                yield from stated(f"devices.{name}.{field}")(leaf, known, owner)
                return

    return make


def _of_effector(leaf: Leaf, known: Known, owner: Owner) -> Rows:
    """What light, or a ligand, acts on: of the light site, or of the receptor, that it was made for."""
    name = str(leaf.holder.name)
    for key, site in known.entries("light_sites").items():
        effector, vector = (str(getattr(site, one, None) or "") for one in ("effector", "vector"))
        if name in (f"{effector} ({vector})".replace("/", "-").replace(":", "-"), effector.replace("/", "-").replace(":", "-")):
            field = f"light_sites.{key}"
            is_label = leaf.field == "@label"
            made = stated(f"{field}.effector") if is_label else derived("sentence", f"{field}.vector", f"{field}.effector")
            yield from made(leaf, known, owner)
            return
    receptor = name.removeprefix("effector_")
    made = (
        vocabulary("receptors.csv", f"receptors.{receptor}.receptor")
        if leaf.field == "@label"
        else stated(f"receptors.{receptor}.construct", f"receptors.{receptor}.construct_name", f"receptors.{receptor}.vector")
    )
    yield from made(leaf, known, owner)


def _of_software(leaf: Leaf, known: Known, owner: Owner) -> Rows:
    """The software that gave the light: as stated of the sites, else that nobody stated it."""
    found = [row for name in known.entries("light_sites") for row in stated(f"light_sites.{name}.software")(leaf, known, owner)]
    yield from found or derived("stands for what nobody stated", "light_sites.*.software")(leaf, known, owner)


def _of_wavelength(leaf: Leaf, known: Known, owner: Owner) -> Rows:
    """The wavelength of pulses: as stated of their site or of its laser, else as their source has it."""
    site = str(getattr(known.stated(owner), "site", ""))
    laser = str(getattr(known.stated(("light_sites", site)), "laser", ""))
    yield from first(stated(f"light_sites.{site}.wavelength", f"devices.{laser}.wavelength"), from_file("wavelength"))(
        leaf, known, owner
    )


def _of_compartment(leaf: Leaf, known: Known, owner: Owner) -> Rows:
    """Which part of a cell: of a table of cells, else as stated."""
    entry = known.stated(owner)
    table = getattr(entry, "cells", None)
    if table is not None:
        named = f"sources.{owner[1]}.cells"
        yield Statement(named, shown(leaf.value), f"{known.name(table.path)} columns of the table", "file", leaf.path)
    else:
        yield from stated("sources.{name}.compartment")(leaf, known, owner)


_COMPOSED = derived("sentence made of what is stated and of what the files say", "sources.{name}")
_BASED = derived("how the values are known, in words", "sources.{name}")
_ON_CLOCK = derived(
    "put on the session's clock (see the table of clocks)", "sources.{name}.clock", "sources.{name}.starts", "sources.{name}"
)
_UNSCALED = derived("the values are in the unit that is stated: 1 and 0", "sources.{name}")
_AS_STORED = ("TwoPhotonSeries", "ImageSeries", "RoiResponseSeries", "PoseEstimationSeries", "OptogeneticSeries")
"""Series whose values are written as they are in the source, without a factor."""
_EXPLAINS = "a text that explains a field or an object, and is the same in every session"
_FIXED = "fixed by the schema, or by how we write"
_LEDGER = "the record of the conversion itself"


def _subject(field: str, *keys: str) -> Rule:
    return Rule("Subject", field, stated(*(f"subject.{key}" for key in keys or (field,))))


def _column(table: str, collection: str, columns: str, each: Make) -> Rule:
    return Rule(table, columns, cells(collection, each))


def _said(table: str, collection: str, **columns: str) -> tuple[Rule, ...]:
    """Columns whose cells are stated under a key of the entry; several keys with spaces between, the first that is there."""
    return tuple(
        _column(table, collection, name, stated(*(f"{collection}.{{name}}.{key}" for key in keys.split())))
        for name, keys in columns.items()
    )


_TABLES = ("Events", "Intervals", "Scores", "GlialEvents", "Segmentation", "SpikeTimes", "LightPulses")
"""Records whose tables have columns as their files have them."""

RULES: tuple[Rule, ...] = (
    # the ledger, explanations and identifiers
    *(
        Rule(kind, "*", _LEDGER)
        for kind in ("ConversionRecord", "StatementsTable", "SourceFilesTable", "ClocksTable", "ArraysTable")
    ),
    Rule("MeaningsTable", "*", _EXPLAINS),
    *(Rule(kind, "*", "addresses of the identifiers in the tables, as hdmf builds them") for kind in ("HERD", "Table")),
    # the file as a whole
    Rule("NWBFile", "@nwb_version", _FIXED),
    Rule("NWBFile", "identifier", derived("made at random (UUID 4)")),
    Rule("NWBFile", "file_create_date", derived("clock of the converting machine")),
    Rule("NWBFile", "session_start_time", _of_start),
    Rule("NWBFile", "timestamps_reference_time", _of_start),
    Rule("NWBFile", "session_description", stated("session.description")),
    Rule("NWBFile", "general/session_id", stated("session.id")),
    *(
        Rule("NWBFile", f"general/{name}", stated(name))
        for name in ("experimenter", "institution", "lab", "experiment_description", "related_publications", "protocol")
    ),
    Rule(
        "NWBFile",
        "general/keywords",
        derived(
            "stated ones, then names of receptors, cells and drugs by the vocabulary",
            "keywords",
            "receptors",
            "populations",
            "drugs",
        ),
    ),
    Rule(
        "NWBFile",
        "general/notes",
        derived(
            "stated notes, and that it is excluded, that its time of day is unknown, what is absent", "notes", "session.exclude"
        ),
    ),
    Rule("NWBFile", "general/pharmacology", derived("sentence for tools that know no extension", "drugs")),
    Rule("NWBFile", "general/surgery", derived("sentence for tools that know no extension", "procedures")),
    Rule("NWBFile", "general/virus", derived("sentence for tools that know no extension", "vectors", "procedures")),
    Rule("NWBFile", "general/slices", derived("sentence", "preparation")),
    Rule("NWBFile", "general/was_generated_by", derived("name and version of the software that wrote the file")),
    Rule("NWBFile", "general/*@*", _FIXED),
    # the animal
    _subject("subject_id", "id"),
    *(_subject(name) for name in ("species", "sex", "genotype", "strain", "description", "weight")),
    _subject("date_of_birth", "born"),
    Rule("Subject", "age", first(stated("subject.age"), derived("days from birth to the start of the session", "subject.born"))),
    Rule("Subject", "age@reference", _FIXED),
    # instruments
    Rule("DeviceModel", "@manufacturer", _of_model("manufacturer")),
    Rule("DeviceModel", "@numerical_aperture", _of_model("NA")),
    Rule("DeviceModel", "@core_diameter_in_um", _of_model("core")),
    Rule("FiberInsertion", "@hemisphere", stated("light_sites.{site}.coordinates.side")),
    Rule("FiberInsertion", "@position_reference", stated("light_sites.{site}.coordinates.reference")),
    *(
        Rule("FiberInsertion", field, stated(f"light_sites.{{site}}.coordinates.{key}"))
        for field, key in (
            ("@insertion_position_ap_in_mm", "ap"),
            ("@insertion_position_ml_in_mm", "ml"),
            ("@insertion_position_dv_in_mm", "dv"),
            ("@depth_in_mm", "depth"),
            ("@insertion_angle_yaw_in_deg", "yaw"),
            ("@insertion_angle_pitch_in_deg", "pitch"),
            ("@insertion_angle_roll_in_deg", "roll"),
        )
    ),
    Rule("Device", "@serial_number", stated("devices.{name}.serial_number")),
    Rule("Device", "@description", derived("sentence made of all that is stated of it", "devices.{name}")),
    # imaging planes and movies
    Rule("ImagingPlane", "description", derived("sentence made of all that is stated of it", "planes.{name}")),
    Rule("ImagingPlane", "excitation_lambda", stated("planes.{name}.excitation")),
    Rule("ImagingPlane", "indicator", _of_indicator),
    Rule("ImagingPlane", "location", stated("planes.{name}.location")),
    Rule("ImagingPlane", "reference_frame", stated("planes.{name}.reference_frame")),
    Rule("ImagingPlane", "grid_spacing", _of_grid),
    Rule("ImagingPlane", "grid_spacing@unit", _FIXED),
    Rule("OpticalChannel", "description", derived("sentence made of all that is stated of it", "planes.{name}.channels.{number}")),
    Rule("OpticalChannel", "emission_lambda", stated("planes.{name}.channels.{number}.emission")),
    Rule("TimeSeries", "dimension", from_file("size")),
    Rule("TimeSeries", "@description @comments", _COMPOSED, "Movie"),
    # videos
    Rule("ImageSeries", "@comments", _BASED, "Video"),
    Rule(
        "ImageSeries",
        "@description",
        first(stated("sources.{name}.description"), derived("frames and files", "sources.{name}")),
        "Video",
    ),
    Rule("ImageSeries", "external_file", derived("path of the copy beside this file", "sources.{name}.path")),
    Rule("ImageSeries", "external_file@starting_frame", from_file("frames")),
    Rule("ImageSeries", "num_samples", from_file("frames")),
    Rule("ImageSeries", "format", _FIXED),
    # recorded channels
    Rule("TimeSeries", "@description @comments", _COMPOSED, "Recording"),
    Rule("TimeSeries", "data@unit", _of_channel("unit"), "Recording"),
    Rule("TimeSeries", "data@conversion", _of_channel("conversion"), "Recording"),
    Rule("TimeSeries", "data@offset", _of_channel("offset"), "Recording"),
    Rule("EventsTable", "annotation", from_file("tags"), "Recording"),
    Rule("EventsTable", "value", from_file("events"), "Recording"),
    Rule("EventsTable", "timestamp@resolution duration@resolution", from_file("events"), "Recording"),
    Rule("DynamicTable", "@description", _EXPLAINS, "Recording"),
    # regions of interest and events of glia
    Rule("PlaneSegmentation", "@description", _COMPOSED),
    Rule("TimeSeries", "@description", derived("what the trace is, by its name in the source", "sources.{name}"), "Segmentation"),
    Rule("DynamicTableRegion", "@description", _EXPLAINS),
    Rule("Images", "@description", _EXPLAINS),
    Rule("BaseImage", "@description", _EXPLAINS),
    Rule("Image", "@description", _EXPLAINS),
    Rule("RoiResponseSeries", "data@unit", "arbitrary units, or none (see the stand-ins)"),
    Rule("TimeSeries", "data@unit", derived("pixels: shifts of the registration", "sources.{name}"), "Segmentation"),
    Rule("CellAnnotationsTable", "compartment", _of_compartment),
    Rule("CellAnnotationsTable", "@description", _EXPLAINS),
    Rule("DynamicTable", "@description @source_description", _COMPOSED, "GlialEvents"),
    Rule("EventsTable", "@amplitude_unit", from_file("amplitude_unit"), "GlialEvents"),
    Rule("DynamicTable", "event_type", first(stated("sources.{name}.event"), from_file("kinds")), "GlialEvents"),
    # light
    Rule("OptogeneticStimulusSite", "description", derived("sentence made of all that is stated of it", "light_sites.{name}")),
    Rule("OptogeneticStimulusSite", "excitation_lambda", stated("light_sites.{name}.wavelength", "devices.{laser}.wavelength")),
    Rule("OptogeneticStimulusSite", "location", stated("light_sites.{name}.location")),
    Rule("OptogeneticExperimentMetadata", "@stimulation_software", _of_software),
    _column("OptogeneticSitesTable", "light_sites", "location", stated("light_sites.{name}.location")),
    _column("OptogeneticSitesTable", "light_sites", "description", stated("light_sites.{name}.description")),
    _column("OptogeneticSitesTable", "light_sites", "site", derived("name of the site", "light_sites.{name}")),
    Rule("OptogeneticSitesTable", "@description", _EXPLAINS),
    Rule("Effector", "@label @description", _of_effector),
    Rule("OptogeneticSeries", "@description", _COMPOSED),
    Rule("OptogeneticSeries", "data@unit", _FIXED),
    Rule("OptogeneticPulsesTable", "@description", _COMPOSED),
    Rule("OptogeneticEpochsTable", "@description", _EXPLAINS),
    Rule("OptogeneticPulsesTable", "wavelength_in_nm", _of_wavelength),
    Rule(
        "OptogeneticPulsesTable",
        "power_in_mW",
        first(
            stated("sources.{name}.power"),
            derived("power of the command by the calibration", "sources.{name}.calibration"),
            from_file("power"),
        ),
    ),
    # behaviour
    Rule("PoseEstimation", "description", _COMPOSED),
    Rule("PoseEstimation", "scorer", from_file("scorer")),
    Rule("PoseEstimation", "source_software", derived("name of the program whose format it is", "sources.{name}.format")),
    Rule(
        "PoseEstimation", "source_software@version", first(stated("sources.{name}.software_version"), from_file("software_version"))
    ),
    Rule("Skeleton", "nodes", from_file("keypoints")),
    Rule("Skeleton", "edges", first(stated("sources.{name}.skeleton"), from_file("edges"))),
    Rule("PoseEstimationSeries", "confidence@definition", derived("name of the program", "sources.{name}.format")),
    Rule("PoseEstimationSeries", "reference_frame", _EXPLAINS),
    Rule("TimeSeries", "@description", derived("name of the body part, as the file has it", "sources.{name}"), "Pose"),
    Rule("PoseEstimationSeries", "data@unit", "pixels, the unit of all positions"),
    Rule("TimeSeries", "data@unit", derived("by the name of the statistic", "sources.{name}"), "Pose"),
    Rule("EventsTable", "@description", _COMPOSED, "Events"),
    *(Rule("EventsTable", "@source_description", _BASED, of) for of in ("Events", "StateMachine")),
    Rule("EventsTable", "amplitude", stated("sources.{name}.amplitude"), "Events"),
    Rule("EventsTable", "location", first(stated("sources.{name}.location"), from_file("location")), "Events"),
    Rule(
        "TimeIntervals", "@description", first(stated("sources.{name}.description"), derived("file", "sources.{name}")), "Intervals"
    ),
    Rule("DynamicTable", "@description", derived("all that is stated of the assay", "sources.{name}"), "Scores"),
    Rule(
        "*",
        "?*@description",
        derived("name and unit of the column of the source", "sources.{name}.columns", "sources.{name}"),
        "Scores",
    ),
    Rule("TimeSeries", "@description", _COMPOSED, "Trace"),
    Rule("TimeSeries", "data@unit", first(stated("sources.{name}.scale"), from_file("unit")), "Trace"),
    Rule(
        "TimeSeries", "data@conversion", first(stated("sources.{name}.scale"), derived("1: the values are in that unit")), "Trace"
    ),
    # spikes
    Rule("Units", "@description", _COMPOSED),
    Rule("Units", "spike_times@resolution", from_file("resolution")),
    Rule("ElectrodeGroup", "@location location", stated("sources.{name}.location")),
    Rule("ElectrodeGroup", "@description description", _EXPLAINS),
    # populations, receptors, vectors, procedures
    *_said("CellPopulationsTable", "populations", identification="identified_by description"),
    _column("CellPopulationsTable", "populations", "label", derived("name of the entry", "populations.{name}")),
    _column(
        "CellPopulationsTable",
        "populations",
        "cell_type cell_type_id",
        vocabulary("cells.csv", "populations.{name}.cell_type", knows=lambda text: bool(find_cell(text).curie)),
    ),
    _column(
        "CellPopulationsTable",
        "populations",
        "location",
        vocabulary("anatomy.csv", "populations.{name}.location", knows=lambda text: place_of(text, None).name != text),
    ),
    _column("CellPopulationsTable", "populations", "location_id", vocabulary("anatomy.csv", "populations.{name}.location")),
    _column("ReceptorsTable", "receptors", "label", derived("name of the entry", "receptors.{name}")),
    _column(
        "ReceptorsTable",
        "receptors",
        "receptor_name gene_symbol gene_id receptor_id transduction endogenous_ligand",
        vocabulary("receptors.csv", "receptors.{name}.receptor"),
    ),
    _column(
        "ReceptorsTable",
        "receptors",
        "role",
        first(stated("receptors.{name}.role"), vocabulary("receptors.csv", "receptors.{name}.receptor")),
    ),
    *_said("ReceptorsTable", "receptors", genetic_status="status", genetic_method="by"),
    _column(
        "ReceptorsTable",
        "receptors",
        "construct",
        stated(
            "receptors.{name}.construct",
            "receptors.{name}.construct_name",
            "vectors.{vector}.construct",
            "vectors.{vector}.construct_name",
        ),
    ),
    *_said("ProceduresTable", "procedures", kind="kind", model="model of", side="side", date="date"),
    _column("ProceduresTable", "procedures", "label", derived("name of the entry", "procedures.{name}")),
    _column(
        "ProceduresTable",
        "procedures",
        "target",
        derived(
            "target, nerve and location joined", "procedures.{name}.target", "procedures.{name}.nerve", "procedures.{name}.location"
        ),
    ),
    _column(
        "ProceduresTable",
        "procedures",
        "days_before_session",
        derived("days to the start of the session", "procedures.{name}.date"),
    ),
    _column("ProceduresTable", "procedures", "details", derived("sentence made of all that is stated of it", "procedures.{name}")),
    Rule("GlialReceptorMetadata", "@arm", stated("arm")),
    Rule("GlialReceptorMetadata", "@arm_is_control", stated("arm_is_control")),
    Rule("GlialReceptorMetadata", "@factors factors", stated("factors")),
    Rule("ViralVector", "@construct_name", stated("vectors.{name}.construct", "vectors.{name}.construct_name")),
    Rule("ViralVector", "@titer_in_vg_per_ml", stated("vectors.{name}.titre")),
    Rule("ViralVector", "@manufacturer @description", stated("vectors.{name}.{field}")),
    Rule("ViralVectorInjection", "@description", derived("side and ML as stated", "procedures.{procedure}.sites")),
    Rule(
        "ViralVectorInjection",
        "@location",
        stated("procedures.{procedure}.sites.{index}.location", "procedures.{procedure}.location"),
    ),
    Rule("ViralVectorInjection", "@hemisphere", stated("procedures.{procedure}.sites.{index}.side")),
    Rule("ViralVectorInjection", "@reference", stated("procedures.{procedure}.sites.{index}.reference")),
    Rule("ViralVectorInjection", "@ap_in_mm", stated("procedures.{procedure}.sites.{index}.ap")),
    Rule("ViralVectorInjection", "@ml_in_mm", stated("procedures.{procedure}.sites.{index}.ml")),
    Rule("ViralVectorInjection", "@dv_in_mm", stated("procedures.{procedure}.sites.{index}.dv")),
    Rule("ViralVectorInjection", "@volume_in_uL", stated("procedures.{procedure}.sites.{index}.volume")),
    Rule("ViralVectorInjection", "@injection_date", stated("procedures.{procedure}.date")),
    Rule("Indicator", "@label", stated("indicators.{name}.name")),
    Rule("Indicator", "@description", derived("construct, label and description joined", "indicators.{name}")),
    # drugs, states, expression
    _column("DrugAdministrationsTable", "drugs", "label", derived("name of the entry", "drugs.{name}")),
    _column(
        "DrugAdministrationsTable",
        "drugs",
        "compound compound_id",
        first(
            vocabulary("compounds.csv", "drugs.{name}.compound", knows=lambda text: bool(compound_of(text).curie)),
            named_in("compounds.csv", "drugs.{name}", knows=lambda text: bool(compound_of(text).curie)),
        ),
    ),
    *_said(
        "DrugAdministrationsTable",
        "drugs",
        action="action",
        dose="dose",
        dose_unit="dose",
        route="route",
        site="site",
        vehicle="vehicle",
        volume_in_uL="volume",
        timestamp="at from",
        duration="to",
        timestamp_uncertainty="at from",
        reaches_bath_after="reaches_bath_after",
    ),
    _column(
        "DrugAdministrationsTable",
        "drugs",
        "timestamp_basis",
        derived("how its time is stated", "drugs.{name}.at", "drugs.{name}.from"),
    ),
    _column("DrugAdministrationsTable", "drugs", "annotation", derived("sentence made of what has no column", "drugs.{name}")),
    *_said("ReceptorStateIntervals", "states", state="state", basis="basis"),
    _column("ReceptorStateIntervals", "states", "label", derived("name of the entry", "states.{name}")),
    _column(
        "ReceptorStateIntervals", "states", "stated_as", derived("both times as stated", "states.{name}.from", "states.{name}.to")
    ),
    _column("ReceptorStateIntervals", "states", "start_basis", derived("how its time is stated", "states.{name}.from")),
    _column("ReceptorStateIntervals", "states", "stop_basis", derived("how its time is stated", "states.{name}.to")),
    *_said(
        "ReceptorExpressionTable", "expression", assay="assay", unit="unit", sample="sample", reference="reference", value="value"
    ),
    _column("ReceptorExpressionTable", "expression", "label", derived("name of the entry", "expression.{name}")),
    _column("ReceptorExpressionTable", "expression", "details", derived("sentence", "expression.{name}")),
    # clocks, runs, intervals that are not to be used
    Rule("EventsTable", "@description @source_description", derived("how many pulses, and what they timed", "sources"), "clocks"),
    Rule("DynamicTable", "source tags reference", derived("sources whose times are extrapolated", "sources"), "clocks"),
    Rule("TimeIntervals", "tags sources", derived("names of the runs and of their sources", "runs"), "runs"),
    Rule("TimeIntervals", "tags", derived("name, reason and sources as stated", "invalid", "session.exclude"), "invalid"),
    # what all have in common
    Rule("TimeSeries", "starting_time", _ON_CLOCK),
    Rule("TimeSeries", "starting_time@rate", _of_rate),
    Rule("TimeSeries", "data@resolution", _FIXED),
    *(Rule(kind, "@comments data@conversion data@offset", _FIXED) for kind in _AS_STORED),
    *(Rule("TimeSeries", "data@conversion data@offset", _UNSCALED, of) for of in ("Segmentation", "Pose", "Trace")),
    *(Rule(kind, "data@unit", "no physical unit (see the stand-ins)") for kind in ("TwoPhotonSeries", "ImageSeries")),
    Rule("TimeSeries", "starting_time@unit timestamps@interval timestamps@unit data@continuity", _FIXED),
    Rule("ProcessingModule", "@description", _EXPLAINS),
    Rule("*", "@colnames", _FIXED),
    Rule("*", "?*@description", _EXPLAINS),
    Rule("*", "timestamp@unit duration@unit peak_time@unit spike_times@unit waveform*@*", _FIXED),
    *(Rule("DynamicTable", "[!@]*", from_file("columns"), kind) for kind in _TABLES),
)


@cache
def rule_of(kinds: tuple[str, ...], field: str, maker: str) -> Rule | None:
    """The rule of a field, the first that covers it."""
    return next((rule for rule in RULES if rule.covers(kinds, field, maker)), None)


def origins(known: Known, nwbfile: Any) -> Rows:
    """Where each metadata value comes from, by its path in the file; constants have no row."""
    for leaf in leaves_of(nwbfile):
        owner = known.owner(leaf.holder)
        rule = rule_of(leaf.kinds, leaf.field, known.maker(owner))
        if rule is not None and not isinstance(rule.origin, str):
            yield from rule.origin(leaf, known, owner)


def constants() -> Mapping[str, str]:
    """The fields that have no row, and why: ``{"TimeSeries data@offset": "fixed by ..."}``."""
    return {
        f"{rule.kind} {rule.fields}{f' of {rule.of}' * bool(rule.of)}": rule.origin
        for rule in RULES
        if isinstance(rule.origin, str)
    }
