"""What of the stated collections this session is about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from bergmann.plan.references import NameUse, uses
from bergmann.plan.resolve import Plan
from bergmann.receptors.check import is_later
from bergmann.receptors.injections import procedures
from bergmann.stated import Collections, Stated

OF_SOURCES = ("planes", "light_sites")
"""Collections that say something of sources, and nothing of the animal."""


def collections_of_session(plan: Plan) -> Collections:
    """The stated collections without what this session has no source for.

    A lab states its planes and light sites once for all sessions; in a session without imaging they would make the archive index
    imaging. So those that no source names are left out, and with them the devices that only they name; and so are procedures that
    were done after the session.
    """
    stated = plan.loaded.collections
    named = set(names_in(entry.stated for entry in plan.loaded.sources.values()))
    kept = {name: {key: one for key, one in stated.get(name, {}).items() if (name, key) in named} for name in OF_SOURCES}
    everywhere = set(names_in(one for name in OF_SOURCES for one in stated.get(name, {}).values()))
    here = named | set(names_in(one for entries in kept.values() for one in entries.values()))
    unused = everywhere - here
    devices = {key: one for key, one in stated.get("devices", {}).items() if ("devices", key) not in unused}
    return {**stated, **kept, "devices": devices, "procedures": _procedures_before(plan)}


def _procedures_before(plan: Plan) -> dict[str, Stated]:
    """What was done to the animal until the day of the session; `check` has said which procedures came later."""
    day = plan.start.date() if plan.start is not None else date.max
    return {name: one for name, one in procedures(plan.loaded.collections).items() if not is_later(one, day)}


def names_in(models: Iterable[Stated]) -> Iterator[tuple[str, str]]:
    """The (collection, name) of every entry that the models name."""
    for model in models:
        yield from ((use.collection, use.name) for use in uses(model, "") if isinstance(use, NameUse))
