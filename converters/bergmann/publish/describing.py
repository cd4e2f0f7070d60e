"""The dandiset's own metadata, into the archive: what is stated laid over what stands there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bergmann.findings import Finding
from bergmann.publish.client import Client
from bergmann.publish.three_ways import Comparison, compare, load_pushed, save_pushed


@dataclass(frozen=True)
class Described:
    """What is stated of a dandiset beside what the archive has.

    Attributes
    ----------
    comparison : Comparison or None
        None where nothing is stated.
    """

    comparison: Comparison | None
    client: Client
    dandiset_id: str
    state: Path

    def findings(self, *, overwrite: bool) -> Iterator[Finding]:
        """What is done about each difference."""
        return self.comparison.findings(overwrite=overwrite) if self.comparison else iter(())

    def beside_lines(self, *, overwrite: bool) -> Iterator[Finding]:
        """Of the findings those that `lines` does not say already."""
        return self.comparison.beside_lines(overwrite=overwrite) if self.comparison else iter(())

    def lines(self, *, overwrite: bool) -> tuple[str, ...]:
        """What will be changed, as lines of a diff."""
        taken = self.comparison.taken(overwrite=overwrite) if self.comparison else ()
        return tuple(line for change in taken for line in change.lines)

    def push(self, *, overwrite: bool) -> None:
        """Give the archive what is stated, and remember it, so that a later edit there is told from ours.

        Raises
        ------
        ArchiveError
            If the archive refuses it.
        """
        if self.comparison is None:
            return
        if self.comparison.taken(overwrite=overwrite):
            self.client.set_draft_metadata(self.dandiset_id, dict(self.comparison.laid_over(overwrite=overwrite)))
        with suppress(OSError):  # what is not remembered is shown once more
            save_pushed(self.state, self.client.instance.api, self.dandiset_id, self.comparison.remembered(overwrite=overwrite))


def describe(stated: Mapping[str, Any] | None, client: Client, dandiset_id: str, state: Path) -> Described:
    """Compare what is stated of a dandiset with the archive, and with what this computer pushed last.

    Raises
    ------
    ArchiveError
        If the archive cannot be asked.
    """
    if not stated:
        return Described(None, client, dandiset_id, state)
    pushed = load_pushed(state, client.instance.api, dandiset_id)
    return Described(compare(stated, client.draft_metadata(dandiset_id), pushed), client, dandiset_id, state)
