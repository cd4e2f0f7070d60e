"""One change of a written file: planned, shown, carried out on a copy, checked, and only then named."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from bergmann import __version__
from bergmann.disk import refuse_unreachable, remove_older, replace_when_free, too_long
from bergmann.errors import SessionError, SourceError, WriteError
from bergmann.findings import Finding, has_errors
from bergmann.patch.copying import copy
from bergmann.patch.derived import when_given, written
from bergmann.patch.keys import AGAIN, Refused, why_not
from bergmann.patch.record import Change, add_patches, append_date, changes_between, put_specification, put_statements
from bergmann.patch.said import Said, Statement, is_entry, judge, read_statements, set_text, times_from
from bergmann.patch.tree import HERD, Edit, apply, check_applies, compare, put_references, references
from bergmann.patch.videos import planned_videos
from bergmann.plan.head import SessionHead
from bergmann.privacy import find_private
from bergmann.proof.digests import Digest, digest_file
from bergmann.proof.record import FILE_BESIDE, OF_THE_RECORD, RECORD, TABLE, read_digests, seal, write_digests
from bergmann.proof.verifying import against_record
from bergmann.proof.verifying import compare as compare_digests
from bergmann.validate import validate_paths
from bergmann.writing.naming import case_twins, existing_targets, longest_target, organized_path
from bergmann.writing.temporary import as_nwb_file, clear_leftovers, release, temporary_path, videos_folder
from bergmann.writing.videos import move_videos, remove_videos, set_external_files, stage_videos
from bergmann.writing.watched import open_watched

CHECK = "patch"

IDS = ("subject.id", "session.id")

PART = 64 << 20
"""Bytes of a part of an upload to a DANDI archive; all parts of a file that differs anywhere are sent again."""

OnStep = Callable[[str], None]


@dataclass(frozen=True)
class Patch:
    """A change that was looked at, and not yet made.

    Attributes
    ----------
    path : Path
        The file.
    target : PurePosixPath or None
        Its new place in the dandiset, where that changes with an id.
    changes : tuple of Change
        What is stated anew.
    edits : tuple of Edit
        What follows of it in the file.
    with_references : bool
        Whether the external references (HERD) change, too.
    because : str
    findings : tuple of Finding
        What to look at; without errors.
    statements : tuple of Statement
        The file's own.
    texts : mapping of str to str
        What is stated, with the changes.
    stamp : tuple of int
        Size, time and number of the file that was looked at.
    """

    path: Path
    target: PurePosixPath | None
    changes: tuple[Change, ...]
    edits: tuple[Edit, ...]
    with_references: bool
    because: str
    findings: tuple[Finding, ...] = ()
    statements: tuple[Statement, ...] = field(default=(), repr=False)
    texts: Mapping[str, str] = field(default_factory=dict, repr=False)
    stamp: tuple[int, ...] = ()

    @property
    def upload(self) -> int:
        """Bytes that an upload of the changed file sends, but for those that the change adds: all of the file."""
        return self.stamp[0]

    @staticmethod
    def parts_of(size: int) -> int:
        """Parts in which an upload of so many bytes is sent."""
        return max(1, -(-size // PART))

    def as_dict(self) -> dict[str, Any]:
        """The change as a JSON object."""
        return {
            "file": self.path.as_posix(),
            "renamed": self.target.as_posix() if self.target is not None else None,
            "because": self.because,
            "changes": [{"key": one.key, "old": one.old, "new": one.new} for one in self.changes],
            "edits": [{"place": f"/{one.place}", "kind": one.kind, "old": one.old, "new": one.new} for one in self.edits],
            "external_references": self.with_references,
            "upload_bytes": self.upload,
            "findings": [one.as_dict() for one in self.findings],
        }


def prepare(path: Path, settings: Sequence[str], because: str) -> Patch:
    """Look at a change of what is stated in a file; nothing is written.

    Parameters
    ----------
    path : Path
        A file that bergmann wrote.
    settings : sequence of str
        ``subject.age=P11W``, one a value.
    because : str
        Why, in a person's words.

    Raises
    ------
    SourceError
        If the file is not there, not bergmann's, or does not say what its own statements make of it.
    SessionError
        With everything for which the change is refused, at once.
    """
    path = path.absolute()
    if not path.is_file():
        raise SourceError(f"{path.name}: there is no such file")
    if path.is_symlink():
        raise SourceError(f"{path.name}: it is a link to a file elsewhere, which this would replace; name that file itself")
    if not because.strip():
        raise SourceError('say why: --because "..."; it stands in the file beside the change')
    refuse_unreachable([path])
    stamp = _stamp(path)
    with _opened(path) as file:
        statements = _statements(path, file)
        old = {one.key: one.value for one in statements if one.is_of_person}
        new = _with_settings(old, settings)
        changes = changes_between(old, new)
        if not changes:
            raise SourceError(f"{path.name}: it says all of that already; nothing is to be changed")
        start = datetime.fromisoformat(file["session_start_time"].asstr()[()])
        before, after, findings = _judged(path, old, new, start)
        edits, with_references = _edits(file, before, after)
        target = _target(path, after) if any(one.key in IDS for one in changes) else None
        findings = (*findings, *_private(changes, because), *_siblings(path, changes))
    return Patch(path, target, changes, edits, with_references, because.strip(), findings, statements, new, stamp)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The file, open for reading.

    Raises
    ------
    SourceError
        If it is no HDF5 file, or is damaged.
    """
    import h5py

    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise SourceError(f"{path.name}: it cannot be opened as an NWB file: {error}") from error
    with file:
        yield file


