"""When receptors were in which state, and what about those times cannot be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from math import isfinite, isnan
from typing import cast

from bergmann.errors import SourceError
from bergmann.findings import Finding, Severity
from bergmann.moments import Moment, When
from bergmann.receptors.administrations import Administration, find_administrations
from bergmann.receptors.stated import Drug, State
from bergmann.stated import Collections

Clock = Callable[[Moment], tuple[When, ...]]
"""When a stated time was, on the session's clock."""

EXCLUSIVE = frozenset({"baseline", "washout"})
"""States of a receptor that no other state can share a moment with."""


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """A stated state with its times.

    Attributes
    ----------
    name : str
    stated : State
    start, stop : When
        On the session's clock, known and in this order.
    """

    name: str
    stated: State
    start: When
    stop: When


class StretchError(SourceError):
    """A state whose times cannot be used.

    Attributes
    ----------
    key : str
        Dotted key of what is wrong.
    """

    def __init__(self, key: str, message: str) -> None:
        self.key, self.message = key, message
        super().__init__(f"{key}: {message}")


def find_stretch(name: str, stated: State, when: Clock) -> Stretch:
    """The times of a stated state.

    Raises
    ------
    StretchError
        If it does not begin at one known time and end at one later.
    """
    start, stop = _one(f"states.{name}.from", stated.from_, when), _one(f"states.{name}.to", stated.to, when)
    if stop.seconds <= start.seconds:
        begun, ended = f"{stated.from_.text}, {start.seconds:g} s", f"{stated.to.text}, {stop.seconds:g} s"
        raise StretchError(f"states.{name}", f"it ends ({ended}) before it begins ({begun}), or lasts no time")
    return Stretch(name=name, stated=stated, start=start, stop=stop)


def _one(key: str, moment: Moment, when: Clock) -> When:
    try:
        found = when(moment)
    except StretchError:
        raise
    except SourceError as error:
        raise StretchError(key, str(error)) from error
    if len(found) != 1 or not isfinite(found[0].seconds):
        what = f"{len(found)} times" if len(found) != 1 else "a time that nobody knows"
        raise StretchError(key, f"`{moment.text}` is {what}; a state is from one known time to another")
    return found[0]


def check_times(collections: Collections, when: Clock) -> Iterator[Finding]:
    """Check what can be judged only on the session's clock: when drugs were given and receptors in which state.

    Parameters
    ----------
    collections : mapping
    when : callable (Moment) -> tuple of When

    Yields
    ------
    Finding
        Its location is the dotted key.
    """
    given: dict[str, tuple[Administration, ...]] = {}
    for name, one in collections.get("drugs", {}).items():
        try:
            given[name] = find_administrations(name, cast(Drug, one), when)
        except SourceError as error:
            yield _finding("error", f"drugs.{name}", str(error).removeprefix(f"drugs.{name}: "), "correct the times")
    stretches = []
    for name, one in collections.get("states", {}).items():
        try:
            stretches.append(find_stretch(name, cast(State, one), when))
        except StretchError as error:
            yield _finding("error", error.key, error.message, "correct the time, or leave the state out if nobody knows it")
    drugs = {name: cast(Drug, one) for name, one in collections.get("drugs", {}).items()}
    for stretch in stretches:
        for name in stretch.stated.by:
            yield from _check_cause(stretch, name, drugs[name], given.get(name, ()))
        if stretch.stated.state == "baseline":
            yield from _check_baseline(stretch, drugs, given)
    yield from _check_overlaps(stretches)


def _finding(severity: Severity, location: str, message: str, remedy: str = "") -> Finding:
    return Finding(severity=severity, check="conflict", location=location, message=message, remedy=remedy)


def _slack(*times: When) -> float:
    """By how much times may be wrong together, in seconds."""
    return sum(0.0 if isnan(one.uncertainty) else one.uncertainty for one in times)


def _check_cause(stretch: Stretch, name: str, drug: Drug, given: tuple[Administration, ...]) -> Iterator[Finding]:
    """A state does not begin before what brought it about, nor a washout before what is washed out is over."""
    state, key = stretch.stated.state, f"states.{stretch.name}.from"
    known = [one for one in given if isfinite(one.begin.seconds)]
    if not known:
        return
    first = min(known, key=lambda one: one.begin.seconds)
    if state == "washout":
        last = max(known, key=lambda one: one.begin.seconds)
        over = last.begin.seconds if isnan(last.duration) else last.begin.seconds + last.duration
        if stretch.start.seconds < over - _slack(stretch.start, last.begin):
            message = f"washout from {stretch.start.seconds:g} s on, but {name} was given until {over:g} s"
            yield _finding("error", key, message, f"write `from: {name} ends`, or a time after it")
        return
    delay = drug.reaches_bath_after.to("s") if drug.reaches_bath_after is not None else 0.0
    there = first.begin.seconds + delay
    if stretch.start.seconds < there - _slack(stretch.start, first.begin):
        arrives = f" and reaches the bath {drug.reaches_bath_after} later" if delay else ""
        message = (
            f"{state} by {name} from {stretch.start.seconds:g} s on, but {name} was given at {first.begin.seconds:g} s{arrives}"
        )
        yield _finding("error", key, message, f"let it begin when {name} is there: {there:g} s or later")


def _check_baseline(
    stretch: Stretch, drugs: Mapping[str, Drug], given: Mapping[str, tuple[Administration, ...]]
) -> Iterator[Finding]:
    """A baseline is over when the first drug that acts on its receptors is given."""
    for name, administrations in given.items():
        shared = [one for one in drugs[name].receptors if one in stretch.stated.receptors]
        earlier = [one for one in administrations if one.begin.seconds < stretch.stop.seconds - _slack(stretch.stop, one.begin)]
        if shared and earlier and drugs[name].action != "vehicle":
            message = f"{name}, which acts on {', '.join(shared)}, was given at {earlier[0].begin.seconds:g} s, before it ends"
            yield _finding(
                "warning", f"states.{stretch.name}.to", message, "is it a baseline for another question? Say so in `basis`"
            )


def _check_overlaps(stretches: list[Stretch]) -> Iterator[Finding]:
    """One receptor is not in two states at once, unless an agonist and an antagonist compete."""
    for one, other in combinations(stretches, 2):
        shared = [name for name in one.stated.receptors if name in other.stated.receptors]
        begin, end = max(one.start.seconds, other.start.seconds), min(one.stop.seconds, other.stop.seconds)
        states = {one.stated.state, other.stated.state}
        if not shared or end <= begin or len(states) == 1:
            continue
        severity: Severity = "error" if states & EXCLUSIVE else "warning"
        message = (
            f"{', '.join(shared)} would be {other.stated.state} and, by `states.{one.name}`, {one.stated.state} at once, "
            f"from {begin:g} s to {end:g} s"
        )
        yield _finding(severity, f"states.{other.name}", message, "let one end where the other begins")
