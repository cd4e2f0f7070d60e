"""What a folder holds, as entries of a session file: sources with what is known of them, and questions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bergmann.find.clocks import Line, clock_of, count_lines
from bergmann.find.fields import Choices, asked_for, found_values, needed_values
from bergmann.find.found import Found, find_sources
from bergmann.find.headers import Header, describe, read_header
from bergmann.find.listing import Listing
from bergmann.find.plane import stated_below
from bergmann.find.questions import about_line, about_observations, about_pictures, may_be_pictures, sort_observations
from bergmann.find.relations import Related, media_of, movie_of_events, movie_of_rois, named_after, video_of_pose, video_of_scores
from bergmann.find.text import Entry, Value, n_of, unusable
from bergmann.find.videos import join_videos
from bergmann.plan.yaml import BLANKS
from bergmann.records import Events, GlialEvents, Movie, Pose, Record, Recording, Segmentation, StateMachine, Video
from bergmann.texts import folded

ORDER: tuple[type[Record], ...] = (Recording, StateMachine, Movie, Segmentation, GlialEvents, Video, Pose, Events)
"""Kinds of sources as a draft lists them."""

MOST_QUESTIONS = 6
"""Lines of pulses that are asked about; the rest is only said."""


@dataclass(frozen=True)
class Item:
    """An entry of a draft, and what it was made of.

    Attributes
    ----------
    entry : Entry
    identity : str
        The same at the next run, whatever the person calls it.
    is_stated : bool
        Whether the session file has it already.
    """

    entry: Entry
    identity: str
    is_stated: bool = False


@dataclass(frozen=True)
class Survey:
    """What was found in a folder.

    Attributes
    ----------
    items : tuple of Item
    start : Value
        ``session.start``, with its origin or what it means.
    unclaimed : tuple of Path
        Files of no source.
    refused : mapping of str to str
        Sources that cannot be read, by their path in the folder, and why.
    notes : tuple of str
        What else a person should know.
    channels : tuple of str
        Channels of the only movie, where a new draft must state its plane itself; else none.
    planeless : tuple of str
        Channels of what lacks a plane otherwise, where none is stated that could be named; else none.
    """

    items: tuple[Item, ...]
    start: Value
    unclaimed: tuple[Path, ...]
    refused: Mapping[str, str]
    notes: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    planeless: tuple[str, ...] = ()


def survey(listing: Listing, choices: Choices, names: Mapping[tuple[Path, str], str]) -> Survey:
    """Look through a folder.

    Parameters
    ----------
    listing : Listing
    choices : Choices
        What the session file and what it uses state already.
    names : mapping of (Path, str) to str
        Names of the sources that are stated already, by resolved file and observation (empty if none is stated).
    """
    return _Surveyor(listing, choices, names).look()


@dataclass
class _Surveyor:
    """Looks through one folder; one use each."""

    listing: Listing
    choices: Choices
    names: Mapping[tuple[Path, str], str]
    headers: dict[str, Header] = field(default_factory=dict)
    remarks: dict[int, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    asked: list[Item] = field(default_factory=list)
    lines: tuple[Line, ...] = ()
    faults: tuple[str, ...] = ()

    def look(self) -> Survey:
        self.refused |= {self._text(path): why for path, why in self.listing.held.items()}
        formats, self.faults = self.choices.vocabulary.load_all()
        everything, faults = find_sources(self.listing, formats)
        self.faults += faults
        found = [one for one in everything if self._is_usable(one)]
        sure = self._set_questions_aside(found)
        self._name([read_header(one) for one in sure if one.format.record is Recording])
        self.lines, uncounted = count_lines(self._of(Recording))
        headers = [read_header(one) for one in sure if one.format.record is not Recording]
        self._name([*self._joined(headers), *(one for one in headers if one.found.format.record is not Video)])
        related = {name: self._related(header) for name, header in self.headers.items()}
        timed = [name for name, header in self.headers.items() if not related[name].values and _is_timed(header)]
        reference, start = self._start(timed)
        clocks = {name: self._clock(name, uncounted) for name in timed if name != reference}
        planes: dict[str, str] = {}
        items = [self._item(name, related[name], clocks.get(name, ()), planes) for name in self.headers]
        ticking = {value.text for values in clocks.values() for value in values}
        items += [*self.asked, *self._lines_asked(ticking)]
        claimed = {path for one in found for path in one.files}
        unclaimed = tuple(path for path in self.listing.files if path not in claimed)
        notes, planeless = tuple(self._notes()), self._planeless(items)
        return Survey(tuple(items), start, unclaimed, self.refused, notes, self._channels(), planeless)

    # --- what there is ---

    def _text(self, path: Path) -> str:
        """A path as it stands in the session file, which lies in the folder."""
        text = path.relative_to(self.listing.folder).as_posix()
        return f"./{text}" if text in BLANKS else text

    def _of(self, kind: type[Record]) -> dict[str, Header]:
        return {name: header for name, header in self.headers.items() if header.found.format.record is kind}

    def _is_usable(self, found: Found) -> bool:
        reason = unusable(self._text(found.path))
        if reason:
            self.refused[self._text(found.path)] = f"{reason}; rename it"
        return not reason

    def _set_questions_aside(self, found: list[Found]) -> list[Found]:
        """Give back what is surely a source; what is not is asked."""
        scored = [one for one in found if one.format.key == "boris" and not self._stated_name(one)]
        videos = {path.name for one in found if one.format.record is Video for path in one.named}
        here, unknown = sort_observations(scored, videos)
        for alike in unknown:
            path = self._text(alike[0].path)
            names = [str(getattr(one.source, "observation", "")) for one in alike]
            media = sorted(videos & {file for one in alike for file in media_of(one)})
            self._ask(alike[0].path.stem, tuple(about_observations(path, names, media)), f"boris {path}")
        pictures = [one for one in found if may_be_pictures(one) and not self._stated_name(one)]
        for one in pictures:
            path = self._text(one.path)
            self._ask(one.named[0].stem, tuple(about_pictures(path, len(one.named))), f"tiff {path}")
        aside = [one for one in scored if one not in here] + pictures
        return [one for one in found if one not in aside]

    def _ask(self, name: str, above: tuple[str, ...], identity: str) -> None:
        free = self._free(_cleaned(name) or "question")
        self.asked.append(Item(Entry(free, (), above), identity))

    def _lines_asked(self, ticking: set[str | None]) -> Iterator[Item]:
        """Ask about each line of pulses that ticks for nothing and that no source is of."""
        used = {self.choices.value("sources", name, key) for name in self.choices.names("sources") for key in ("of", "clock")}
        known = {folded(ref) for ref in ticking | used if ref is not None}
        left = [line for line in self.lines if folded(line.ref) not in known]
        for line in left[:MOST_QUESTIONS]:
            path = self._text(self.headers[line.recording].found.path)
            self._ask(line.channel, tuple(about_line(line, self.choices)), f"line {path} {line.channel}")
            yield self.asked[-1]

    def _joined(self, headers: list[Header]) -> list[Header]:
        joined = list(
            join_videos([one for one in headers if one.found.format.record is Video], {line.count for line in self.lines})
        )
        self.remarks |= {id(header): remark for header, remark in joined if remark}
        return [header for header, _ in joined]

    def _notes(self) -> Iterator[str]:
        yield from self.faults
        for kind, count in self.listing.skipped.items():
            yield f"{kind}: {n_of(count, 'file')} not looked at, there are too many of a kind"
        if away := self.listing.away:
            names = ", ".join(self._text(path) for path in away[:6]) + (", ..." if len(away) > 6 else "")
            fetch = "have the cloud program fetch them, and run `bergmann init` again"
            yield f"only in the cloud, not on this disk, and not looked at: {n_of(len(away), 'file')}: {names}; {fetch}"
        for path in self.listing.closed:
            yield f"{self._text(path)}: cannot be looked into; may you read it?"
        for path in self.listing.own_sessions:
            yield f"{self._text(path)}: left alone, it has a session of its own"

    def _channels(self) -> tuple[str, ...]:
        """Channels of the only movie of a new draft, if no plane is stated yet."""
        movies = list(self._of(Movie).values())
        if len(movies) != 1 or not self.choices.is_new or self.choices.names("planes") or self.choices.names("devices"):
            return ()
        return movies[0].record.parts if movies[0].record is not None else ("1",)

    def _planeless(self, items: list[Item]) -> tuple[str, ...]:
        """Channels of the sources whose plane is a blank, if no plane is stated that could be named there."""
        if self.choices.names("planes") or not self.choices.is_new:
            return ()
        lacking = [item.entry for item in items if any(one.key == "plane" and one.text is None for one in item.entry.values)]
        records = [self.headers[entry.name].record for entry in lacking if entry.name in self.headers]
        numbers = {part for record in records if isinstance(record, Movie) for part in record.parts}
        return tuple(sorted(numbers, key=int)) or (("1",) if lacking else ())

    # --- names ---

    def _name(self, headers: list[Header]) -> None:
        """Give each source the name that it has already, or one that tells what it is."""
        readable = [header for header in headers if self._is_readable(header)]
        for kind in ORDER:
            alike = [header for header in readable if header.found.format.record is kind]
            for header in alike:
                stated = self._stated_name(header.found)
                self.headers[stated or self._free(_proposed(header, len(alike) == 1))] = header

    def _is_readable(self, header: Header) -> bool:
        if not header.refused or header.lacks_reader or asked_for(header) or self._stated_name(header.found):
            return True
        self.refused[self._text(header.found.path)] = header.refused.removeprefix(f"{header.found.path.name}: ")
        return False

    def _stated_name(self, found: Found) -> str:
        observation = str(getattr(found.source, "observation", None) or "")
        keys = [(path.resolve(), chosen) for path in found.named for chosen in (observation, "")]
        by_file = next((self.names[key] for key in keys if key in self.names), "")
        return by_file or self._name_by_folder(found)

    def _name_by_folder(self, found: Found) -> str:
        """The name of a stated source whose path is the folder that a file of its format lies in."""
        folders = {path.resolve().parent for path in found.named}
        name = self.names.get((folders.pop(), ""), "") if len(folders) == 1 else ""
        return name if self.choices.value("sources", name, "format") == found.format.key else ""

    def _free(self, name: str) -> str:
        taken = {*self.headers, *self.choices.names("sources"), *(item.entry.name for item in self.asked), "session"}
        numbered = (f"{name}_{number}" for number in range(2, len(taken) + 3))
        return name if name not in taken else next(one for one in numbered if one not in taken)

    # --- what each is of, and when it was ---

    def _related(self, header: Header) -> Related:
        kind = header.found.format.record
        if kind is Pose:
            return video_of_pose(header, self._of(Video))
        if kind is Segmentation:
            return movie_of_rois(header, self._of(Movie))
        if kind is GlialEvents:
            return movie_of_events(header, self._of(Movie))
        if kind is Events and header.found.format.key == "boris":
            return video_of_scores(header.found, self._of(Video))
        return Related()

    def _start(self, timed: list[str]) -> tuple[str, Value]:
        """The source that the session starts from, and what is said of it."""
        recordings = [name for name in timed if name in self._of(Recording)]
        candidates = recordings or timed
        if len(candidates) != 1:
            offered = f"one of: {', '.join(f'from {name}' for name in candidates)}; or " if candidates else ""
            return "", Value("start", None, f"when the session starts: {offered}the local date and time, as 2024-05-17 10:30:57")
        (name,) = candidates
        record, why = self.headers[name].record, "the only recording" if recordings else "the only source with times"
        if record is None or record.start is None:
            asked = f"{name} does not say when it started: the local date and time of its start, as 2024-05-17 10:30:57"
            return name, Value("start", None, asked)
        return name, Value("start", f"from {name}", f"{why}; its clock says {record.start:%Y-%m-%d %H:%M:%S %Z}".rstrip())

    def _clock(self, name: str, uncounted: tuple[str, ...]) -> tuple[Value, ...]:
        header = self.headers[name]
        if issubclass(header.found.format.record, Movie | Video) and self._of(Recording):
            clock = clock_of(name, header, self.lines, uncounted)
            return (Value("clock", clock.line.ref if clock.line is not None else None, clock.comment),)
        if issubclass(header.found.format.record, StateMachine) and self._of(Recording):
            asked = (
                "the recorded channel that showed a line of it, as daq/Sync, with `pulses:`: `trials`, a state or an input of it"
            )
            return (Value("clock", None, f"{asked}; or `starts:` in place of `clock:`"),)
        own = "; without the line, for the source that the session starts from"
        return (Value("starts", None, f"when its own clock was at zero, as `2.5 s after daq`{own}"),)

    # --- entries ---

    def _item(self, name: str, related: Related, clock: tuple[Value, ...], planes: dict[str, str]) -> Item:
        header = self.headers[name]
        path = self._text(header.found.path)
        there = (*found_values(header, path), *related.values)
        needed = needed_values(header, (*there, *clock), self.choices, planes.get(related.name, ""))
        if header.found.format.record is Movie and self._channels():
            needed = stated_below(needed)
        planes[name] = next((value.text or "" for value in needed if value.key == "plane"), "")
        planes[name] = planes[name] or self.choices.value("sources", name, "plane")
        remark = self.remarks.get(id(header), "")
        above = [f"{path}: {describe(header)}", *([remark] if remark else [])]
        if header.found.also:
            above.append(f"may also be read as `format: {'` or `'.join(header.found.also)}`; write that if it is so")
        observation = str(getattr(header.found.source, "observation", None) or "")
        identity = f"{header.found.format.key} {path} {observation}".strip()
        return Item(Entry(name, (*there, *needed, *clock), tuple(above)), identity, name in self.choices.names("sources"))


def _is_timed(header: Header) -> bool:
    return header.record is None or header.record.span is not None


def _cleaned(name: str) -> str:
    return re.sub(r"[^\w-]+", "_", name).strip("_-")[:60]


def _stem(path: Path) -> str:
    """What tells a file from others: its name without number and pattern, or the folder's where that is all its name is."""
    stem = _cleaned(re.sub(r"\[0-9\]|[*?]", "", path.name.removesuffix(path.suffix)).removesuffix(".ome"))
    return stem if re.search(r"[^\W\d_]", stem) else _cleaned(f"{path.parent.name}_{stem}")


def _proposed(header: Header, is_only: bool) -> str:
    kind, path = header.found.format.record, header.found.path
    role = {Recording: "daq", StateMachine: "trials", Movie: "movie", Segmentation: "rois", GlialEvents: "events"}.get(kind)
    if role is not None and is_only:
        return role
    if kind is Video:
        stem = _stem(path)
        return stem if "cam" in stem.lower() or "video" in stem.lower() else f"{stem}_cam"
    if kind is Pose:
        return _cleaned(named_after(header)) or "pose"
    observation = getattr(header.found.source, "observation", None)
    return _cleaned(str(observation)) or _stem(path) if observation else (_stem(path) or header.found.format.key)