def _stamp(path: Path) -> tuple[int, ...]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns, status.st_ino


def _statements(path: Path, file: Any) -> tuple[Statement, ...]:
    if RECORD not in file or "nwb_version" not in file.attrs:
        raise SourceError(
            f"{path.name}: bergmann did not write it (it has no /{RECORD}), so that nobody can say what else in it follows of what "
            "is stated; change it with the software that made it"
        )
    try:
        return read_statements(file)
    except KeyError as error:
        raise SourceError(f"{path.name}: its conversion record holds no statements; {AGAIN}") from error


# --- what is stated ---------------------------------------------------------------------------------------------------


def _with_settings(texts: Mapping[str, str], settings: Sequence[str]) -> dict[str, str]:
    """The texts with all settings.

    Raises
    ------
    SessionError
        With every one that is refused.
    """
    refused: list[Finding] = []
    new = dict(texts)
    for setting in settings:
        key, equals, value = (part.strip() for part in setting.partition("="))
        no = _why_not(texts, key) if equals else Refused("this sets nothing", "write `key=value`, such as `subject.age=P11W`")
        if no is not None:
            refused.append(_refusal(key or setting, no))
            continue
        try:
            new = set_text(new, key, value)
        except ValueError as error:
            refused.append(_refusal(key, Refused(str(error))))
    if refused:
        raise SessionError(refused)
    return new


def _why_not(texts: Mapping[str, str], key: str) -> Refused | None:
    """Why a value of this file cannot be mended."""
    no = why_not(key)
    if no is not None:
        return no
    if not is_entry(texts, key):
        names = dict.fromkeys(one.split(".")[1] for one in texts if one.startswith(f"{key.split('.')[0]}."))
        there = f"it speaks of {', '.join(names)}" if names else "it speaks of none"
        return Refused(f"the file says nothing of `{key.rpartition('.')[0]}`, and a new entry is a new object ({there})", AGAIN)
    if key.startswith("procedures.") and key.endswith(".date") and (counted := times_from(texts, key.split(".")[1])):
        return Refused(f"times of the file count from this date: {', '.join(counted)}", AGAIN)
    return None


def _refusal(key: str, no: Refused) -> Finding:
    return Finding(severity="error", check=CHECK, location=key, message=no.reason, remedy=no.remedy)


def _judged(path: Path, old: Mapping[str, str], new: Mapping[str, str], start: datetime) -> tuple[Said, Said, tuple[Finding, ...]]:
    """What was said and will be, and what is new to find in it."""
    try:
        before = judge(old, start, path.name)
    except SessionError as error:
        raise SourceError(
            f"{path.name}: what it says that was stated cannot be read by this version ({error.findings[0].text}); {AGAIN}"
        ) from error
    after = judge(new, start, path.name)
    found = tuple(one for one in after.findings if one not in before.findings)
    if has_errors(found):
        raise SessionError([one for one in found if one.severity == "error"])
    return before, after, found


