"""What a person writes for a time, read into what it says."""

from __future__ import annotations

import re
from collections.abc import Callable, Container
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from math import nan
from typing import Any, Literal

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

EXAMPLES = (
    "`10 min after movie`, `30 min before session`, `10:41 +- 30 s`, `2024-05-17 10:41`, `frame 19200 of movie`, "
    '`first pulse of daq/Inject`, `each event of puffs`, `tag "+TGOT" of patch`, `start of base`, `prazosin ends`, '
    "`7 d after sni`, `unknown`"
)


@dataclass(frozen=True)
class Reference:
    """A name that a time refers to.

    Attributes
    ----------
    name : str
        ``daq`` of ``first pulse of daq/Inject``.
    part : str or None
        ``Inject`` of ``first pulse of daq/Inject``.
    kinds : tuple of str
        Where the name may be stated: ``"session"``, ``"sources"``, ``"drugs"``, ``"procedures"``, ``"runs"``.
    run : str or None
        ``praz`` of ``tag "+TGOT" of patch in praz``: the run whose source is meant.
    """

    name: str
    part: str | None
    kinds: tuple[str, ...]
    run: str | None = None

    def __str__(self) -> str:
        whole = self.name if self.part is None else f"{self.name}/{self.part}"
        return whole if self.run is None else f"{whole} in {self.run}"

    @property
    def undivided(self) -> Reference:
        """The same text with `` in `` as a part of the name, for a channel that is called ``Air in left``, say."""
        if self.run is None:
            return self
        if self.part is None:
            return Reference(f"{self.name} in {self.run}", None, self.kinds)
        return Reference(self.name, f"{self.part} in {self.run}", self.kinds)


# --- the parsed forms -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Delay:
    """A stretch of time as stated.

    Attributes
    ----------
    seconds : float
    in_days : bool
        Whether it is stated in whole days or weeks, and so says a day and not a second.
    """

    seconds: float
    in_days: bool = False

    @property
    def days(self) -> int:
        """Whole days, for one stated in days."""
        return round(self.seconds / 86400)


@dataclass(frozen=True)
class NotKnown:
    """``unknown``."""


@dataclass(frozen=True)
class WallClock:
    """A local time of day (``10:41``), with its date where that is stated."""

    at: time | datetime


@dataclass(frozen=True)
class Day:
    """A date without a time of day."""

    date: date


@dataclass(frozen=True)
class Edge:
    """``start of base``, ``end of base``, ``prazosin ends``."""

    of: Reference
    edge: Literal["start", "end"]


@dataclass(frozen=True)
class Shift:
    """``10 min after movie``, ``30 min before session``, ``10 min after prazosin ends``.

    Attributes
    ----------
    delay : Delay
    sign : {1, -1}
        After or before.
    edge : Edge
        What it counts from.
    """

    delay: Delay
    sign: Literal[1, -1]
    edge: Edge


@dataclass(frozen=True)
class Frame:
    """``frame 19200 of movie``; frames count from 1, as the microscopes' and ImageJ's displays do."""

    number: int
    of: Reference


@dataclass(frozen=True)
class Occurrence:
    """``first pulse of daq/Inject``, ``last event of puffs``, ``each event of puffs``."""

    which: Literal["first", "last", "each"]
    what: Literal["pulse", "event"]
    of: Reference


@dataclass(frozen=True)
class Tag:
    """``tag "+TGOT" of patch``."""

    text: str
    of: Reference


Form = NotKnown | WallClock | Day | Edge | Shift | Frame | Occurrence | Tag


@dataclass(frozen=True)
class Moment:
    """A time as a person states it.

    Attributes
    ----------
    text : str
        As written.
    form : Form
        What it says.
    uncertainty : float
        Half width in seconds as stated behind ``+-``; NaN if not stated.

    Raises
    ------
    ValueError
        If the text is not a time; the message has the reason and examples.
    """

    text: str
    form: Form = field(init=False, compare=False, repr=False)
    uncertainty: float = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        form, uncertainty = _parse(self.text)
        object.__setattr__(self, "form", form)
        object.__setattr__(self, "uncertainty", uncertainty)

    def __str__(self) -> str:
        return self.text

    @property
    def is_of_each(self) -> bool:
        """Whether it may refer to the sources of several runs: to each event, or to a tag, which one of them has."""
        return isinstance(self.form, Tag) or (isinstance(self.form, Occurrence) and self.form.which == "each")

    @classmethod
    def parse(cls, text: object) -> Moment:
        """Read one time expression."""
        if isinstance(text, Moment):
            return text
        if not isinstance(text, str):
            raise ValueError(f"`{text}` is not a time; write one such as {EXAMPLES}")
        return cls(text)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(cls.parse, serialization=core_schema.to_string_ser_schema())

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "description": "A time, such as `10 min after movie` or `7 d after sni`."}


