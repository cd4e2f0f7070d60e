"""The runs of a session, and which of its sources a name means in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bergmann.findings import Finding
from bergmann.moments import Reference


@dataclass(frozen=True)
class Runs:
    """The runs of a session; empty where it names none.

    Attributes
    ----------
    sources : mapping of str to mapping of str to str
        By run and by source as it is stated: the name of its entry, ``{"base": {"movie": "base_movie"}}``.
    keys : mapping of str to str
        Where what stands in an entry was stated: ``{"sources.base_movie.path": "runs.base.movie"}``.
    """

    sources: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)

    def bound(self, reference: Reference) -> Reference:
        """A reference as it is meant: with its run, or, where no run has that name, as one name with `` in `` in it."""
        return reference if reference.run is None or reference.run in self.sources else reference.undivided

    def entries(self, reference: Reference) -> tuple[str, ...]:
        """Names of the sources that are meant, in the order of the runs: of all runs where none is said, of a run all."""
        meant = self.bound(reference)
        if meant.run is not None:
            return tuple(entry for name, entry in self.sources[meant.run].items() if name == meant.name)
        if several := tuple(entry for of_run in self.sources.values() for name, entry in of_run.items() if name == meant.name):
            return several
        return tuple(self.sources[meant.name].values()) if meant.name in self.sources else (meant.name,)

    def reference(self, text: str) -> Reference:
        """The source that a text names, such as ``movie`` or ``movie in base``."""
        name, found, run = text.rpartition(" in ")
        if not found:
            return Reference(text, None, ("sources",))
        return self.bound(Reference(name.strip(), None, ("sources",), run.strip()))

    def start_of(self, text: str, formats: Mapping[str, str]) -> str | None:
        """The source that a session starts with.

        Parameters
        ----------
        text : str
            ``patch in base``, ``base_patch``, ``patch`` (of the first run), or ``base_abf`` where one source of that run is ABF.
        formats : mapping of str to str
            Format of each source.

        Returns
        -------
        str or None
            The text itself where it names no source of a run; None if the run has none of that name.
        """
        meant = self.reference(text)
        if meant.run is not None:
            return self.sources[meant.run].get(meant.name)
        if self.having(meant.name):
            return next(iter(self.sources.values())).get(meant.name)
        for run, of_run in self.sources.items():
            alike = [entry for entry in of_run.values() if f"{run}_{formats.get(entry)}" == text and text not in formats]
            if len(alike) == 1:
                return alike[0]
        return text

    def meant_by(self, entry: str) -> Reference | None:
        """The source that a name of an entry would be of; None where it begins with no run's name."""
        sources = {name for of_run in self.sources.values() for name in of_run}
        places = ((run, entry.removeprefix(f"{run}_")) for run in self.sources if entry.startswith(f"{run}_"))
        return next((Reference(name, None, ("sources",), run) for run, name in places if name in sources), None)

    def problem_of(self, meant: Reference, absent: Mapping[str, str], *, of_each: bool) -> tuple[str, str] | None:
        """What is not clear about a reference because of the runs, and what to do; None if nothing is.

        Parameters
        ----------
        meant : Reference
            As `bound` gives it.
        absent : mapping of str to str
            The sources that are absent, and why.
        of_each : bool
            Whether it may be of several runs.
        """
        having = self.having(meant.name)
        if meant.run is None:
            if len(having) > 1 and not of_each:
                return f"{meant.name} is in the runs {', '.join(having)}; which is meant?", f"write `{meant} in {having[0]}`, say"
            reasons = [absent[one] for one in (f"{run}_{meant.name}" for run in self.sources) if one in absent]
            if reasons and not having:
                return f"{meant.name} is absent in every run ({reasons[0]})", "leave this out, or say that it is absent, too"
            return self._unknown_run(meant)
        if meant.run in having:
            return None
        if reason := absent.get(f"{meant.run}_{meant.name}"):
            return f"{meant.name} is absent in the run {meant.run} ({reason})", "leave this out, or say that it is absent, too"
        if having:
            return f"the run {meant.run} has no {meant.name}", f"runs that have it: {', '.join(having)}"
        there = ", ".join(self.sources[meant.run]) or "nothing"
        return (
            f"`{meant.name}` is not among the sources of the run {meant.run}",
            f"it has: {there}; leave `in {meant.run}` out for others",
        )

    def _unknown_run(self, meant: Reference) -> tuple[str, str] | None:
        """A reference to a run that is not there is bound as a name with `` in `` in it."""
        name, found, run = str(meant).rpartition(" in ")
        if not found or not self.having(name.partition("/")[0]):
            return None
        return f"there is no run `{run}`", f"runs: {', '.join(self.sources)}"

    def having(self, source: str) -> tuple[str, ...]:
        """The runs that have a source."""
        return tuple(run for run, of_run in self.sources.items() if source in of_run)

    def place_of(self, entry: str) -> tuple[str, str] | None:
        """Run and source of an entry; None for one of the whole session."""
        places = ((run, name) for run, of_run in self.sources.items() for name, made in of_run.items() if made == entry)
        return next(places, None)

    def stated_key(self, key: str) -> str:
        """Where a dotted key was, or would be, stated."""
        above = key
        while above and above not in self.keys:
            above = above.rpartition(".")[0]
        if not above or above == key:
            return self.keys.get(key, key)
        place = self.place_of(above.removeprefix("sources."))
        return (f"sources.{place[1]}" if place is not None else self.keys[above]) + key[len(above) :]

    def located(self, finding: Finding) -> Finding:
        """A finding with the key that a person wrote in place of that of an entry."""
        match = re.fullmatch(r"(.+?:\d+) (sources\..*)", finding.location, re.DOTALL)
        return finding if match is None else replace(finding, location=f"{match[1]} {self.stated_key(match[2])}")


NO_RUNS = Runs()
"""Of a session that is one recording."""
