"""What a file says of its own making: source files, clocks, and where each stated value stands."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from importlib.metadata import version
from math import nan
from pathlib import Path
from typing import Any

from bergmann import __version__
from bergmann.convert.align import Aligned
from bergmann.convert.scope import names_in
from bergmann.convert.sync import tables_of_lines
from bergmann.plan.references import with_paths
from bergmann.plan.resolve import Plan
from bergmann.plan.session import OF_THE_DANDISET
from bergmann.stated import Collections
from bergmann.timing.fit import ClockFit
from ndx_bergmann import Clock, SourceFile, Statement, StoredArray, make_conversion_record


def digests_of_sources(aligned: Aligned) -> dict[Path, str]:
    """The SHA-256 of every file that a source of the session, or what is stated of it, was read from."""
    files = [file for record in aligned.records.values() for file in record.files]
    return {file: sha256(file) for file in dict.fromkeys([*files, *(file for _, _, file in _stated_files(aligned))])}


def conversion_record(
    aligned: Aligned, collections: Collections, digests: Mapping[Path, str], arrays: Iterable[StoredArray] = ()
) -> Any:
    """What the file says of its own making.

    Parameters
    ----------
    aligned : Aligned
    collections : mapping
        Those that the file holds.
    digests : mapping of Path to str
        SHA-256 of each source file.
    arrays : iterable of StoredArray
        Those whose values are a source's own.

    Returns
    -------
    ConversionRecord
        The source files with their digests, how the clocks were joined, and where each stated value stands.
    """
    sources, tables = aligned.plan.loaded.sources, tables_of_lines(aligned)
    base = aligned.plan.loaded.path.absolute().parent
    read_from_disk = {name: record for name, record in aligned.records.items() if not sources[name].format.reads_values}
    return make_conversion_record(
        software=f"bergmann {__version__}",
        libraries=[*(f"{name} {version(name)}" for name in ("pynwb", "hdmf", "h5py", "numpy")), *foreign_modules(aligned.plan)],
        source_files=[
            SourceFile(name, kind, relative_name(file, base), file.stat().st_size, digests[file])
            for name, kind, file in [
                *((name, sources[name].format.key, file) for name, record in read_from_disk.items() for file in record.files),
                *_stated_files(aligned),
            ]
        ],
        clocks=[clock_of(name, fit, tables.get(name, "")) for name, fit in aligned.fits.items()],
        plan_digest=plan_digest(aligned.plan),
        statements=statements(aligned.plan, collections),
        arrays=arrays,
    )


def clock_of(name: str, fit: ClockFit, table: str) -> Clock:
    """How a source was put on the session's clock, as a row of the file; `table` holds the pulses."""
    clock = Clock(
        source=name,
        reference=fit.reference,
        method=fit.method,
        offset_in_seconds=fit.offset,
        rate_ratio=nan if fit.clock is None or not fit.n_pulses else fit.clock.rate_ratio,
        n_pulses=fit.n_pulses,
        n_events=fit.n_events,
        residual_in_seconds=fit.residual,
        residual_median_in_seconds=fit.residual_median,
        residual_95_in_seconds=fit.residual_most,
        left_out_error_in_seconds=fit.left_out,
        tolerance_in_seconds=fit.tolerance,
        pulses=table,
    )
    if fit.clock is None or fit.ties is None:
        return clock
    return clock._replace(
        n_pulses=len(fit.ties.pulses),
        n_events=len(fit.ties.own),
        n_used=len(fit.ties),
        n_missing=len(fit.ties.missing),
        n_spurious=len(fit.ties.spurious),
        fitted_from_in_seconds=float(fit.clock.other[0]),
        fitted_to_in_seconds=float(fit.clock.other[-1]),
        n_extrapolated_before=fit.outside.n_before,
        n_extrapolated_after=fit.outside.n_after,
        extrapolated_before_in_seconds=fit.outside.before,
        extrapolated_after_in_seconds=fit.outside.after,
        extrapolation_allowed_in_seconds=fit.allowed,
    )


def foreign_modules(plan: Plan) -> Iterator[str]:
    """Which modules, not of bergmann, have read sources of this session, each once."""
    read_by = {entry.format.module: entry.format.key for entry in plan.loaded.sources.values() if entry.format.module is not None}
    for module, key in read_by.items():
        file = f", {module.file}" if module.file != module.name else ""
        yield f"{module.name}{file} (format {key}, sha256 {module.sha256 or 'unknown'})"


