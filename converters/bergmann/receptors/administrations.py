"""When a drug was given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import nan

from bergmann.errors import SourceError
from bergmann.moments import Moment, When
from bergmann.receptors.stated import Drug


@dataclass(frozen=True, kw_only=True)
class Administration:
    """One time that a drug was given.

    Attributes
    ----------
    begin : When
        On the session's clock.
    duration : float
        In seconds; NaN where none is stated or known, as for a bolus.
    """

    begin: When
    duration: float


def find_administrations(name: str, stated: Drug, when: Callable[[Moment], tuple[When, ...]]) -> tuple[Administration, ...]:
    """Each time that a drug was given.

    Raises
    ------
    SourceError
        If ``from`` or ``to`` is several times, or it ends before it begins.
    """
    return tuple(_administrations(name, stated, when))


def _administrations(name: str, stated: Drug, when: Callable[[Moment], tuple[When, ...]]) -> Iterator[Administration]:
    if stated.from_ is None:
        for one in when(stated.at) if stated.at is not None else ():
            yield Administration(begin=one, duration=nan)
        return
    begin = _single(f"drugs.{name}.from", stated.from_, when)
    if stated.to is None:
        yield Administration(begin=begin, duration=nan)
        return
    end = _single(f"drugs.{name}.to", stated.to, when)
    if end.seconds < begin.seconds:
        raise SourceError(
            f"drugs.{name}: `to` ({stated.to.text}, {end.seconds:g} s) is before `from` ({stated.from_.text}, {begin.seconds:g} s)"
        )
    yield Administration(begin=begin, duration=end.seconds - begin.seconds)


def _single(key: str, moment: Moment, when: Callable[[Moment], tuple[When, ...]]) -> When:
    times = when(moment)
    if len(times) != 1:
        raise SourceError(f"{key}: `{moment.text}` is {len(times)} times; expected one, such as `first event of puffs`")
    return times[0]
