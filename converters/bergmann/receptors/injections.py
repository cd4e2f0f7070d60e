"""Which injections are known well enough to be written as objects, and which values are missing from the others.

`ViralVector` requires titre and manufacturer, `ViralVectorInjection` place, side, coordinates and volume (ndx-ophys-devices 0.3.1).
A number that nobody knows is not made up: without it what is known is written as text, and a finding names what would complete it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from bergmann.findings import Finding
from bergmann.receptors.stated import Procedure, Site, Vector
from bergmann.stated import Collections, Quantity


@dataclass(frozen=True, kw_only=True)
class Injection:
    """One vector that was injected at one site.

    Attributes
    ----------
    vector, procedure : str
        Names of the entries.
    number : int
        Which of the procedure's sites, from 0.
    site : Site
    location : str or None
        The target: the site's, else the procedure's.
    gaps : tuple of str
        Dotted keys of what is not known of the site.
    """

    vector: str
    procedure: str
    number: int
    site: Site
    location: str | None
    gaps: tuple[str, ...]


def vectors(collections: Collections) -> dict[str, Vector]:
    """The stated vectors."""
    return {name: cast(Vector, one) for name, one in collections.get("vectors", {}).items()}


def procedures(collections: Collections) -> dict[str, Procedure]:
    """The stated procedures."""
    return {name: cast(Procedure, one) for name, one in collections.get("procedures", {}).items()}


def vector_gaps(name: str, vector: Vector) -> tuple[str, ...]:
    """Dotted keys of what is not known of a vector; a manufacturer may be stated as ``unknown``, a titre is a number."""
    values = {"titre": isinstance(vector.titre, Quantity), "manufacturer": vector.manufacturer is not None}
    return tuple(f"vectors.{name}.{key}" for key, is_known in values.items() if not is_known)


def injections(collections: Collections) -> Iterator[Injection]:
    """Every vector at every site of every procedure."""
    for procedure_name, procedure in procedures(collections).items():
        for vector in procedure.vectors:
            for number, site in enumerate(procedure.sites):
                location = site.location or procedure.location
                yield Injection(
                    vector=vector,
                    procedure=procedure_name,
                    number=number,
                    site=site,
                    location=location,
                    gaps=_site_gaps(f"procedures.{procedure_name}.sites.{number}", site, location),
                )


def _site_gaps(key: str, site: Site, location: str | None) -> tuple[str, ...]:
    known = {
        "side": site.side in ("left", "right"),
        "reference": site.reference is not None,
        "location": location is not None,
        **{name: isinstance(getattr(site, name), Quantity) for name in ("ap", "ml", "dv", "volume")},
    }
    return tuple(f"{key}.{name}" for name, is_known in known.items() if not is_known)


def check_injections(collections: Collections) -> Iterator[Finding]:
    """Say what is written as text only, and which values would complete it."""
    for name, vector in vectors(collections).items():
        gaps = vector_gaps(name, vector)
        if gaps:
            yield _text_only(f"vectors.{name}", "the vector, and each injection of it,", gaps)
    seen: set[tuple[str, ...]] = set()
    for one in injections(collections):
        if one.gaps and one.gaps not in seen:
            seen.add(one.gaps)
            yield _text_only(f"procedures.{one.procedure}.sites.{one.number}", "the injection", one.gaps)
    for procedure_name, procedure in procedures(collections).items():
        if procedure.vectors and not procedure.sites:
            yield _text_only(f"procedures.{procedure_name}", "the injection", (f"procedures.{procedure_name}.sites",))


def _text_only(key: str, what: str, gaps: tuple[str, ...]) -> Finding:
    return Finding(
        severity="note",
        check="incomplete injection",
        location=key,
        message=f"{what} is written as text, not as an object: {', '.join(gap.rsplit('.', 1)[-1] for gap in gaps)} not known",
        remedy=f"state {', '.join(_shown(gap) for gap in gaps)} to have it written in full",
    )


def _shown(gap: str) -> str:
    return f"`{gap}` (`unknown` will do)" if gap.endswith(".manufacturer") else f"`{gap}`"


def lateral(site: Site) -> float:
    """Mediolateral coordinate in mm, right of the midline positive, as `ViralVectorInjection` wants it.

    Laboratories write the distance from the midline and the side; the side says the sign.
    """
    distance = abs(cast(Quantity, site.ml).to("mm"))
    return -distance if site.side == "left" else distance