def plan_digest(plan: Plan) -> str:
    """SHA-256 of everything that is stated of the session, wherever it stands: the same statements give the same digest.

    Of a blinded session nothing that tells the arm is among them (`bergmann.plan.blinding`), so that the digests of two arms are no
    more different than their session files.
    """
    return hashlib.sha256(json.dumps(sorted(texts_of_session(plan).items()), ensure_ascii=False).encode()).hexdigest()


def statements(plan: Plan, collections: Collections) -> Iterator[Statement]:
    """Where each stated value of the file stands, as document and line; paths of files are left to the table of these.

    Yields
    ------
    Statement
        In the order of the documents; of kind ``unknown`` where the person wrote so. A start that a source gives is of kind
        ``file``.
    """
    loaded = plan.loaded
    elsewhere = _paths(plan) | {"format_version"}
    for key, text in texts_of_session(plan).items():
        collection, _, rest = key.partition(".")
        is_here = collection not in collections or rest.partition(".")[0] in collections[collection]
        if is_here and key not in elsewhere:
            origin = loaded.origin(key)
            yield Statement(key, text, f"{origin.document.name}:{origin.line}", "unknown" if text == "unknown" else "stated")
    header = plan.headers.get(plan.reference) if plan.reference else None
    is_found = header is not None and header.start is not None and not isinstance(plan.head.session.start, date)
    if plan.start is not None and header is not None and is_found:
        yield Statement("session_start_time", plan.start.isoformat(), header.files[0].name, "file")


def texts_of_session(plan: Plan) -> dict[str, str]:
    """What is stated of the session itself: texts of the dandiset, with addresses of mail, go to the archive and into no file."""
    return {key: text for key, text in plan.loaded.texts.items() if key.partition(".")[0] != OF_THE_DANDISET}


def _paths(plan: Plan) -> set[str]:
    """Dotted keys of all stated paths."""
    keys: set[str] = set()

    def note(key: str, path: Path) -> Path:
        keys.add(plan.loaded.origin(key).key)
        return path

    for name, entry in plan.loaded.sources.items():
        with_paths(entry.source, f"sources.{name}", note)
        with_paths(entry.stated, f"sources.{name}", note)
    for collection, entries in plan.loaded.collections.items():
        for name, stated in entries.items():
            with_paths(stated, f"{collection}.{name}", note)
    return keys


def _stated_files(aligned: Aligned) -> Iterator[tuple[str, str, Path]]:
    """Files that are stated beside the sources of this session, as (name, kind, file)."""
    yield from _calibration_files(aligned)
    yield from _cell_files(aligned)


def _calibration_files(aligned: Aligned) -> Iterator[tuple[str, str, Path]]:
    """The calibrations that sources of this session name, as (name, kind, file)."""
    named = set(names_in(entry.stated for entry in aligned.plan.loaded.sources.values()))
    for name, calibration in aligned.plan.loaded.collections.get("calibrations", {}).items():
        file = getattr(calibration, "file_path", None)
        if ("calibrations", name) in named and isinstance(file, Path):
            yield name, "calibration", file


def _cell_files(aligned: Aligned) -> Iterator[tuple[str, str, Path]]:
    """The tables of cells that sources of this session state, as (name, kind, file)."""
    for name, entry in aligned.plan.loaded.sources.items():
        file = getattr(getattr(entry.stated, "cells", None), "path", None)
        if isinstance(file, Path):
            yield name, "table of cells", file


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal, read a block at a time."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def relative_name(path: Path, base: Path) -> str:
    """How the file is named in the record: relative to the session file, never absolute.

    A file on another drive, or outside of the folder that holds the session's own, is named by itself: a longer way would show the
    folders of this machine, and people's names among them. What was stated is named, not where a link leads.
    """
    try:
        way = Path(os.path.relpath(path.absolute(), base))
    except ValueError:  # another drive of Windows
        return path.name
    ups = 1 if base.parent != Path(base.anchor) else 0
    return path.name if way.parts[ups : ups + 1] == ("..",) else way.as_posix()
