"""Write the specification files of ndx-bergmann: ``python schemas/ndx_bergmann/build_spec.py [FOLDER]``.

The files beside this one are what is released; a test compares them with what this script writes. Only what is always known is
required: a released type never gains a required field and is never renamed.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from pynwb.spec import NWBAttributeSpec, NWBDatasetSpec, NWBGroupSpec, NWBNamespaceBuilder

NAME = "ndx-bergmann"
VERSION = "0.1.0"
RECORD_NAME = "bergmann_conversion"
STATEMENT_KINDS = ("stated", "file", "derived", "vocabulary", "unknown")


def _column(name: str, doc: str, dtype: str = "text", *, required: bool = True) -> NWBDatasetSpec:
    """A column with one value a row."""
    quantity = {} if required else {"quantity": "?"}
    return NWBDatasetSpec(name=name, doc=doc, dtype=dtype, neurodata_type_inc="VectorData", **quantity)


def _table(type_name: str, name: str, doc: str, columns: list[NWBDatasetSpec]) -> NWBGroupSpec:
    return NWBGroupSpec(
        neurodata_type_def=type_name, neurodata_type_inc="DynamicTable", default_name=name, doc=doc, datasets=columns
    )


def _source_files() -> NWBGroupSpec:
    return _table(
        "SourceFilesTable",
        "source_files",
        "Every file that values were read from; one row a file.",
        [
            _column("source", "Name of the source in the session file."),
            _column("format", "Key of the format that it was read as, e.g. 'scanimage'."),
            _column("path", "Path relative to the session's folder, with '/' between folders; never an absolute path."),
            _column("bytes", "Size of the file, in bytes.", "int64"),
            _column("sha256", "SHA-256 digest of the file's bytes, in hexadecimal."),
        ],
    )


def _clocks() -> NWBGroupSpec:
    return _table(
        "ClocksTable",
        "clocks",
        "How the times of each source were put on the session's clock; one row a source.",
        [
            _column("source", "Name of the source in the session file."),
            _column("reference", "What its times were aligned to, e.g. 'daq/FrameClock', or the stated time of its start."),
            _column("method", "How, in words."),
            _column("offset_in_seconds", "Time of the source's own zero on the session's clock, in seconds.", "float64"),
            _column(
                "rate_ratio",
                "Seconds of the session's clock for one second of the source's own clock; NaN where it was not measured.",
                "float64",
                required=False,
            ),
            _column("n_pulses", "Clock pulses that were found; 0 where none were used.", "int64", required=False),
            _column("n_events", "Frames (or other events) that the pulses were matched to; 0 for none.", "int64", required=False),
            _column(
                "residual_in_seconds",
                "Largest absolute deviation of a pulse from the fit, in seconds; NaN where it was not measured.",
                "float64",
                required=False,
            ),
            _column("residual_median_in_seconds", "Median of these absolute deviations, in seconds.", "float64", required=False),
            _column("residual_95_in_seconds", "95th percentile of these absolute deviations.", "float64", required=False),
            _column(
                "left_out_error_in_seconds",
                "Root mean square deviation of a pulse from a fit without it: what a time between pulses may be off by.",
                "float64",
                required=False,
            ),
            _column(
                "tolerance_in_seconds",
                "How far 95 % of the pulses may be from one smooth clock for the times to follow it. Within it, and where one line "
                "fits them, regular samples stay regular (starting_time and rate); beyond it each sample is put at its own pulse.",
                "float64",
                required=False,
            ),
            _column("n_used", "Pulses that timed a frame (or other event) of the source.", "int64", required=False),
            _column("n_missing", "Frames (or other events) of the source without a pulse.", "int64", required=False),
            _column("n_spurious", "Pulses on the line that timed nothing of the source.", "int64", required=False),
            _column(
                "pulses",
                "Name of the table in /events that holds the pulses of the line; empty where there is none.",
                required=False,
            ),
            _column(
                "fitted_from_in_seconds",
                "Time, by the fit, of the first frame that has a pulse; times before it are extrapolated. NaN without pulses.",
                "float64",
                required=False,
            ),
            _column(
                "fitted_to_in_seconds",
                "Time, by the fit, of the last frame that has a pulse; times behind it are extrapolated. NaN without pulses.",
                "float64",
                required=False,
            ),
            _column("n_extrapolated_before", "Samples before the first pulse that was used.", "int64", required=False),
            _column("n_extrapolated_after", "Samples behind the last pulse that was used.", "int64", required=False),
            _column(
                "extrapolated_before_in_seconds",
                "How far the first sample is before the first pulse that was used; 0 where none is, NaN without pulses.",
                "float64",
                required=False,
            ),
            _column(
                "extrapolated_after_in_seconds",
                "How far the last sample is behind the last pulse that was used; 0 where none is, NaN without pulses.",
                "float64",
                required=False,
            ),
            _column(
                "extrapolation_allowed_in_seconds",
                "How far outside of the pulses a sample was allowed to be: as stated, or 1.5 times the usual interval of pulses.",
                "float64",
                required=False,
            ),
        ],
    )


def _statements() -> NWBGroupSpec:
    return _table(
        "StatementsTable",
        "statements",
        "Where each value comes from; one row a value.",
        [
            _column("key", "Dotted path of the value in the session, e.g. 'subject.genotype'; or of what it comes from."),
            _column("value", "The value, as text; a long one is cut, and ends with '...'."),
            _column(
                "origin",
                "Where it stands, e.g. 'session.yaml:12' or 'daq/y.h5 header/AIChannelNames'; of a derived value, how it was made.",
            ),
            _column("kind", "One of: " + ", ".join(STATEMENT_KINDS) + "."),
            _column(
                "path",
                "What the value is in this file: 'general/subject/age', an attribute behind '@', a row of a column in '[]'. "
                "Empty for what is in the file only within other values, in names, or in how a source was read.",
                required=False,
            ),
        ],
    )


def _arrays() -> NWBGroupSpec:
    return _table(
        "ArraysTable",
        "arrays",
        "Large arrays that hold what one source says, value for value; one row an array.",
        [
            _column("source", "Name of the source in the session file."),
            _column("holder", "The object that holds the array, by its object_id."),
            _column("field", "Field of the object, e.g. 'data'."),
            _column(
                "recipe",
                "SHA-256 digest of all that decides the values: digests of the source files, the choices stated for reading them, "
                "and the software that read them. Equal recipes give equal arrays.",
            ),
        ],
    )


def _digests() -> NWBGroupSpec:
    return _table(
        "DigestsTable",
        "digests",
        "What every object of the file held when it was written, as digests, so that any change is found; one row an object.",
        [
            _column("path", "Path of the object in the file, without the first '/'; empty for the file itself."),
            _column(
                "dtype",
                "Type of the elements, little-endian: '<i2', '|u1', 'bool', 'text', 'reference', or the fields of a compound; "
                "'group', 'soft link', 'hard link' or 'external link' for what has no values; 'file' for a file beside this one.",
            ),
            _column("shape", "Shape, e.g. '1024 x 32 x 12'; empty for a scalar. Of a file beside this one its size, in bytes."),
            _column(
                "sha256",
                "SHA-256 digest of the values, in hexadecimal: numbers as in memory, C order, little-endian, fields of a compound "
                "without gaps; texts as UTF-8, each ended by a zero byte; references as the path of their object, each ended by a "
                "zero byte. Of a link that of its target, of this table that of its other rows. Empty for another group.",
            ),
            _column("attributes", "SHA-256 digest of all attributes, by name, each with its type and shape; empty for a link."),
            _column("source", "Name of the source in the session file that the values are from; empty where it is none."),
            _column(
                "rows",
                "Elements of the first axis that the digest is of, e.g. '0:8 512:520'; empty for all of them.",
                required=False,
            ),
        ],
    )


def _patches() -> NWBGroupSpec:
    return _table(
        "PatchesTable",
        "patches",
        "What was changed in the file after it was converted, without converting again; one row a value.",
        [
            _column("when", "Date and time of the change, UTC, ISO 8601."),
            _column("key", "Dotted path of the value in the session, e.g. 'subject.age'."),
            _column("old", "What was stated; empty where nothing was."),
            _column("new", "What is stated now; empty where nothing is."),
            _column("because", "Why, in the words of the person who changed it."),
            _column("software", "Name and version of the software that changed it."),
        ],
    )


def _part(name: str, type_name: str, doc: str) -> NWBGroupSpec:
    return NWBGroupSpec(name=name, neurodata_type_inc=type_name, quantity="?", doc=doc)


def _record() -> NWBGroupSpec:
    def attribute(name: str, doc: str, *, required: bool = False, **more: Any) -> NWBAttributeSpec:
        return NWBAttributeSpec(name=name, doc=doc, dtype="text", required=required, **more)

    return NWBGroupSpec(
        neurodata_type_def="ConversionRecord",
        neurodata_type_inc="LabMetaData",
        name=RECORD_NAME,
        doc="What made this NWB file, from which files, and on which clock.",
        attributes=[
            attribute("software", "Name and version of the software, e.g. 'bergmann 0.1.0'.", required=True),
            attribute(
                "libraries",
                "Names and versions of the libraries it wrote with, e.g. 'pynwb 4.2.0'.",
                shape=[None],
                dims=["library"],
            ),
            attribute("plan_digest", "SHA-256 digest of what was to be converted: the session's statements and its sources."),
        ],
        datasets=[
            NWBDatasetSpec(
                name="file_sha256",
                dtype="text",
                quantity="?",
                doc="SHA-256 digest of the bytes of the whole file, in hexadecimal, with '0' for each sign of the digest itself.",
            )
        ],
        groups=[
            _part("source_files", "SourceFilesTable", "Every file that values were read from."),
            _part("clocks", "ClocksTable", "How times were put on the session's clock."),
            _part("statements", "StatementsTable", "Where each value comes from."),
            _part("arrays", "ArraysTable", "Large arrays that hold what one source says."),
            _part("digests", "DigestsTable", "What every object of the file held when it was written."),
            _part("patches", "PatchesTable", "What was changed after the conversion; the digests are of the file as changed."),
        ],
    )


def build_spec(folder: Path) -> Path:
    """Write the namespace and its source file into a folder.

    Returns
    -------
    Path
        The namespace file.
    """
    builder = NWBNamespaceBuilder(
        name=NAME,
        version=VERSION,
        doc="The record of a conversion by bergmann: software, source files with digests, clocks, and origins of values.",
        author=["the bergmann developers"],
        contact=["through the issue tracker of bergmann"],
    )
    builder.include_namespace("core")
    for spec in (_source_files(), _clocks(), _statements(), _arrays(), _digests(), _patches(), _record()):
        builder.add_spec(f"{NAME}.extensions.yaml", spec)
    path = f"{NAME}.namespace.yaml"
    builder.export(path, outdir=str(folder))
    return folder / path


if __name__ == "__main__":
    print(build_spec(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "spec"))
