"""The ``sources`` of a session file: each split between its format, the room that writes it, and the plan."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import isfinite
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, GetJsonSchemaHandler, field_validator, model_validator
from pydantic_core import CoreSchema

from bergmann.errors import SourceError
from bergmann.findings import Finding
from bergmann.foreign import Offer, installed_offers, settle
from bergmann.moments import Moment
from bergmann.plan.mistakes import error, keys_of, nearest, validate
from bergmann.plan.pulse_keys import FrameIds, PulseKeys, check_pulse_keys
from bergmann.plan.yaml import Branch, Leaf, Node
from bergmann.records import Cuttable, Record, Recording, Video
from bergmann.registry import Format, Inputs, Source, load_collections, load_confirmations, load_formats, load_stated
from bergmann.stated import Duration, Quantity, Ref, Stated
from bergmann.timing.frame_pulses import NO_CHOICES, PulseChoices


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """What a session file may speak of: the formats, and the models of what is stated.

    Attributes
    ----------
    formats : tuple of Format
        Of bergmann.
    stated : mapping of record type to stated model
    collections : mapping of collection name to stated model
    offers : tuple of Offer
        Formats that the lab brings itself; each is run when it is used.
    """

    formats: tuple[Format, ...]
    stated: Mapping[type[Record], type[Stated]]
    collections: Mapping[str, type[Stated]]
    offers: tuple[Offer, ...] = ()

    @classmethod
    def of_rooms(cls) -> Vocabulary:
        """What the rooms declare."""
        return cls(formats=load_formats(), stated=load_stated(), collections=load_collections())

    @classmethod
    def here(cls, more: Iterable[Offer] = ()) -> Vocabulary:
        """What the rooms declare, with the formats of installed packages and those that a person has said may run."""
        return replace(cls.of_rooms(), offers=settle((*installed_offers(), *more)))

    @property
    def keys(self) -> tuple[str, ...]:
        """What session files call the formats."""
        return tuple(sorted({*(one.key for one in self.formats), *(one.key for one in self.offers)}))

    def called(self, key: str) -> tuple[Format, ...]:
        """The formats of a name; one of bergmann goes before one of the lab.

        Raises
        ------
        SourceError
            If the format is of the lab and cannot be used.
        """
        own = tuple(one for one in self.formats if one.key == key)
        return own or tuple(offer.load() for offer in self.offers if offer.key == key)

    def load_all(self) -> tuple[tuple[Format, ...], tuple[str, ...]]:
        """All formats that can be used, and of the others why not."""
        formats, faults = list(self.formats), []
        for offer in self.offers:
            try:
                formats.append(offer.load())
            except SourceError as error:
                faults.append(str(error))
        return tuple(formats), tuple(faults)

    def stated_of(self, record: type[Record]) -> type[Stated]:
        """The model of what a person states of a record; one without fields where no room asks for anything."""
        return next((self.stated[kind] for kind in record.__mro__ if kind in self.stated), Stated)


def _parse_frames(text: object) -> object:
    match = re.fullmatch(r"\s*(\d+)\s*(?:-|–|to)\s*(\d+)\s*", str(text))
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise ValueError(f"`{text}` is not a range of frames; write the first and the last, counted from 1: 6001-44400")
    return int(match[1]), int(match[2])


CONFIRMS = "confirms"
"""The key of a source that is another account of what another source says."""


class ClockLine(Stated):
    """The recorded channel whose pulses tell the clock of a source, how they are read, and how far beyond them it is trusted."""

    line: Ref[Recording] = Field(description="the recorded channel whose pulses tick for its frames: daq/FrameClock")
    own: str | None = Field(
        None, description="the channel of this source itself that had the same pulses, where it is a recording, such as Sync"
    )
    barcode: Literal["open ephys", "one core"] | None = Field(
        None, description="whose generator sent barcodes on both channels; they are matched by their numbers"
    )
    begins: Moment | None = Field(
        None,
        description="about when it began, such as `2.5 s after daq +- 0.1 s`, where pulses are too regular to say",
    )
    threshold: Quantity | None = Field(None, description="from which level on the line is on, such as 2.5 V")
    hysteresis: Quantity | None = Field(None, description="by how much the levels differ at which it turns on and off")
    polarity: Literal["high", "low"] | None = Field(
        None, description="whether its pulses are high, or low as on a line that rests high"
    )
    minimum_width: Duration | None = Field(
        None, description="pulses, and gaps in a pulse, that are shorter are glitches: left out, and reported"
    )
    extrapolate: Duration | None = Field(
        None,
        description="how far before the first and behind the last pulse a frame may be, such as 0.5 s; by default 1.5 times as "
        "far as one pulse usually is from the next",
    )

    @model_validator(mode="before")
    @classmethod
    def _of_channel(cls, said: object) -> object:
        """A channel alone is the line."""
        return {"line": said} if isinstance(said, str) else said

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [{"type": "string"}, handler(schema)]}

    @field_validator("extrapolate")
    @classmethod
    def _is_a_way(cls, stated: Quantity | None) -> Quantity | None:
        if stated is not None and not (isfinite(stated.to("s")) and stated.to("s") >= 0):
            raise ValueError(f"`{stated}` is no length of time; write it as 0.5 s")
        return stated

    @property
    def is_read_as_stated(self) -> bool:
        """Whether a person says how the line is read."""
        return any(getattr(self, key) is not None for key in ("threshold", "hysteresis", "polarity", "minimum_width"))


class PlanKeys(PulseKeys):
    """What is said of a source that neither its format nor its room asks for."""

    clock: ClockLine | None = Field(
        None,
        description="the recorded channel whose pulses tick for its frames: daq/FrameClock; or, with how far outside of them a "
        "frame may be, {line: daq/FrameClock, extrapolate: 0.5 s}; or {line: daq/Sync, own: Sync} for a recording that had the "
        "same pulses on a channel of its own",
    )
    starts: Moment | None = Field(None, description="when its zero is, such as `2.5 s after daq`")
    confirms: Ref[Record] | None = Field(
        None, description="the source that this is another account of, such as the plan of light that was recorded: light"
    )
    frame_ids: FrameIds | None = Field(
        None,
        description="the camera's own number of each saved frame, which tells dropped ones: {path: cam/ids.csv, column: frame_id}",
    )
    absent: str | None = Field(None, description="why it was not recorded")
    frames: Annotated[tuple[int, int], BeforeValidator(_parse_frames)] | None = Field(
        None, description="first and last frame to use, counted from 1: 6001-44400"
    )
    last_frame: int | None = Field(None, ge=1, description="last frame to use, counted from 1, where there are more")


@dataclass(frozen=True, kw_only=True)
class SourceEntry:
    """One entry of ``sources``.

    Attributes
    ----------
    name : str
    format : Format
    source : Source
        Its paths are absolute.
    stated : Stated
        What is said of it, in the room's model for its record.
    clock : Ref or None
        The channel whose pulses tick for its frames, or are on a channel of its own, too.
    line : ClockLine or None
        The same channel with how it is read, and how far outside of its pulses a frame may be.
    starts : Moment or None
        When its zero is.
    confirms : Ref or None
        The source that it is another account of: it is compared with that one, and not written by itself.
    frames : tuple of int or None
        First and last frame to use, counted from 1; the others exist, and its clock line ticks for them.
    is_finished : bool
        Whether what the room asks for is stated; while it is left blank, `stated` is empty, and the files can be looked at.
    run : str or None
        The run that it is of; None for one of the whole session.
    pulses : PulseChoices
        What is said of the pulses of its clock line.
    frame_ids : FrameIds or None
        Where the camera's own number of each saved frame stands; its path is absolute.
    """

    name: str
    format: Format
    source: Source
    stated: Stated
    clock: Ref[Recording] | None = None
    line: ClockLine | None = None
    starts: Moment | None = None
    confirms: Ref[Record] | None = None
    is_finished: bool = True
    frames: tuple[int, int] | None = None
    run: str | None = None
    pulses: PulseChoices = NO_CHOICES
    frame_ids: FrameIds | None = None

    @property
    def is_cut(self) -> bool:
        """Whether only some of its frames are to be used."""
        return self.frames is not None or getattr(self.source, "last_frame", None) is not None

    def read(self, inputs: Inputs) -> Record:
        """What the files say, of the frames that are to be used.

        What was tracked or scored in a video was so in the whole file: it is read so, and a pose then cut as its video is.

        Raises
        ------
        SourceError
            If the format cannot read them, or has not so many frames.
        """
        wholes = {name: one.whole if isinstance(one, Video) else one for name, one in inputs.items()}
        if self.frames is None:
            record = self.format.read(self.source, wholes)
            used = next((one.used for one in inputs.values() if isinstance(one, Video)), None)
            return record.cut(used.first, used.last) if used is not None and isinstance(record, Cuttable) else record
        first, last = self.frames
        has_end = "last_frame" in type(self.source).model_fields  # such a format takes a file that ends behind it
        source = self.source.model_copy(update={"last_frame": last}) if has_end else self.source
        try:
            record = self.format.read(source, wholes)
        except SourceError as error:  # which may speak of what was not stated
            raise SourceError(str(error).replace(f"`last_frame: {last}`", f"`frames: {first}-{last}`")) from error
        return record.cut(first, last) if isinstance(record, Cuttable) else record


def stated_of_account(record: type[Record]) -> type[Stated]:
    """The model of what a person states of another account of a record."""
    confirmation = load_confirmations().get(record)
    return Stated if confirmation is None else confirmation.stated


def choose_format(branch: Branch, key: str, vocabulary: Vocabulary, findings: list[Finding]) -> Format | None:
    """The format that an entry names, by ``format`` and, where several share that name, by the keys it has."""
    node = branch.entries.get("format")
    known = vocabulary.keys
    if node is None or (isinstance(node, Leaf) and node.is_blank):
        if node is None:
            message = "`format` is missing: what wrote the files; if it was not recorded, write `absent: <reason>`"
            findings.append(error(branch, f"{key}.format", "gap", message, f"formats: {', '.join(known)}"))
        return None
    name = node.text if isinstance(node, Leaf) else ""
    try:
        sharing = vocabulary.called(name)
    except SourceError as refused:
        findings.append(error(node, f"{key}.format", "unusable format", str(refused)))
        return None
    findings.extend(_not_used(node, f"{key}.format", sharing, vocabulary.offers))
    if not sharing:
        findings.append(error(node, f"{key}.format", "unknown format", f"there is no format `{name}`", nearest(name, known)))
        return None
    chosen = [one for one in sharing if one.chosen_by in branch.entries] or [one for one in sharing if one.chosen_by is None]
    if not chosen and CONFIRMS in branch.entries:
        chosen = [one for one in sharing if one.record in load_confirmations()]
    if len(chosen) == 1:
        return chosen[0]
    choices = [f"`{one.chosen_by}` ({one.label})" for one in sharing if one.chosen_by is not None]
    what = "says several of" if chosen else "needs one of"
    findings.append(error(branch, key, "gap", f"format `{name}` {what}: {', '.join(choices)}", "state one of them"))
    return None


def _not_used(node: Node, key: str, sharing: Iterable[Format], offers: Iterable[Offer]) -> Iterator[Finding]:
    """Warn of a format of the lab that has the name of one of bergmann, which is used."""
    for one in {one.key: one for one in sharing if one.module is None}.values():
        for offer in offers:
            if offer.key == one.key:
                message = f"{offer.origin} has a format `{one.key}`, too; the one of bergmann is used ({one.label})"
                yield replace(error(node, key, "unusable format", message, "call the other one otherwise"), severity="warning")


def make_entry(name: str, branch: Branch, kind: Format, vocabulary: Vocabulary, findings: list[Finding]) -> SourceEntry | None:
    """Split a map between the models that it is for, and validate each.

    Returns
    -------
    SourceEntry or None
        With its paths as stated; None if anything is wrong, which is added to `findings`. What is blank is a gap, and not wrong.
    """
    key = f"sources.{name}"
    is_account = CONFIRMS in branch.entries
    said_of_it = stated_of_account(kind.record) if is_account else vocabulary.stated_of(kind.record)
    models: tuple[type[BaseModel], ...] = (kind.source, said_of_it, PlanKeys)
    shares: tuple[dict[str, Node], ...] = ({}, {}, {})
    before = len(findings)
    for word, node in branch.entries.items():
        for model, share in zip(models, shares, strict=True):
            if word in keys_of(model):
                share[word] = node
                break
        else:
            known = dict.fromkeys(one for model in models for one in keys_of(model))
            if is_account and word in keys_of(vocabulary.stated_of(kind.record)):
                message = (
                    f"`{word}` and `{CONFIRMS}`: what is said of a source is said where it is written, not of other accounts of it"
                )
                findings.append(error(node, f"{key}.{word}", "conflict", message, f"leave `{word}` out, or `{CONFIRMS}`"))
                continue
            message = f"there is no key `{word}` for {kind.label}"
            findings.append(error(node, f"{key}.{word}", "unknown key", message, nearest(word, known)))
    source = _source_of(kind, Branch(shares[0], branch.place), key, findings)
    stated = validate(said_of_it, Branch(shares[1], branch.place), key, findings)
    own = validate(PlanKeys, Branch(shares[2], branch.place), key, findings)
    if source is not None:
        findings.extend(_not_heeded(kind, source, shares[2], key))
    if own is not None:
        findings.extend(check_pulse_keys(shares[2], own, key))
    if len(findings) > before or source is None or own is None:
        return None
    return SourceEntry(
        name=name,
        format=kind,
        source=source,
        stated=Stated() if stated is None else stated,
        clock=own.clock.line if own.clock is not None else None,
        line=own.clock,
        starts=own.starts,
        confirms=own.confirms,
        frames=own.frames or ((1, own.last_frame) if own.last_frame is not None else None),
        is_finished=stated is not None,
        pulses=own.choices,
        frame_ids=own.frame_ids,
    )


def _source_of(kind: Format, own: Branch, key: str, findings: list[Finding]) -> Source | None:
    """The source of an entry; a lab's own model may raise anything, which is then its own fault."""
    try:
        return validate(kind.source, own, key, findings)
    except Exception as raised:
        if kind.module is None:
            raise
        message = f"format `{kind.key}` of {kind.module.name} failed on these keys ({type(raised).__name__}: {raised})"
        findings.append(error(own, key, "unusable format", message, "are the keys right? If so, tell who wrote the format"))
        return None


