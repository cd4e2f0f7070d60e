"""States of receptors that cannot have been, as far as that shows without a clock."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from bergmann.findings import Finding
from bergmann.moments import Moment
from bergmann.moments.grammar import Edge, Shift
from bergmann.receptors._findings import finding
from bergmann.receptors.stated import Drug, Receptor, State
from bergmann.stated import Collections

OPENING = ("agonist", "positive_modulator")
CLOSING = ("antagonist", "inverse_agonist", "negative_modulator")


def check_states(collections: Collections) -> Iterator[Finding]:
    """Check each state: what brought it about, on which receptors, and its two times where they count from one thing."""
    for name, one in collections.get("states", {}).items():
        key, stated = f"states.{name}", cast(State, one)
        if stated.state in ("blocked", "washout") and not stated.by:
            message = "blocked by what? No drug is named" if stated.state == "blocked" else "a washout of what? No drug is named"
            yield finding("error", "gap", f"{key}.by", message, "state `by`, one of `drugs`")
        if stated.state == "baseline" and stated.by:
            message = f"a baseline is before anything was given, and `by` names {', '.join(stated.by)}"
            yield finding("error", "conflict", f"{key}.by", message, "leave `by` out, or name the state")
        for drug in stated.by:
            given = collections.get("drugs", {}).get(drug)
            if given is not None:
                yield from _check_cause(key, stated, drug, cast(Drug, given))
        yield from _check_there(key, stated, collections)
        yield from _check_order(key, stated)


def _check_cause(key: str, stated: State, name: str, drug: Drug) -> Iterator[Finding]:
    strange = [one for one in stated.receptors if one not in drug.receptors]
    if strange and stated.state != "other":
        acts = f"on {', '.join(drug.receptors)}" if drug.receptors else "on no receptor that is named"
        message = f"{name} is stated to act {acts}, not on {', '.join(strange)}"
        yield finding("warning", "conflict", f"{key}.by", message, f"name it in `drugs.{name}.receptors`, or take it out here")
    if drug.action == "vehicle" and stated.state in ("blocked", "activated"):
        message = f"{name} is the vehicle, and leaves receptors as they are"
        yield finding(
            "error", "conflict", f"{key}.by", message, f"name the drug, or write `state: other`, or correct `drugs.{name}.action`"
        )
    against = CLOSING if stated.state == "activated" else OPENING if stated.state == "blocked" else ()
    if drug.action in against:
        message = f"{name} is stated as {drug.action.replace('_', ' ')}, and the receptors as {stated.state} by it"
        remedy = "the state is the receptor's and not the cell's: a designer receptor that silences its cell is activated"
        yield finding("warning", "conflict", f"{key}.state", message, remedy)


def _check_there(key: str, stated: State, collections: Collections) -> Iterator[Finding]:
    """What is not there is neither blocked nor activated."""
    for name in stated.receptors:
        receptor = collections.get("receptors", {}).get(name)
        if stated.state in ("blocked", "activated") and receptor is not None and cast(Receptor, receptor).status == "knocked_out":
            message = f"{name} is stated as knocked_out, and as {stated.state} here"
            yield finding("warning", "conflict", f"{key}.receptors", message, "take it out, or correct its status")


def _check_order(key: str, stated: State) -> Iterator[Finding]:
    """Two times that count from one thing can be compared without a clock."""
    begin, end = _counted(stated.from_), _counted(stated.to)
    if begin is None or end is None:
        return
    if begin[0] == end[0] and end[1] <= begin[1]:
        message = f"it ends ({stated.to.text}) before it begins ({stated.from_.text}), or lasts no time"
        yield finding("error", "conflict", key, message, "are `from` and `to` exchanged?")
    elif begin[0].of == end[0].of and begin[0].edge == "end" and end[0].edge == "start" and begin[1] >= 0 >= end[1]:
        message = f"it ends ({stated.to.text}) before it begins ({stated.from_.text})"
        yield finding("error", "conflict", key, message, "are `from` and `to` exchanged?")


def _counted(moment: Moment) -> tuple[Edge, float] | None:
    """What a time counts from, and by how many seconds."""
    form = moment.form
    if isinstance(form, Shift):
        return form.edge, form.sign * form.delay.seconds
    return (form, 0.0) if isinstance(form, Edge) else None
