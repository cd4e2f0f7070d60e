"""One session: plan, read, align, add, write, validate."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from math import isfinite
from pathlib import Path
from typing import Any, Literal

from pynwb import NWBFile

from bergmann.arrays import LazyArray
from bergmann.convert.align import Aligned, align
from bergmann.convert.anchors import SessionAnchors
from bergmann.convert.epochs import add_epochs
from bergmann.convert.nwbfile import add_devices, make_nwbfile
from bergmann.convert.private import PlacedVideos, remove_private, say_removed
from bergmann.convert.provenance import conversion_record, digests_of_sources, texts_of_session
from bergmann.convert.recipes import Recipes, name_arrays, taken_over
from bergmann.convert.scope import collections_of_session
from bergmann.convert.sync import add_extrapolated, add_pulses
from bergmann.errors import BergmannError, SessionError, SourceError, StoppedError, WriteError
from bergmann.findings import UNREADABLE, Finding, has_errors
from bergmann.foreign import FormatFile, origin_of_fault
from bergmann.moments import Moment
from bergmann.plan.arms import ArmKey
from bergmann.plan.resolve import Plan, check_values, make_plan
from bergmann.plan.sources import Vocabulary
from bergmann.plan.veil import Veil
from bergmann.proof.proving import Comparison, Mode, ProofError, Prover, check, keep_digests, say
from bergmann.receptors.nwb import add_explanations, metadata_of, set_arm
from bergmann.receptors.states import check_times
from bergmann.receptors.terms import keywords
from bergmann.registry import Entry, Placed, collection_writer, entry_writer
from bergmann.validate import validate_paths
from bergmann.validate.needs import Profile, check_plan
from bergmann.validate.own_process import Validator
from bergmann.validate.waivers import find_waivers, load_waivers
from bergmann.writing import OnProgress, Storing, Streams, check_target, write_session
from bergmann.writing.codecs import codec_for, slow_codec
from bergmann.writing.naming import Names, existing_targets
from bergmann.writing.presets import DEFAULT

COLLECTIONS_BEFORE = (
    "vectors",
    "populations",
    "procedures",
    "receptors",
    "expression",
    "indicators",
    "light_sites",
    "devices",
    "planes",
)
"""Stated collections in the order in which they name each other, all before the sources."""
COLLECTIONS_AFTER = ("drugs", "states")
"""Those whose times need the sources."""

LARGE = 200_000_000
"""Bytes of sources from which on another process validates: it starts meanwhile, and its memory is its own. Of a smaller session
the start of a process takes longer than what it saves."""

Result = Literal["written", "excluded", "refused", "unreadable", "failed"]


@dataclass(frozen=True, kw_only=True)
class Conversion:
    """What became of one session.

    Attributes
    ----------
    session : str
        The session file as named.
    result : {"written", "excluded", "refused", "unreadable", "failed"}
        Excluded: the session says that it is not to be used; refused: gaps, conflicts or an output that is there already;
        unreadable: the session file or a source could not be read; failed: it could not be written.
    target : Path or None
        The NWB file.
    findings : tuple of Finding
    seconds : float
        How long it took.
    """

    session: str
    result: Result
    target: Path | None
    findings: tuple[Finding, ...]
    seconds: float

    @property
    def is_good(self) -> bool:
        """Whether the file was written and nothing speaks against it, or the session is rightly left out."""
        return self.result in ("written", "excluded") and not has_errors(self.findings)

    def as_dict(self) -> dict[str, Any]:
        """The conversion as a JSON object."""
        return {
            "session": self.session,
            "result": self.result,
            "file": self.target.as_posix() if self.target else None,
            "seconds": round(self.seconds, 3),
            "findings": [finding.as_dict() for finding in self.findings],
        }


def convert_session(
    path: Path,
    out: Path,
    *,
    overwrite: bool = False,
    keep: Collection[Path] = (),
    on_progress: OnProgress | None = None,
    vocabulary: Vocabulary | None = None,
    key: ArmKey | None = None,
    include_excluded: bool = False,
    keep_private: bool = False,
    storing: Storing = DEFAULT,
    proof: Mode = "full",
    profile: Profile = "draft",
    validator: Validator | None = None,
) -> Conversion:
    """Convert one session into a local dandiset, and validate what was written.

    Never raises for a session that cannot be converted: what went wrong is in the findings, and nothing is left behind. Nor does
    Ctrl-C leave anything of a file that is not whole (`StoppedError` names one that is, and is not validated yet).

    Parameters
    ----------
    path : Path
        The session file.
    out : Path
        Folder of the local dandiset; made if it is not there.
    overwrite : bool
        Whether to replace the file of this session that is already there.
    keep : collection of Path
        Files that are never replaced: those of other session files of the same run.
    on_progress : callable (bytes done, bytes in all), optional
        Told how far the writing is.
    vocabulary : Vocabulary, optional
        What the session file may speak of; what the rooms and installed packages declare if left out.
    key : ArmKey, optional
        Which animal is in which arm; without it a blinded session is written as blinded.
    include_excluded : bool
        Whether to write a session, too, that says that it is not to be used; the file then says so.
    keep_private : bool
        Whether to keep what sources tell of persons and machines: paths of users, addresses of mail and of network cards.
    storing : Storing
        Chunks and compression of large arrays.
    proof : {"full", "sample"}
        Whether all that was written is read back and compared with a second reading of the sources, or of large arrays a sample.
    profile : {"draft", "archive"}
        Whether a session that leaves open what an archive needs (see `bergmann.validate.needs`), and does not waive it, is refused.
    validator : Validator, optional
        The process that names and validates what was written, if the sources are large; else this one does.
    """
    begun = time.perf_counter()
    target: Path | None = None
    findings: tuple[Finding, ...] = ()
    veil = Veil()
    result: Result
    try:
        plan = make_plan(path, vocabulary, key)
        waivers = find_waivers((out, path)) if profile == "archive" else None
        plan = replace(plan, findings=(*plan.findings, *_open_needs(plan, profile, waivers)))
        findings, veil = plan.findings, Veil.of(plan.loaded)
        if plan.loaded.excluded is not None and not include_excluded:
            result, findings = "excluded", tuple(_left_out(plan, out))
        elif plan.is_complete:
            codec_for(storing.compression)  # says now, and not after the reading, that its extra is missing
            check_target(out, plan.head.subject.id, plan.head.session.id, overwrite=overwrite)
            _check_kept(existing_targets(out, plan.head.subject.id, plan.head.session.id), keep)
            aligned = align(plan)
            doubts = (one for one in _check_read(aligned) if one.severity != "error")  # errors are raised by the writing
            findings = (*findings, *aligned.findings(), *doubts)
            beside = _getting_ready(validator, aligned)
            validate = validate_paths if beside is None else beside.validate
            with _told_what_is_written(out, plan):
                with Prover(plan.loaded.path, proof, _formats_that_ran(vocabulary)) as prover:
                    written = _write(aligned, out, Streams(storing), overwrite, on_progress, keep_private, prover, beside)
                target = written.target
                findings = (*findings, *_say_kept(plan, written.kept), *_say_slow(path, storing), *written.private)
                findings = (*findings, say(written.proof, target.name), *validate([target], waivers, profile))
            result = "written"
        else:
            result = _why_not(findings)
    except SessionError as error:
        findings = (*findings, *error.findings)
        result = _why_not(findings)
    except ProofError as error:
        result, findings = "failed", (*findings, *error.findings)
    except WriteError as error:
        result, findings = "failed", (*findings, _failure(path, "output", str(error)))
    except BergmannError as error:
        result, findings = "unreadable", (*findings, _failure(path, "source", str(error)))
    except Exception as error:  # noqa: BLE001  one session's surprise must not stop the other fifty-nine; it is reported whole
        result, findings = "failed", (*findings, _surprise(path, error, target))
    return Conversion(
        session=str(path),
        result=result,
        target=target,
        findings=veil.findings(findings),
        seconds=time.perf_counter() - begun,
    )


def _getting_ready(validator: Validator | None, aligned: Aligned) -> Validator | None:
    """The process that names and validates, started; None where there is none, or the sources are too small for that."""
    files = {file for record in aligned.records.values() for file in record.files}
    if validator is None or sum(file.stat().st_size for file in files if file.is_file()) < LARGE:
        return None
    validator.prepare()
    return validator


def _open_needs(plan: Plan, profile: Profile, waivers: Path | None) -> tuple[Finding, ...]:
    """What the profile needs and the session leaves open."""
    if profile == "draft" or plan.loaded.is_partial:
        return ()
    return tuple(check_plan(plan, load_waivers(waivers) if waivers is not None else ()))


def _left_out(plan: Plan, out: Path) -> Iterator[Finding]:
    """Why a session is left out, and the file of it that an earlier conversion wrote; its gaps stand in nobody's way."""
    yield from (one for one in plan.findings if one.check == "excluded")
    subject, session = (plan.loaded.texts.get(key, "") for key in ("subject.id", "session.id"))
    for file in existing_targets(out, subject, session):
        yield Finding(
            severity="warning",
            check="excluded",
            location=plan.loaded.place("session.exclude"),
            message=f"{file.relative_to(out).as_posix()} of this session is in {out.name} from an earlier conversion",
            remedy="remove it (and the folder of its videos, if there is one) if it is not to be published",
        )