def _edits(file: Any, before: Said, after: Said) -> tuple[tuple[Edit, ...], bool]:
    """What follows of the change, and whether external references do, too."""
    when = when_given(before, file)
    with ExitStack() as stack:
        old, new = stack.enter_context(written(before, when)), stack.enter_context(written(after, when))
        edits = compare(old, new)
        check_applies(file, edits)
        known = references(old)
        with_references = known != references(new)
        if with_references and known != references(file):
            raise SourceError(f"/{HERD}: it is not what the statements of the file make of it; {AGAIN}")
    return edits, with_references


def _private(changes: Iterable[Change], because: str) -> Iterator[Finding]:
    for key, text in (*((one.key, one.new) for one in changes), ("because", because)):
        private = next(find_private(text), None)
        if private is not None:
            yield Finding(
                severity="warning",
                check="private text",
                location=key,
                message=f"{private.kind}, as it is stated",
                remedy="everybody can read it once the file is published; state the text without it",
            )


def _siblings(path: Path, changes: Iterable[Change]) -> Iterator[Finding]:
    """Other files of the same animal, whose statement of it stays as it was."""
    of_animal = [
        one for one in changes if one.key.startswith(("subject.", "procedures.", "vectors.")) and one.key not in _OF_SESSION
    ]
    others = [one for one in sorted(path.parent.glob("sub-*.nwb")) if one.name != path.name] if of_animal else []
    for change in of_animal:
        differing = [one.name for one in others if _states(one, change.key) == change.old]
        if differing:
            yield Finding(
                severity="warning",
                check=CHECK,
                location=change.key,
                message=f"{', '.join(differing)} of the same animal says {f'`{change.old}`' if change.old else 'nothing of it'}",
                remedy="patch these files, too, or an animal differs between its sessions",
            )


_OF_SESSION = ("subject.age", "subject.weight", "subject.description")


def _states(path: Path, key: str) -> str | None:
    """What a file states of a key; None for one that cannot be asked."""
    try:
        with _opened(path) as file:
            return next((one.value for one in read_statements(file) if one.key == key), "")
    except (SourceError, KeyError):
        return None


def _target(path: Path, after: Said) -> PurePosixPath:
    """The place that a file has by its new ids.

    Raises
    ------
    WriteError
        If another file is there, or the file is not where `convert` puts it.
    """
    head = after.plan.head
    with _opened(path) as file:
        now = organized_path(path, file["general/subject/subject_id"].asstr()[()], file["general/session_id"].asstr()[()])
    target = organized_path(path, head.subject.id, head.session.id)
    dandiset = path.parent.parent
    if path != dandiset / now:
        raise WriteError(
            f"{path.name}: its ids make its name and place, and it does not lie where `bergmann convert` put it ({now}); put it "
            "there first"
        )
    for twin in case_twins(dandiset, head.subject.id, head.session.id):
        if dandiset / twin not in (path, path.parent) and twin not in (path.name, path.parent.name):
            raise WriteError(f"{twin}: is there already, and differs from the new name only in capital and small letters")
    for there in existing_targets(dandiset, head.subject.id, head.session.id):
        if there != path and not _is_left_over(there, path, head):
            raise WriteError(
                f"{there.name}: there is a file of this subject and session already; take another id, or move that file"
            )
    if hint := too_long(longest_target(dandiset, head.subject.id, head.session.id)):
        raise WriteError(f"{target.name}: the file could not be named so: {hint}")
    return target


def _is_left_over(there: Path, path: Path, head: SessionHead) -> bool:
    """Whether a file is this one under its new ids, of which a run that was killed has not yet removed the older."""
    with _opened(there) as made, _opened(path) as file:
        ids = [made[key].asstr()[()] for key in ("general/subject/subject_id", "general/session_id")]
        return bool(made["identifier"][()] == file["identifier"][()]) and ids == [head.subject.id, head.session.id]


