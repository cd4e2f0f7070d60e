"""When a PrairieView recording started, from its XML.

PrairieView writes the date as the Windows of the rig does: ``11/3/2022 11:20:34 AM`` (month first), ``03.11.2022 11:20:34``,
``2022-11-03 11:20:34``, or with the half of the day in the language of the rig.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta

from bergmann.imaging._prairie_xml import Scan

_DATE = re.compile(r"^(\d{1,4})([./-])\s*(\d{1,2})\2\s*(\d{1,4})\.?$")
_TIME = re.compile(r"(\d{1,2}):(\d{2}):(\d{2})(?:[.,](\d{1,9}))?")
_AFTERNOON = re.compile(r"p\.?\s?m\b|오후|下午|午後", re.IGNORECASE)
_MORNING = re.compile(r"a\.?\s?m\b|오전|上午|午前", re.IGNORECASE)
_HALF_DAY = timedelta(hours=12)
_LATE = timedelta(seconds=2)
"""By how much the wall clock of the second cycle may differ from the frames' times."""


def parse_date(text: str) -> date | None:
    """The day of a date as Windows writes it; None if it cannot be told.

    With slashes the month stands first, as in the United States, where PrairieView comes from; the day does if the first number is
    no month.
    """
    match = _DATE.match(text.strip())
    if match is None:
        return None
    first, second, third = int(match[1]), int(match[3]), int(match[4])
    if first > 31:
        year, month, day = first, second, third
    elif match[2] == "/" and first <= 12:
        month, day, year = first, second, third
    else:
        day, month, year = first, second, third
    try:
        return date(year, month, day) if year > 1900 else None
    except ValueError:
        return None


def parse_time(text: str) -> time | None:
    """The time of a day, such as ``11:20:34 AM`` or ``11:20:34.9066674``, to the microsecond; None if it cannot be told."""
    match = _TIME.search(text)
    if match is None:
        return None
    hour = int(match[1])
    if _AFTERNOON.search(text):
        hour = hour % 12 + 12
    elif _MORNING.search(text):
        hour %= 12
    try:
        return time(hour, int(match[2]), int(match[3]), int((match[4] or "").ljust(6, "0")[:6]))
    except ValueError:
        return None


def parse_start(written: str, cycle_time: str) -> datetime | None:
    """When a cycle started: the recording's date with the cycle's time of day, which is the more exact one.

    Parameters
    ----------
    written : str
        Date and time of the recording, to the second.
    cycle_time : str
        Time of day of the cycle; empty before version 5.

    Returns
    -------
    datetime or None
        Local time; None if the date cannot be told.
    """
    day, _, of_day = written.strip().partition(" ")
    found_day, found_time = parse_date(day), parse_time(of_day)
    if found_day is None or found_time is None:
        return None
    begun = datetime.combine(found_day, found_time)
    exact = parse_time(cycle_time)
    if exact is None:
        return begun
    start = datetime.combine(found_day, exact)
    return start + timedelta(days=1) if begun - start > _HALF_DAY else start  # the cycle began after midnight


def is_ambiguous(written: str) -> bool:
    """Whether a date could have the day first as well: slashes, no half of the day, and two numbers that could be a month."""
    match = _DATE.match(written.strip().partition(" ")[0])
    if match is None or match[2] != "/" or _AFTERNOON.search(written) or _MORNING.search(written):
        return False
    return int(match[1]) <= 12 and int(match[3]) <= 12 and match[1] != match[3]


def start_of(scan: Scan) -> tuple[datetime | None, dict[str, str]]:
    """When the first frame was taken, and what is noted of it.

    A T-series that waited for a trigger has the time at which it was armed in its first cycle. This shows in the second cycle,
    which is later by the wall clock than by the frames' times; then no start is claimed.

    Returns
    -------
    start : datetime or None
        Local time; None if the XML does not say it clearly.
    notes : dict of str to str
        Why not, and the date as written where another one could be meant.
    """
    cycles = [cycle for cycle in scan.cycles if cycle.frames]
    as_written = {"date as written": scan.date}
    start = parse_start(scan.date, cycles[0].time)
    if start is None:
        return None, as_written if scan.date else {}
    second = parse_start(scan.date, cycles[1].time) if len(cycles) > 1 and cycles[1].time else None
    between = cycles[1].frames[0].seconds - cycles[0].frames[0].seconds if second is not None else 0.0
    if second is not None and abs(second - start - timedelta(seconds=between)) > _LATE:
        why = f"first cycle at {cycles[0].time}, second at {cycles[1].time}, which is {between:g} s later by the frames"
        return None, {"start not clear": f"{why}; the first may be when it began to wait for a trigger", **as_written}
    return start, {"date as written, taken with the month first": scan.date} if is_ambiguous(scan.date) else {}