def _check_read(aligned: Aligned) -> Iterator[Finding]:
    """What only a session that was read through shows."""
    yield from _check_times(aligned)
    yield from _check_late(aligned)
    yield from check_values(aligned.plan, aligned.records)


def _check_times(aligned: Aligned) -> Iterator[Finding]:
    """What only the session's clock shows: a drug that ends before it begins, a state that begins before its drug was given."""
    for finding in check_times(collections_of_session(aligned.plan), aligned.when):
        yield replace(finding, location=aligned.plan.loaded.place(finding.location))


def _check_late(aligned: Aligned) -> Iterator[Finding]:
    """A drug that was given when all recordings were over: a wrong hour, most likely."""
    spans = [record.span for record in aligned.records.values() if record.span is not None]
    over = max((end for _, end in spans), default=None)
    for name, drug in aligned.plan.loaded.collections.get("drugs", {}).items() if over is not None else ():
        key, moment = next(((key, one) for key in ("at", "from_") if (one := getattr(drug, key, None)) is not None), ("", None))
        try:
            given = aligned.when(moment) if moment is not None else ()
        except SourceError:  # `_check_times` says it
            continue
        first = min((one for one in given if isfinite(one.seconds)), key=lambda one: one.seconds, default=None)
        slack = first.uncertainty if first is not None and isfinite(first.uncertainty) else 0.0
        if first is not None and over is not None and first.seconds - slack > over:
            after = timedelta(seconds=round(first.seconds - over))
            yield Finding(
                severity="warning",
                check="conflict",
                location=aligned.plan.loaded.place(f"drugs.{name}.{key.rstrip('_')}"),
                message=f"{name} was given {after} (h:min:s) after the last recording ended, by this time",
                remedy="is the time right? What was given then can have changed nothing in the recordings",
            )


