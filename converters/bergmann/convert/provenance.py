"""What a file says of its own making: source files, clocks, and where each stated value stands."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version
from math import nan
from pathlib import Path
from typing import Any

from bergmann import __version__
from bergmann.convert.align import Aligned
from bergmann.convert.ledger import Known
from bergmann.convert.naming import relative_name
from bergmann.convert.origins import origins, stated_row
from bergmann.convert.scope import names_in
from bergmann.convert.sync import tables_of_lines
from bergmann.plan.references import with_paths
from bergmann.plan.resolve import Plan
from bergmann.plan.session import OF_THE_DANDISET
from bergmann.registry import Placed, expand
from bergmann.timing.fit import ClockFit
from ndx_bergmann import Clock, SourceFile, Statement, StoredArray, make_conversion_record


def digests_of_sources(aligned: Aligned) -> dict[Path, str]:
    """The SHA-256 of every file that a source of the session, or what is stated of it, was read from."""
    files = [file for record in aligned.records.values() for file in record.files]
    return {file: sha256(file) for file in dict.fromkeys([*files, *(file for _, _, file in _stated_files(aligned))])}


def conversion_record(
    aligned: Aligned, placed: Placed, nwbfile: Any, digests: Mapping[Path, str], arrays: Iterable[StoredArray] = ()
) -> Any:
    """What the file says of its own making.

    Parameters
    ----------
    aligned : Aligned
    placed : Placed
        What was made of what.
    nwbfile : pynwb.NWBFile
        With all that it is to hold but this record.
    digests : mapping of Path to str
        SHA-256 of each source file.
    arrays : iterable of StoredArray
        Those whose values are a source's own.

    Returns
    -------
    ConversionRecord
        The source files with their digests, how the clocks were joined, and where each value comes from.
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
        statements=statements(Known(aligned, placed), nwbfile),
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


def statements(known: Known, nwbfile: Any) -> Iterator[Statement]:
    """Where each metadata value of the file comes from; paths of source files are left to the table of these.

    Yields
    ------
    Statement
        What is stated in the order of the documents, with each place in the file that holds it, and of kind ``unknown`` where the
        person wrote so; then what files say, what is derived and what the vocabulary gives, in the order of the file.
    """
    plan, collections = known.aligned.plan, known.placed.collections
    elsewhere = _paths(plan) | {"format_version"}
    rows: dict[str, list[Statement]] = {}
    others = []
    for row in dict.fromkeys(origins(known, nwbfile)):
        if row.kind in ("stated", "unknown"):
            rows.setdefault(row.key, []).append(row)
        else:
            others.append(row)
    for key in texts_of_session(plan):
        collection, _, rest = key.partition(".")
        is_here = collection not in collections or rest.partition(".")[0] in collections[collection]
        if is_here and key not in elsewhere:
            yield from rows.get(key, [stated_row(known, key)])
    yield from others


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
        if entry.frame_ids is not None:
            with_paths(entry.frame_ids, f"sources.{name}.frame_ids", note)
    for collection, entries in plan.loaded.collections.items():
        for name, stated in entries.items():
            with_paths(stated, f"{collection}.{name}", note)
    return keys


def _stated_files(aligned: Aligned) -> Iterator[tuple[str, str, Path]]:
    """Files that are stated beside the sources of this session, as (name, kind, file)."""
    yield from _calibration_files(aligned)
    yield from _cell_files(aligned)
    for name, entry in aligned.plan.loaded.sources.items():
        if entry.frame_ids is not None:
            yield name, "table of frame numbers", expand(entry.frame_ids.path)[0]


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