# --- making it --------------------------------------------------------------------------------------------------------


def carry_out(patch: Patch, on_step: OnStep = lambda _: None) -> tuple[Path, tuple[Finding, ...]]:
    """Make a change on a copy, check the copy, and give it the file's name.

    Whatever ends the process earlier leaves the file as it was; a copy that a killed run left is removed by the next one.

    Parameters
    ----------
    patch : Patch
    on_step : callable (str), optional
        Told what is done now.

    Returns
    -------
    Path
        The changed file.
    tuple of Finding
        What was proved.

    Raises
    ------
    SourceError
        If the file does not hold what its own digests say, or was changed meanwhile.
    WriteError
        If it cannot be written, if anything else in it would change, or if it were not valid any more.
    """
    path = patch.path
    stem = path.stem
    clear_leftovers(path.parent, stem)
    temporary = temporary_path(path.parent, stem)
    try:
        _check_stamp(patch)
        on_step("Reading the file, and comparing it with its own digests")
        before = _digests(path)
        on_step("Changing a copy, and validating it")
        copy(path, temporary)
        videos = planned_videos(path, patch.target) if patch.target is not None else {}
        _edit(patch, temporary)
        set_external_files(temporary, videos)
        beside = {old: new for files in videos.values() for new, old in _beside(path, files)}
        n_same = _renew_digests(temporary, before, _touched(patch, videos), beside)
        stage_videos(videos, videos_folder(temporary))
        _check_valid(path, temporary, is_renamed=patch.target is not None)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        _check_stamp(patch)
        return _name(patch, temporary), (_proved(path, n_same),)
    except OSError as error:
        raise WriteError(f"{path.name}: the change cannot be written: {error.strerror or error}. The file is as it was") from error
    finally:
        release(temporary)


def _check_stamp(patch: Patch) -> None:
    if not patch.path.exists() or _stamp(patch.path) != patch.stamp:
        raise SourceError(f"{patch.path.name}: it was changed or taken away since it was looked at; run the same again")


@dataclass(frozen=True)
class _Before:
    """The digests of a file, and where its own table says that its values are from."""

    digests: Mapping[str, Digest]
    sources: Mapping[str, str]
    has_table: bool


def _digests(path: Path) -> _Before:
    """The digests of a file that is as it was written.

    Raises
    ------
    SourceError
        If it is not.
    """
    with _opened(path) as file:
        if TABLE not in file:
            return _Before(dict(digest_file(file)), {}, has_table=False)
        rows = list(read_digests(file))
    found = against_record(path)
    if found.differences:
        place, message = found.differences[0]
        raise SourceError(
            f"{path.name}: it is not what was written (/{place}: {message}); a damaged file is not changed. Take it from where it "
            "was published, or convert again: bergmann convert --overwrite"
        )
    return _Before(
        {place: one for place, one, _ in rows if place != TABLE}, {place: source for place, _, source in rows}, has_table=True
    )


def _edit(patch: Patch, temporary: Path) -> None:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    with _opened(patch.path) as file:
        start = datetime.fromisoformat(file["session_start_time"].asstr()[()])
        before = judge({one.key: one.value for one in patch.statements if one.is_of_person}, start, patch.path.name)
        when = when_given(before, file)
    after = judge(patch.texts, start, patch.path.name)
    with written(after, when) as new, open_watched(temporary, "r+") as (file, watched):
        check_applies(file, patch.edits)
        apply(file, patch.edits, new)
        if patch.with_references:
            put_references(file, new)
        put_statements(file, patch.statements, patch.texts, [one.key for one in patch.changes], {one.path for one in patch.edits})
        put_specification(file, new)
        add_patches(file, patch.changes, when=now, because=patch.because, software=f"bergmann {__version__}")
        append_date(file, now)
        watched.check()


def _touched(patch: Patch, videos: Mapping[str, Any]) -> Callable[[str], bool]:
    """Which objects of the file may be others than before."""
    objects = {edit.path for edit in patch.edits} | {"file_create_date"}
    folders = (f"{RECORD}/statements/", f"{RECORD}/patches", "specifications/ndx-bergmann/")
    herd = (HERD,) if patch.with_references else ()

    def is_touched(path: str) -> bool:
        is_video = bool(videos) and path.endswith("/external_file")
        return path in objects or is_video or path.startswith((*folders, *herd))

    return is_touched