@contextmanager
def _told_what_is_written(out: Path, plan: Plan) -> Iterator[None]:
    """Let Ctrl-C say of a file that appears meanwhile that it is there, and not validated.

    Raises
    ------
    StoppedError
        In place of a KeyboardInterrupt, where the file of the session has been put in its place.
    """
    before = _stamps(out, plan)
    try:
        yield
    except KeyboardInterrupt as stopped:
        written = [path.name for path, stamp in _stamps(out, plan).items() if before.get(path) != stamp]
        if written:
            raise StoppedError(written[0]) from stopped
        raise


def _stamps(out: Path, plan: Plan) -> dict[Path, tuple[int, int]]:
    """The files of a session that are there, and what changes when one is replaced."""
    there = existing_targets(out, plan.head.subject.id, plan.head.session.id)
    return {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in there}


def _check_kept(there: Iterable[Path], keep: Collection[Path]) -> None:
    """Refuse to replace what another session file of this run has become."""
    for file in there:
        if file in keep:
            raise WriteError(
                f"{file.name}: another session file of this run has the same subject and session id; give one another id"
            )


def _why_not(findings: Iterable[Finding]) -> Result:
    """Whether something could not be read, or what was read is not enough."""
    return "unreadable" if any(one.check in UNREADABLE for one in findings) else "refused"