def _not_heeded(kind: Format, source: Source, own: Mapping[str, Node], key: str) -> Iterator[Finding]:
    """Keys of the plan that would change nothing of this source: what is stated is heeded or refused."""
    for word in ("frames", "last_frame"):
        if word in own and not issubclass(kind.record, Cuttable):
            message = f"`{word}` is not read for {kind.label}: all of it would be converted"
            remedy = "state `frames: <first>-<last>`" if "frames" in keys_of(type(source)) else "leave it out"
            yield error(own[word], f"{key}.{word}", "reserved", message, remedy)
    if "frames" in own and ("last_frame" in own or getattr(source, "last_frame", None) is not None):
        message = "`frames` and `last_frame` both say which frames are used"
        yield error(own["frames"], f"{key}.frames", "conflict", message, "leave one of them out")
    timed = [word for word in ("clock", "starts") if word in own]
    derived = next((name for name in type(source).model_fields if isinstance(getattr(source, name), Ref)), None)
    if timed and derived is not None:
        message = f"`{timed[0]}` and `{derived}: {getattr(source, derived)}` both say its times; it takes those of the latter"
        yield error(own[timed[0]], f"{key}.{timed[0]}", "conflict", message, f"leave `{timed[0]}` or `{derived}` out")
    elif len(timed) > 1:
        message = "`clock` and `starts` both say when it began"
        yield error(own["starts"], f"{key}.starts", "conflict", message, "leave one of them out")
