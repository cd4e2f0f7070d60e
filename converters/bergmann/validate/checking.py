"""What a check of an NWB file is: one small function, with why it matters and what to do beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from bergmann.findings import Finding, Severity
from bergmann.validate.reading import Reading


@dataclass(frozen=True)
class Problem:
    """What one check found at one object.

    Attributes
    ----------
    where : object or str
        An object of the file, or a path in it (``"general/subject"``).
    message : str
        What was found and what was expected, with numbers.
    remedy : str
        What to do, where it is not what the check says of itself.
    severity : {"error", "warning", "note"}, optional
        How grave it is, where it is not as grave as the check says of itself.
    """

    where: Any
    message: str
    remedy: str = ""
    severity: Severity | None = None


Run = Callable[[Reading], Iterator[Problem]]


@dataclass(frozen=True)
class Check:
    """A check that runs on any NWB file.

    Attributes
    ----------
    name : str
        As waivers and the table of damages name it, e.g. ``"light_power_plausible"``.
    severity : {"error", "warning", "note"}
        Error: the file is wrong; warning: it is most likely wrong; note: it could say more.
    why : str
        Why it matters, in one sentence.
    remedy : str
        What to do.
    version : int
        Raised when the check finds other things than before.
    run : callable
        Yields what it found.
    is_of_tree : bool
        Whether it looks at the HDF5 tree alone, so that it runs also on a file that pynwb cannot read.
    """

    name: str
    severity: Severity
    why: str
    remedy: str
    version: int
    run: Run
    is_of_tree: bool = False

    def findings(self, reading: Reading) -> Iterator[Finding]:
        """What the check finds in a file, ready to be shown."""
        for problem in self.run(reading):
            yield Finding(
                severity=problem.severity or self.severity,
                check=self.name,
                location=reading.place(problem.where),
                message=problem.message,
                remedy=problem.remedy or self.remedy,
                why=self.why,
                version=str(self.version),
            )


def check(*, severity: Severity, why: str, remedy: str, version: int = 1, is_of_tree: bool = False) -> Callable[[Run], Check]:
    """Make a check of a function that yields problems; its name is the function's."""

    def make(run: Run) -> Check:
        return Check(name=run.__name__, severity=severity, why=why, remedy=remedy, version=version, run=run, is_of_tree=is_of_tree)

    return make


def load_checks() -> tuple[Check, ...]:
    """Every check of the modules in ``rules/``, by module and name.

    Raises
    ------
    ValueError
        If two checks have one name.
    """
    from bergmann.validate import rules

    (folder,) = (Path(path) for path in rules.__path__)
    found: dict[str, Check] = {}
    for module in sorted(iter_modules([str(folder)]), key=lambda one: one.name):
        if module.name.startswith("_"):
            continue
        members = vars(import_module(f"{rules.__name__}.{module.name}")).values()
        for one in (member for member in members if isinstance(member, Check)):
            if found.setdefault(one.name, one) is not one:
                raise ValueError(f"two checks are named {one.name}")
    return tuple(found.values())


def run_checks(reading: Reading) -> Iterator[Finding]:
    """What all checks find in an open file; of one that pynwb cannot read, those that look at the tree alone.

    A check that cannot do its work on an object (a damaged dataset, a type of another meaning) says so as a finding behind those of
    the others, one for all that fail at the same.
    """
    failed: dict[str, list[Check]] = {}
    for one in load_checks():
        if reading.nwbfile is None and not one.is_of_tree:
            continue
        try:
            yield from one.findings(reading)
        except Exception as error:  # noqa: BLE001 - whatever a strange file makes a check raise is said of that check
            failed.setdefault(f"{type(error).__name__}: {error}", []).append(one)
    for said, checks in failed.items():
        yield Finding(
            severity="warning",
            check=checks[0].name,
            location=reading.place(""),
            message=f"{', '.join(one.name for one in checks)} could not be checked: {said}",
            remedy="the file is damaged there, or is built as no NWB file that this check knows",
            why=checks[0].why,
            version=str(checks[0].version),
        )