def _failure(path: Path, check: str, message: str) -> Finding:
    return Finding(severity="error", check=check, location=path.name, message=message)


def _surprise(path: Path, error: Exception, written: Path | None) -> Finding:
    """An error that nobody foresaw, with the place in the code where it came up, and what is there."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    foreign = origin_of_fault(error)
    where = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace is not None else "?"
    left = "nothing was written for this session" if written is None else f"{written.name} is written whole, and not validated"
    return Finding(
        severity="error",
        check="internal error",
        location=path.name,
        message=f"{type(error).__name__} at {where}: {error}",
        remedy=f"this is a fault of {foreign or 'bergmann'}: please report it with this line; {left}",
    )


def _formats_that_ran(vocabulary: Vocabulary | None) -> list[FormatFile]:
    """The files of the lab's own formats, which a person has said may run."""
    return [] if vocabulary is None else [one.file for one in vocabulary.offers if one.file is not None]


@dataclass(frozen=True, kw_only=True)
class _Written:
    """One file that was written and proved.

    Attributes
    ----------
    target : Path
    kept : dict of str to int
        How many arrays of each source were taken over from the file that was replaced.
    private : tuple of Finding
        What was taken out of its texts and videos.
    proof : Comparison
    """

    target: Path
    kept: dict[str, int]
    private: tuple[Finding, ...]
    proof: Comparison


def _write(
    aligned: Aligned,
    out: Path,
    streams: Streams,
    overwrite: bool,
    on_progress: OnProgress | None,
    keep_private: bool,
    prover: Prover,
    names: Names | None = None,
) -> _Written:
    """Add everything to an NWB file object, write it, and prove it.

    Raises
    ------
    ProofError
        If what was written is not what the sources say.
    """
    nwbfile, placed = build_nwbfile(aligned, streams)
    digests = digests_of_sources(aligned)
    arrays = list(name_arrays(nwbfile, streams, Recipes(aligned, digests)))
    nwbfile.add_lab_meta_data(conversion_record(aligned, placed, nwbfile, digests, arrays))
    private = tuple(_without_private(nwbfile, aligned.plan, keep_private))
    videos = PlacedVideos(keep_private)
    proved: list[Comparison] = []

    def prove(temporary: Path, beside: Path) -> None:
        comparison = prover.compare(temporary, beside, digests)
        if wrong := check(comparison, digests):
            raise ProofError(wrong)
        keep_digests(temporary, comparison)
        proved.append(comparison)

    target = write_session(
        nwbfile,
        out,
        streams,
        placed.externals,
        overwrite=overwrite,
        on_progress=on_progress,
        place_video=videos.place,
        prove=prove,
        names=names,
    )
    said = tuple(dict.fromkeys((*private, *videos.findings)))
    return _Written(target=target, kept=taken_over(streams, arrays), private=said, proof=proved[0])


def _without_private(nwbfile: Any, plan: Plan, keep: bool) -> Iterator[Finding]:
    """Take out of the texts of a file what tells of persons and machines, unless it is to be kept or was stated."""
    stated = list(texts_of_session(plan).values())
    removals = () if keep else remove_private(nwbfile, stated)
    yield from say_removed(removals)


def _say_kept(plan: Plan, kept: Mapping[str, int]) -> Iterator[Finding]:
    """Which sources were not written again."""
    for name, count in kept.items():
        yield Finding(
            severity="note",
            check="kept",
            location=plan.loaded.place(f"sources.{name}"),
            message=f"{_count(count, 'array')} kept as stored in the file that was replaced: the files of {name} are the same "
            "(SHA-256), and so is all that is stated for reading them",
        )


