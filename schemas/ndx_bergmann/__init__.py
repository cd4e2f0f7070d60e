"""The types of the NWB extension ndx-bergmann, and how to make a conversion record.

Importing this package loads the specification; nothing else of bergmann is needed to read or write its types.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import isnan, nan
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple

from pynwb import get_class, load_namespaces

from ndx_bergmann.build_spec import NAME, RECORD_NAME, STATEMENT_KINDS, VERSION

__all__ = [
    "RECORD_NAME",
    "STATEMENT_KINDS",
    "ArraysTable",
    "Clock",
    "ClocksTable",
    "ConversionRecord",
    "DigestsTable",
    "PatchesTable",
    "SourceFile",
    "SourceFilesTable",
    "Statement",
    "StatementsTable",
    "StoredArray",
    "make_conversion_record",
]

__version__ = VERSION

load_namespaces(str(Path(__file__).parent / "spec" / f"{NAME}.namespace.yaml"))

SourceFilesTable = get_class("SourceFilesTable", NAME)
ClocksTable = get_class("ClocksTable", NAME)
StatementsTable = get_class("StatementsTable", NAME)
ArraysTable = get_class("ArraysTable", NAME)
DigestsTable = get_class("DigestsTable", NAME)
PatchesTable = get_class("PatchesTable", NAME)
ConversionRecord = get_class("ConversionRecord", NAME)


class SourceFile(NamedTuple):
    """One file that values were read from.

    Attributes
    ----------
    source : str
        Name of the source in the session file.
    format : str
        Key of the format that it was read as.
    path : str
        Relative to the session's folder, POSIX.
    bytes : int
        Size of the file.
    sha256 : str
        Digest of the file, in hexadecimal.
    """

    source: str
    format: str
    path: str
    bytes: int
    sha256: str


class Clock(NamedTuple):
    """How the times of one source were put on the session's clock.

    Attributes
    ----------
    source : str
        Name of the source in the session file.
    reference : str
        What it was aligned to, e.g. ``"daq/FrameClock"``.
    method : str
        How, in words.
    offset_in_seconds : float
        Time of the source's own zero on the session's clock.
    rate_ratio : float
        Seconds of the session's clock for one second of the source's; NaN where it was not measured.
    n_pulses, n_events : int
        Pulses that were found and what they were matched to; 0 where none were used.
    residual_in_seconds : float
        Largest absolute deviation; NaN where it was not measured.
    residual_median_in_seconds, residual_95_in_seconds : float
        Median and 95th percentile of the absolute deviations; NaN likewise.
    left_out_error_in_seconds : float
        Root mean square deviation of a pulse from a fit without it; NaN likewise.
    tolerance_in_seconds : float
        How far 95 % of the pulses may be from one smooth clock for the times to follow it; NaN likewise.
    n_used, n_missing, n_spurious : int
        Pulses that timed an event of the source, events without a pulse, pulses that timed none.
    pulses : str
        Table in /events that holds the pulses; empty where there is none.
    fitted_from_in_seconds, fitted_to_in_seconds : float
        Times of the first and the last pulse that was used, between which nothing is extrapolated; NaN without pulses.
    n_extrapolated_before, n_extrapolated_after : int
        Samples outside of these.
    extrapolated_before_in_seconds, extrapolated_after_in_seconds : float
        How far outside the first and the last sample are; 0 where they are inside, NaN without pulses.
    extrapolation_allowed_in_seconds : float
        How far outside a sample was allowed to be; NaN without pulses.
    """

    source: str
    reference: str
    method: str
    offset_in_seconds: float
    rate_ratio: float = nan
    n_pulses: int = 0
    n_events: int = 0
    residual_in_seconds: float = nan
    residual_median_in_seconds: float = nan
    residual_95_in_seconds: float = nan
    left_out_error_in_seconds: float = nan
    tolerance_in_seconds: float = nan
    n_used: int = 0
    n_missing: int = 0
    n_spurious: int = 0
    pulses: str = ""
    fitted_from_in_seconds: float = nan
    fitted_to_in_seconds: float = nan
    n_extrapolated_before: int = 0
    n_extrapolated_after: int = 0
    extrapolated_before_in_seconds: float = nan
    extrapolated_after_in_seconds: float = nan
    extrapolation_allowed_in_seconds: float = nan


_MEASURED = tuple(name for name, value in Clock._field_defaults.items() if isinstance(value, float))
_COUNTED = tuple(name for name, value in Clock._field_defaults.items() if isinstance(value, int))


class Statement(NamedTuple):
    """Where one value comes from.

    Attributes
    ----------
    key : str
        Dotted path, e.g. ``"subject.genotype"``.
    value : str
        The value, as text.
    origin : str
        Where it stands, e.g. ``"session.yaml:12"``.
    kind : str
        One of `STATEMENT_KINDS`.
    path : str
        What it is in the file, e.g. ``"general/subject/genotype"``, ``"acquisition/movie@comments"``; empty if it is not there.
    """

    key: str
    value: str
    origin: str
    kind: str
    path: str = ""


class StoredArray(NamedTuple):
    """A large array of the file that holds what one source says, value for value.

    Attributes
    ----------
    source : str
        Name of the source in the session file.
    holder : str
        The object that holds it.
    field : str
        Field of the object, e.g. ``"data"``.
    recipe : str
        SHA-256 of all that decides its values, in hexadecimal.
    """

    source: str
    holder: str
    field: str
    recipe: str


def _table(kind: Any, name: str, description: str, rows: list[Any], leave_out: frozenset[str] = frozenset()) -> Any:
    """The rows as a table; optional columns that say nothing are left out."""
    table = kind(name=name, description=description)
    for row in rows:
        table.add_row(**{key: value for key, value in row._asdict().items() if key not in leave_out})
    return table


def _check_path(path: str) -> None:
    inside = PurePosixPath(path)
    if inside.is_absolute() or PureWindowsPath(path).drive or "\\" in path:
        raise ValueError(f"{inside.name}: expected a path relative to the session's folder with `/`, found {path!r}")


def _unmeasured(clocks: list[Clock]) -> frozenset[str]:
    """The optional columns of the clocks in which no row has a value; where pulses were used, that none is missing is one."""
    silent = {name for name in _MEASURED if all(isnan(getattr(clock, name)) for clock in clocks)}
    if not any(clock.pulses for clock in clocks):
        silent.add("pulses")
    return frozenset(silent if any(clock.n_pulses for clock in clocks) else {*silent, *_COUNTED})


def make_conversion_record(
    *,
    software: str,
    libraries: Iterable[str] = (),
    plan_digest: str | None = None,
    source_files: Iterable[SourceFile] = (),
    clocks: Iterable[Clock] = (),
    statements: Iterable[Statement] = (),
    arrays: Iterable[StoredArray] = (),
) -> Any:
    """Make the record of a conversion; a table without rows is left out.

    Parameters
    ----------
    software : str
        Name and version, ``"bergmann 0.1.0"``.
    libraries : iterable of str
        Names and versions, ``"pynwb 4.2.0"``.
    plan_digest : str, optional
        SHA-256 of what was to be converted.
    source_files : iterable of SourceFile
    clocks : iterable of Clock
    statements : iterable of Statement
    arrays : iterable of StoredArray

    Returns
    -------
    ConversionRecord
        To be given to ``nwbfile.add_lab_meta_data``.

    Raises
    ------
    ValueError
        If a path is absolute or has backslashes, or a statement's kind is not one of `STATEMENT_KINDS`.
    """
    files, timed, said = list(source_files), list(clocks), list(statements)
    for file in files:
        _check_path(file.path)
    for statement in said:
        if statement.kind not in STATEMENT_KINDS:
            raise ValueError(f"{statement.key}: {statement.kind!r} is not one of {', '.join(STATEMENT_KINDS)}")
    parts: dict[str, Any] = {}
    if names := list(libraries):
        parts["libraries"] = names
    if plan_digest is not None:
        parts["plan_digest"] = plan_digest
    if files:
        parts["source_files"] = _table(SourceFilesTable, "source_files", "The files that were read.", files)
    if timed:
        description = "How times were put on the session's clock."
        parts["clocks"] = _table(ClocksTable, "clocks", description, timed, _unmeasured(timed))
    if said:
        leave_out = frozenset() if any(statement.path for statement in said) else frozenset({"path"})
        parts["statements"] = _table(StatementsTable, "statements", "Where each value comes from.", said, leave_out)
    if held := list(arrays):
        parts["arrays"] = _table(ArraysTable, "arrays", "Large arrays that hold what one source says.", held)
    return ConversionRecord(software=software, **parts)