def _beside(path: Path, files: Mapping[str, Path]) -> Iterator[tuple[str, str]]:
    """The new and the old name of each video, as the file's record has them: relative to the file's folder."""
    for new, source in files.items():
        yield new, source.relative_to(path.parent).as_posix()


def _renew_digests(temporary: Path, before: _Before, is_touched: Callable[[str], bool], beside: Mapping[str, str]) -> int:
    """Put new digests into a changed copy, after proving that nothing else in it has changed; how many objects have not.

    Raises
    ------
    WriteError
        If anything has.
    """
    inside = {path: one for path, one in before.digests.items() if one.dtype != FILE_BESIDE}
    with open_watched(temporary, "r+") as (file, _):
        for place in OF_THE_RECORD:
            if place in file:
                del file[place]
        sampled = {path: one.rows for path, one in inside.items() if one.rows}
        found = dict(digest_file(file, leave_out=OF_THE_RECORD, sampled=sampled))
        others = {path for path in (*inside, *found) if not is_touched(path) and path not in OF_THE_RECORD}
        wrong = compare_digests(
            {path: one for path, one in inside.items() if path in others},
            {path: one for path, one in found.items() if path in others},
        )
        if wrong:
            raise WriteError(
                f"/{wrong[0][0]}: {wrong[0][1]}: this would change, too, and must not; the file is as it was. Please report it"
            )
        if before.has_table:
            files = {beside.get(path, path): one for path, one in before.digests.items() if one.dtype == FILE_BESIDE}
            sources = {path: source for path, source in before.sources.items() if path in found}
            write_digests(file, {**found, **files}, sources)
    if before.has_table:
        seal(temporary)
    return len(others & inside.keys())


def _check_valid(path: Path, temporary: Path, *, is_renamed: bool) -> None:
    """Refuse a copy in which validation finds an error that it does not find in the file.

    Raises
    ------
    WriteError
        With the first of them.
    """
    known = {_what(one, path) for one in validate_paths([path])}
    with as_nwb_file(temporary) as named:
        new = [one for one in validate_paths([named]) if one.severity == "error" and _what(one, named) not in known]
    wrong = [one for one in new if not _is_of_name(one, is_renamed=is_renamed)]
    if wrong:
        raise WriteError(f"{path.name}: with this change it is no longer valid: {wrong[0].text}. The file is as it was")


def _what(finding: Finding, path: Path) -> tuple[str, str, str]:
    return finding.check, finding.location.replace(path.name, ""), finding.message.replace(path.name, "")


def _is_of_name(finding: Finding, *, is_renamed: bool) -> bool:
    """Whether a finding is of the name that the copy has until it is checked, or of videos that wait to be placed."""
    return finding.check in _OF_NAME or (is_renamed and finding.check in _OF_VIDEOS)


_OF_NAME = ("DANDI.NON_DANDI_FILENAME", "DANDI.NON_DANDI_FOLDERNAME")
_OF_VIDEOS = ("structure_external_files", "check_image_series_external_file_valid")


def _proved(path: Path, n_same: int) -> Finding:
    message = f"{n_same} objects that the change is not about hold what they held, by their digests"
    return Finding(severity="note", check=CHECK, location=path.name, message=message)


def _name(patch: Patch, temporary: Path) -> Path:
    """Give the copy its name, with its videos, and remove what it replaces."""
    if patch.target is None or patch.path.parent.parent / patch.target == patch.path:
        replace_when_free(temporary, patch.path)
        return patch.path
    target = patch.path.parent.parent / patch.target
    target.parent.mkdir(exist_ok=True)
    move_videos(videos_folder(temporary), target.with_suffix(""), [])
    replace_when_free(temporary, target)
    remove_older(patch.path)
    remove_videos(patch.path.with_suffix(""))
    if not any(patch.path.parent.iterdir()):
        patch.path.parent.rmdir()
    return target
