"""What is in an NWB file, for a person: animal, receptors, streams, drugs, origins; of any file, whoever wrote it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from bergmann.errors import SourceError
from bergmann.findings import Finding
from bergmann.validate.checking import run_checks
from bergmann.validate.files import check_readable
from bergmann.validate.quiet import quietly
from bergmann.validate.reading import Reading
from bergmann.validate.rows import Row, rows_of

_DRUGS = "DrugAdministrationsTable"


@dataclass(frozen=True, kw_only=True)
class Stream:
    """One series, table or movie of a file.

    Attributes
    ----------
    name, kind : str
        Its name, and its neurodata type.
    what : str
        Its size in words, e.g. ``"1,024 frames of 32 x 12, int16"``.
    rate : float or None
        Samples a second; of times one by one the median; None for events.
    start, stop : float or None
        First and last time in seconds of the session; None if it has no times.
    """

    name: str
    kind: str
    what: str
    rate: float | None
    start: float | None
    stop: float | None


@dataclass(frozen=True, kw_only=True)
class Mark:
    """One thing that happened at one time: a drug, in seconds of the session; NaN if nobody knows when."""

    at: float
    text: str


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where one value of a file comes from, as its own record says.

    Attributes
    ----------
    key, value, origin, kind : str
        As `ndx_bergmann` keeps them: kind is stated, file, derived, vocabulary or unknown.
    path : str
        What it is in the file; empty for what is not there by itself, and in files that do not keep it.
    """

    key: str
    value: str
    origin: str
    kind: str
    path: str = ""


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What a file holds.

    Attributes
    ----------
    file : str
    size : int
        In bytes.
    facts : dict of str to str
        Session, subject and what else is one line each.
    receptors, procedures, light : tuple of str
        One line each.
    streams : tuple of Stream
    drugs : tuple of Mark
    software : str
        What wrote the file; empty if it does not say.
    origins : tuple of Origin
        Empty for a file that keeps none.
    source_files : tuple of tuple of str
        Source, path and SHA-256 of each file that the values were read from.
    findings : tuple of Finding
        Of our own checks; empty if they were not run.
    """

    file: str
    size: int
    facts: dict[str, str]
    receptors: tuple[str, ...]
    procedures: tuple[str, ...]
    light: tuple[str, ...]
    streams: tuple[Stream, ...]
    drugs: tuple[Mark, ...]
    software: str
    origins: tuple[Origin, ...]
    source_files: tuple[tuple[str, str, str], ...]
    findings: tuple[Finding, ...]

    @property
    def span(self) -> tuple[float, float] | None:
        """From the first to the last time of anything that was recorded, in seconds; None if nothing was."""
        times = [time for one in self.streams for time in (one.start, one.stop) if time is not None]
        return (min(times), max(times)) if times else None

    def as_dict(self) -> dict[str, Any]:
        """The contents as a JSON object."""
        return asdict(self)


def read_contents(path: Path, *, with_checks: bool = True) -> Contents:
    """Read what an NWB file holds.

    Parameters
    ----------
    path : Path
    with_checks : bool
        Whether our own checks are run, too, which read all data.

    Raises
    ------
    SourceError
        If the file is not there, or cannot be read.
    """
    if path.is_dir():
        raise SourceError(f"{path.name}: this is a folder; name one NWB file in it")
    if not path.is_file():
        raise SourceError(f"{path.name}: there is no such file")
    for finding in check_readable(path):
        raise SourceError(f"{path.name}: {finding.message}; {finding.remedy}")
    with quietly():
        from pynwb import NWBHDF5IO

        try:
            with NWBHDF5IO(path, "r") as io:
                return _contents(path, Reading(io.read(), path.name), with_checks=with_checks)
        except Exception as error:
            message = str(error).strip().splitlines()
            said = message[-1] if message else type(error).__name__
            raise SourceError(f"{path.name}: pynwb cannot read it: {said}; see what `bergmann validate` says of it") from error


def _contents(path: Path, reading: Reading, *, with_checks: bool) -> Contents:
    record = next(iter(reading.objects("ConversionRecord")), None)
    return Contents(
        file=path.name,
        size=path.stat().st_size,
        facts=dict(_facts(reading)),
        receptors=tuple(_receptors(reading)),
        procedures=tuple(_procedures(reading)),
        light=tuple(_light(reading)),
        streams=tuple(_streams(reading)),
        drugs=tuple(_drugs(reading)),
        software=_software(reading, record),
        origins=tuple(_origins(reading, record)),
        source_files=tuple(_source_files(reading, record)),
        findings=tuple(run_checks(reading)) if with_checks else (),
    )


def _facts(reading: Reading) -> Iterator[tuple[str, str]]:
    nwbfile = reading.nwbfile
    start: datetime = nwbfile.session_start_time
    yield "session", f"{nwbfile.session_id or '(no id)'}, {start.isoformat(sep=' ')}"
    yield "about", str(nwbfile.session_description)
    subject = nwbfile.subject
    if subject is not None:
        parts = (subject.subject_id, subject.species, subject.sex, subject.age, subject.genotype or subject.strain, subject.weight)
        yield "subject", ", ".join(str(part) for part in parts if part)
    for metadata in reading.objects("GlialReceptorMetadata"):
        arm = getattr(metadata, "arm", None)
        if arm:
            yield "arm", f"{arm}{' (control)' if getattr(metadata, 'arm_is_control', False) else ''}"
    places = [value for value in (nwbfile.lab, nwbfile.institution) if value]
    if places:
        yield "lab", ", ".join(places)
    for key in ("notes", "pharmacology"):
        if getattr(nwbfile, key, None):
            yield key, str(getattr(nwbfile, key))


def _receptors(reading: Reading) -> Iterator[str]:
    populations = [row for table in reading.objects("CellPopulationsTable") for row in rows_of(reading, table)]
    for table in reading.objects("ReceptorsTable"):
        for row in rows_of(reading, table):
            index = row.get("population")
            cells = populations[index] if isinstance(index, int) and 0 <= index < len(populations) else {}
            gene = f" ({row['gene_symbol']})" if row.get("gene_symbol") else ""
            how = f" by {row['genetic_method']}" if row.get("genetic_method") else ""
            where = f" in {cells.get('cell_type', 'unknown cells')} ({cells.get('location', 'unknown place')})"
            yield f"{row.get('receptor_name')}{gene}: {str(row.get('genetic_status')).replace('_', ' ')}{how}{where}"


def _procedures(reading: Reading) -> Iterator[str]:
    for table in reading.objects("ProceduresTable"):
        for row in rows_of(reading, table):
            days = row.get("days_before_session")
            when = (
                f"{days:g} d before" if isinstance(days, float) and isfinite(days) else str(row.get("date") or "at an unknown time")
            )
            what = " ".join(str(row[key]) for key in ("kind", "model") if row.get(key))
            yield f"{when}: {what}{_at(row)}".replace("_", " ")


def _at(row: Row) -> str:
    place = ", ".join(str(row[key]) for key in ("target", "side") if row.get(key))
    return f", {place}" if place else ""


def _light(reading: Reading) -> Iterator[str]:
    for table in reading.objects("OptogeneticPulsesTable"):
        power, n = reading.column(table, "power_in_mW"), len(table.id)
        wavelength = reading.column(table, "wavelength_in_nm")
        known = power[np.isfinite(power)] if power is not None else np.zeros(0)
        much = f", {known.min():.3g} to {known.max():.3g} mW" if known.size else ", power unknown"
        colour = f", {wavelength[0]:g} nm" if wavelength is not None and len(wavelength) and np.isfinite(wavelength[0]) else ""
        yield f"{table.name}: {n:,} pulse{'' if n == 1 else 's'}{much}{colour}"


def _streams(reading: Reading) -> Iterator[Stream]:
    order = ("acquisition", "stimulus", "processing")

    def place(series: Any) -> tuple[int, str]:
        path = reading.path(series)
        part = path.partition("/")[0]
        return (order.index(part) if part in order else len(order), path)

    for series in sorted(reading.objects("TimeSeries"), key=place):
        yield _stream(reading, series)
    for table in reading.objects("EventsTable", "TimeIntervals"):
        if _DRUGS in (kind.__name__ for kind in type(table).__mro__):
            continue  # they have a line of their own
        times = [reading.column(table, key) for key in ("timestamp", "start_time", "stop_time")]
        known = np.concatenate(
            [one[np.isfinite(one)] for one in times if one is not None and one.dtype.kind == "f"] or [np.zeros(0)]
        )
        n = len(table.id)
        yield Stream(
            name=table.name,
            kind=type(table).__name__,
            what=f"{n:,} row{'' if n == 1 else 's'}",
            rate=None,
            start=float(known.min()) if known.size else None,
            stop=float(known.max()) if known.size else None,
        )


def _stream(reading: Reading, series: Any) -> Stream:
    shape = tuple(getattr(series.data, "shape", np.shape(series.data)))
    n = int(getattr(series, "num_samples", None) or 0) or reading.n_samples(series)
    rate, start, stop = None, None, None
    if series.timestamps is not None:
        times = reading.times(series)
        known = times[np.isfinite(times)]
        if known.size:
            start, stop = float(known[0]), float(known[-1])
            steps = np.diff(known)
            rate = float(1 / np.median(steps)) if len(steps) and np.median(steps) > 0 else None
    elif series.rate is not None and n:
        start = float(series.starting_time or 0.0)
        rate, stop = float(series.rate), start + (n - 1) / float(series.rate)
    return Stream(name=series.name, kind=type(series).__name__, what=_what(series, shape, n), rate=rate, start=start, stop=stop)


def _what(series: Any, shape: tuple[int, ...], n: int) -> str:
    external = getattr(series, "external_file", None)
    if external is not None:
        files = len(external)
        return f"{n:,} frames in {files} video file{'' if files == 1 else 's'}"
    kind = getattr(series.data, "dtype", "")
    if len(shape) > 2:
        return f"{n:,} frames of {' x '.join(str(side) for side in shape[1:])}, {kind}"
    many = f" of {shape[1]}" if len(shape) == 2 else ""
    return f"{n:,} samples{many}, {kind}"


def _drugs(reading: Reading) -> Iterator[Mark]:
    for table in reading.objects(_DRUGS):
        for row in rows_of(reading, table):
            dose = row.get("dose")
            much = f" {dose:g} {row.get('dose_unit') or ''}".rstrip() if isinstance(dose, float) and isfinite(dose) else ""
            at = row.get("timestamp")
            text = f"{row.get('compound')}{much}, {row.get('route')}, {str(row.get('action')).replace('_', ' ')}"
            yield Mark(at=float(at) if isinstance(at, float) else float("nan"), text=text)


def _software(reading: Reading, record: Any) -> str:
    if record is not None:
        return str(record.software)
    made_by = getattr(reading.nwbfile, "was_generated_by", None)
    return "; ".join(" ".join(_text(part) for part in row) for row in made_by) if made_by is not None else ""


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _table(record: Any, name: str) -> Any:
    return getattr(record, name, None) if record is not None else None


def _origins(reading: Reading, record: Any) -> Iterator[Origin]:
    table = _table(record, "statements")
    for row in rows_of(reading, table) if table is not None else ():
        yield Origin(**{key: str(row.get(key, "")) for key in ("key", "value", "origin", "kind", "path")})


def _source_files(reading: Reading, record: Any) -> Iterator[tuple[str, str, str]]:
    table = _table(record, "source_files")
    for row in rows_of(reading, table) if table is not None else ():
        yield str(row.get("source")), str(row.get("path")), str(row.get("sha256"))


def count_kinds(origins: tuple[Origin, ...]) -> dict[str, int]:
    """How many values have which kind of origin."""
    return dict(Counter(one.kind for one in origins))