# --- parsing ----------------------------------------------------------------------------------------------------------

_UNITS = {
    **dict.fromkeys(("ms", "millisecond", "milliseconds"), 0.001),
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1.0),
    **dict.fromkeys(("min", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hour", "hours"), 3600.0),
    **dict.fromkeys(("d", "day", "days"), 86400.0),
    **dict.fromkeys(("week", "weeks", "wk"), 604800.0),
}
_PIECE = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]+)")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")

_IN_RUN = re.compile(r"(.*\S)\s+in\s+(\S.*)")

_ANYTHING = ("session", "sources", "drugs", "procedures", "runs")


def _reference(text: str, *kinds: str) -> Reference:
    """Read ``movie``, ``daq/Inject``, ``movie in praz``, ``daq/Inject in praz``.

    Raises
    ------
    ValueError
        If it is not a name.
    """
    match = _IN_RUN.fullmatch(text)
    whole, run = (match[1], match[2].strip()) if match is not None else (text, None)
    name, slash, part = (piece.strip() for piece in whole.partition("/"))
    if not name or (slash and not part):
        raise ValueError(f"`{text}` is not a name such as `movie` or `daq/Inject`")
    return Reference(name, part or None, kinds, run)


def parse_delay(text: str) -> Delay:
    """Read ``10 min``, ``22 min 30 s``, ``7 d``.

    Raises
    ------
    ValueError
        If it is not a stretch of time with units.
    """
    plain = text.strip()
    if re.match(r"\d+,\d", plain):
        raise ValueError(f"`{plain}` has a decimal comma; write a decimal point: `{plain.replace(',', '.', 1)}`")
    if _NUMBER.fullmatch(plain):
        raise ValueError(f"`{plain}` has no unit; write `{plain} s` or `{plain} min`")
    pieces = _PIECE.findall(plain)
    if not pieces or _PIECE.sub("", plain).strip():
        raise ValueError(f"`{plain}` is not a stretch of time such as `10 min`, `22 min 30 s` or `7 d`")
    for _, unit in pieces:
        if unit == "m":
            raise ValueError(f"`{plain}`: is `m` minutes, months or metres? Write `min` or `d`")
        if unit not in _UNITS:
            raise ValueError(f"`{plain}`: `{unit}` is not a unit of time; write ms, s, min, h, d or weeks")
    seconds = sum(float(number) * _UNITS[unit] for number, unit in pieces)
    in_days = all(_UNITS[unit] >= 86400 for _, unit in pieces) and seconds % 86400 == 0
    return Delay(seconds, in_days)


def _edge(text: str) -> Edge:
    if match := re.fullmatch(r"(start|end)\s+of\s+(.+)", text):
        return Edge(_reference(match[2], *_ANYTHING), "start" if match[1] == "start" else "end")
    if match := re.fullmatch(r"(.+?)\s+(starts|ends)(\s+in\s+.+)?", text):
        return Edge(_reference(f"{match[1]}{match[3] or ''}", *_ANYTHING), "start" if match[2] == "starts" else "end")
    return Edge(_reference(text, *_ANYTHING), "start")


def _shift(match: re.Match[str]) -> Form:
    return Shift(parse_delay(match[1]), 1 if match[2] == "after" else -1, _edge(match[3]))


def _frame(match: re.Match[str]) -> Form:
    if int(match[1]) < 1:
        raise ValueError("frames count from 1; there is no frame 0")
    return Frame(int(match[1]), _reference(match[2], "sources"))


def _occurrence(match: re.Match[str]) -> Form:
    which: Any = match[1]
    what: Any = match[2]
    return Occurrence(which, what, _reference(match[3], "sources"))


def _tag(match: re.Match[str]) -> Form:
    return Tag(match[1], _reference(match[2], "sources"))


def _stated_edge(match: re.Match[str]) -> Form:
    return _edge(match[0])


def _wall_clock(match: re.Match[str]) -> Form:
    day, hour, minute, second = match[1], int(match[2]), int(match[3]), match[4] or "0"
    whole, _, fraction = second.partition(".")
    at = time(hour, minute, int(whole), int(f"{fraction:0<6}"[:6]) if fraction else 0)
    return WallClock(datetime.combine(date.fromisoformat(day), at) if day else at)