def _say_slow(path: Path, storing: Storing) -> Iterator[Finding]:
    """That writing could have taken less time."""
    if storing.compression == "gzip" and (slow := slow_codec()):
        yield Finding(severity="note", check="slow", location=path.name, message=slow)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def build_nwbfile(aligned: Aligned, stream: Callable[[LazyArray], Any]) -> tuple[NWBFile, Placed]:
    """Make the NWB file object of a session with all that was read and stated in it; nothing is on disk yet.

    Parameters
    ----------
    aligned : Aligned
        Of a complete plan.
    stream : callable (LazyArray) -> object
        Gives what pynwb takes as ``data`` for an array.

    Returns
    -------
    nwbfile : pynwb.NWBFile
        Without the record of its conversion, which needs the digest of every file.
    placed : Placed
        What was made of what.

    Raises
    ------
    SessionError
        If what is stated and what was read cannot be written together.
    """
    plan = aligned.plan
    wrong = [one for one in _check_read(aligned) if one.severity == "error"]
    if wrong:
        raise SessionError(wrong)
    collections = collections_of_session(plan)
    nwbfile = make_nwbfile(plan, keywords=keywords(collections, plan.head.subject.species))
    placed = Placed(stream=stream, collections=collections, when=aligned.when)
    if plan.head.preparation is not None:
        placed.put("session", "preparation", plan.head.preparation)
    _add_collections(nwbfile, COLLECTIONS_BEFORE, placed)
    _add_arm(nwbfile, plan, placed)
    placed.note_made(nwbfile, "session")
    _add_sources(nwbfile, aligned, placed)
    _add_sync(nwbfile, aligned, placed)
    placed.note_made(nwbfile, "clocks")
    _add_collections(nwbfile, COLLECTIONS_AFTER, placed)
    placed.note_made(nwbfile, "session")
    add_epochs(nwbfile, aligned)
    placed.note_made(nwbfile, "runs")
    _add_invalid(nwbfile, aligned, placed)
    placed.note_made(nwbfile, "invalid")
    add_explanations(nwbfile)
    return nwbfile, placed


def _add_sources(nwbfile: Any, aligned: Aligned, placed: Placed) -> None:
    """Add what was read, each source by its room.

    Raises
    ------
    SessionError
        If a room refuses what it is given, or two sources would write objects of one name: ``movie``, with two channels, and
        ``movie_ch1``.
    """
    for name, record in aligned.records.items():
        source = aligned.plan.loaded.sources[name]
        if source.confirms is not None:
            continue
        entry = Entry(name=name, record=record, stated=source.stated, source=source.source)
        try:
            entry_writer(source.format.record)(nwbfile, entry, placed)
            placed.note_made(nwbfile, "sources", name)
        except SourceError as error:
            message = str(error).removeprefix(f"sources.{name}: ")
            raise SessionError([_error(aligned.plan, f"sources.{name}", "source", message)]) from error
        except ValueError as error:  # pynwb's own, which names addresses in memory
            taken = _TAKEN.search(str(error))
            if taken is None:
                raise
            message = f"{name} writes an object {taken['name']!r}, and another source has written one of that name"
            remedy = "give one of the two another name"
            raise SessionError([_error(aligned.plan, f"sources.{name}", "conflict", message, remedy)]) from error


def _add_sync(nwbfile: Any, aligned: Aligned, placed: Placed) -> None:
    """Add the pulses that timed sources, and what lies outside of them.

    Raises
    ------
    SessionError
        If a source has taken the name.
    """
    try:
        add_pulses(nwbfile, aligned, placed)
    except SourceError as error:
        raise SessionError([_error(aligned.plan, "sources", "conflict", str(error))]) from error
    add_extrapolated(nwbfile, aligned, placed)


_TAKEN = re.compile(r"'(?P<name>[^']*)' at 0x[0-9a-fA-F]+ already exists in")
"""How hdmf says that a name is taken (`hdmf.container.MultiContainerInterface`)."""


def _error(plan: Plan, key: str, check: str, message: str, remedy: str = "") -> Finding:
    return Finding(severity="error", check=check, location=plan.loaded.place(key), message=message, remedy=remedy)