def _day(match: re.Match[str]) -> Form:
    return Day(date.fromisoformat(match[0]))


_RULES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Form]], ...] = (
    (re.compile(r"unknown"), lambda _: NotKnown()),
    (re.compile(r"(?:(\d{4}-\d{2}-\d{2})[ T]+)?(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d{1,6})?))?"), _wall_clock),
    (re.compile(r"\d{4}-\d{2}-\d{2}"), _day),
    (re.compile(r"frame\s+(\d+)\s+of\s+(.+)"), _frame),
    (re.compile(r"(first|last|each)\s+(pulse|event)\s+of\s+(.+)"), _occurrence),
    (re.compile(r"tag\s+[\"“”'](.+)[\"“”']\s+of\s+(.+)"), _tag),
    (re.compile(r"(.+?)\s+(after|before)\s+(.+)"), _shift),
    (re.compile(r"(start|end)\s+of\s+\S.*|\S.*\s+(starts|ends)(\s+in\s+\S.*)?"), _stated_edge),
)


def _why_not(text: str) -> str:
    """What is probably meant, for a text that no rule reads."""
    if not text:
        return "it is empty"
    if _NUMBER.fullmatch(text):
        return f"a bare number says neither a unit nor from when; write `{text} s after movie`, say"
    if re.fullmatch(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}([ T].*)?", text):
        return "day and month cannot be told apart; write a date as 2024-05-17"
    if re.search(r"\d\s*[ap]\.?m\.?$", text, re.IGNORECASE):
        return "write the time of day with 24 hours, such as `15:41`"
    if re.match(r"tag\s", text):
        return 'write the tag in quotes and say whose it is, such as `tag "+TGOT" of patch`'
    if re.fullmatch(r"[+-]?[\d.]+\s*[A-Za-z]+(\s+[\d.]+\s*[A-Za-z]+)*", text):
        return f"from when? Write `{text} after movie`, say"
    return "it is not one of the forms that are known here"


def _parse(text: str) -> tuple[Form, float]:
    body, sign, half_width = _split(text)
    try:
        uncertainty = parse_delay(half_width).seconds if sign else nan
        for pattern, build in _RULES:
            if match := pattern.fullmatch(body):
                return build(match), uncertainty
    except ValueError as error:
        raise ValueError(f"`{text}` is not a time: {error}; examples: {EXAMPLES}") from error
    raise ValueError(f"`{text}` is not a time: {_why_not(body)}; examples: {EXAMPLES}")


def _split(text: str) -> tuple[str, str, str]:
    """Split a text into the time, ``+-`` and the half width."""
    plain = text.replace("±", "+-").replace("−", "-").strip()
    body, sign, half_width = plain.partition("+-") if not plain.startswith("tag") else _split_tag(plain)
    return body.strip(), sign, half_width


def _split_tag(text: str) -> tuple[str, str, str]:
    """Split ``+-`` off behind the quoted tag, which may itself hold that sign."""
    quoted = max(text.rfind(quote) for quote in "\"“”'")
    body, sign, half_width = text[quoted + 1 :].partition("+-")
    return text[: quoted + 1] + body, sign, half_width


def names(moment: Moment) -> tuple[Reference, ...]:
    """What a time refers to, so that a dangling name can be reported.

    Returns
    -------
    tuple of Reference
        Empty for a time of day, a date and ``unknown``.
    """
    form = moment.form
    if isinstance(form, Shift):
        return (form.edge.of,)
    if isinstance(form, Edge | Frame | Occurrence | Tag):
        return (form.of,)
    return ()


def in_run(text: str, run: str, sources: Container[str]) -> str:
    """A time as it is meant in a run: ``2.5 s after patch`` becomes ``2.5 s after patch in base``.

    Parameters
    ----------
    text : str
        As written.
    run : str
    sources : container of str
        The sources that are meant as the run's; what else a time refers to, or says the run of, stays.

    Returns
    -------
    str
        The text itself where it refers to none of them, or is no time.
    """
    try:
        (meant,) = names(Moment(text))
    except ValueError:  # no time, or one that refers to nothing
        return text
    if meant.run is not None or "sources" not in meant.kinds or meant.name not in sources:
        return text
    body, sign, half_width = _split(text)
    behind = f" +- {half_width.strip()}" if sign else ""
    verb = re.search(r"\s+(?:starts|ends)$", body)
    ways = [f"{body[: verb.start()]} in {run}{verb[0]}{behind}"] if verb else []
    ways.append(f"{body} in {run}{behind}")
    return next((way for way in ways if names(Moment(way)) == (replace(meant, run=run),)), text)