def _add_collections(nwbfile: Any, names: tuple[str, ...], placed: Placed) -> None:
    for name in names:
        entries = placed.collections.get(name, {})
        if entries:
            add = add_devices if name == "devices" else collection_writer(name)
            add(nwbfile, entries, placed)


def _add_arm(nwbfile: Any, plan: Plan, placed: Placed) -> None:
    """Write the arm of the study as structure, if one is stated."""
    if plan.head.arm is not None or plan.head.factors:
        metadata = metadata_of(nwbfile, placed)
        set_arm(metadata, arm=plan.head.arm, is_control=plan.head.arm_is_control, factors=plan.head.factors)


def _add_invalid(nwbfile: Any, aligned: Aligned, placed: Placed) -> None:
    """Write the stated intervals that should not be analysed, with the time series that they are about.

    The sources that are invalid then are tags, too: tables of events have no time series that could be named, and an interval
    that names none would be about everything. Of a source of several runs, those of the runs of that time are named.

    Raises
    ------
    SessionError
        If an interval does not begin at one known time and end at a later one.
    """
    _add_exclusion(nwbfile, aligned)
    for name, stated in aligned.plan.loaded.invalid.items():
        start, stop = (_one_time(aligned, f"invalid.{name}.{key}", at) for key, at in (("from", stated.from_), ("to", stated.to)))
        if stop < start:
            message = f"it ends ({stated.to.text}, {stop:g} s) before it begins ({stated.from_.text}, {start:g} s)"
            raise SessionError([_error(aligned.plan, f"invalid.{name}", "value", message, "are `from` and `to` exchanged?")])
        sources = [_written_as(aligned, one) for text in stated.of for one in _recorded(aligned, text, start, stop)]
        series = [one for source in sources for one in _time_series(placed.get("sources", source))]
        tags = [name, stated.why, *(f"of {source}" for source in sources)]
        nwbfile.add_invalid_time_interval(start_time=start, stop_time=stop, tags=tags, timeseries=series or None)


def _add_exclusion(nwbfile: Any, aligned: Aligned) -> None:
    """Write that the whole of an excluded session is invalid, where it has times."""
    reason = aligned.plan.loaded.excluded
    spans = [record.span for record in aligned.records.values() if record.span is not None]
    if reason is not None and spans:
        start, stop = min(0.0, *(first for first, _ in spans)), max(last for _, last in spans)
        nwbfile.add_invalid_time_interval(start_time=start, stop_time=stop, tags=["excluded", reason])


def _written_as(aligned: Aligned, source: str) -> str:
    """The source as which a source is in the file: another one, where it is an account of that."""
    confirmed = aligned.plan.loaded.sources[source].confirms
    return source if confirmed is None else confirmed.name


def _recorded(aligned: Aligned, text: str, start: float, stop: float) -> tuple[str, ...]:
    """The sources that a text names; of several runs, those of the runs that the stretch lies in, or all if it lies between."""
    named = aligned.plan.loaded.sources_named(text)
    if len(named) == 1:
        return named
    anchors = SessionAnchors(aligned.plan, aligned.records)
    spans = {name: anchors.run_span(str(aligned.plan.loaded.sources[name].run)) for name in named}
    then = tuple(name for name, (begun, ended) in spans.items() if begun <= stop and ended >= start)
    return then or named


def _one_time(aligned: Aligned, key: str, moment: Moment) -> float:
    """When a moment was that must be one and known, in seconds."""
    try:
        whens = aligned.when(moment)
    except SourceError as error:
        raise SessionError([_error(aligned.plan, key, "value", str(error))]) from error
    if len(whens) != 1 or not isfinite(whens[0].seconds):
        found = f"{len(whens)} times" if len(whens) != 1 else "not known"
        raise SessionError([_error(aligned.plan, key, "value", f"`{moment.text}` is {found}; expected one time that is known")])
    return whens[0].seconds


def _time_series(made: Any) -> Iterator[Any]:
    """The time series among what a source was written as, and those inside of it (body parts in a pose)."""
    from pynwb import TimeSeries

    for one in made if isinstance(made, tuple | list) else (made,):
        yield from (part for part in (one, *one.children) if isinstance(part, TimeSeries))
