"""Populations, what is in them, what brought it, and what acts on it: a small figure, and the same in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bergmann.convert.scope import collections_of_session
from bergmann.plan.resolve import Plan
from bergmann.report.html import Html, el, figure, join

WIDTH = 960.0
_LEFT, _MIDDLE, _RIGHT = (0.0, 200.0), (300.0, 360.0), (760.0, 200.0)  # x and width of each column
_BOX, _GAP, _HEAD = 42.0, 10.0, 46.0


@dataclass(frozen=True)
class Protein:
    """What is in a population: a receptor, an indicator, an effector of light.

    Attributes
    ----------
    key : str
        ``receptors.adra1a_bg``.
    title, state : str
    population : str
    vector : str or None
        What brought it, or what changed it.
    is_changed : bool
        Whether it is there otherwise than in an untouched animal.
    evidence : tuple of str
        How it is known that it is there, or how much of it.
    """

    key: str
    title: str
    state: str
    population: str
    vector: str | None
    is_changed: bool
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class Agent:
    """What acts on proteins, a drug or light; or a state that they are taken to be in.

    Attributes
    ----------
    name, what : str
    on : tuple of str
        Keys of proteins.
    """

    name: str
    what: str
    on: tuple[str, ...]


@dataclass(frozen=True)
class Animal:
    """All that the figure shows.

    Attributes
    ----------
    populations : mapping of name to (cell type, location)
    proteins : tuple of Protein
    vectors : mapping of name to construct
    agents : tuple of Agent
    states : tuple of Agent
        When receptors are taken to be in which state.
    """

    populations: dict[str, tuple[str, str]]
    proteins: tuple[Protein, ...]
    vectors: dict[str, str]
    agents: tuple[Agent, ...]
    states: tuple[Agent, ...] = ()


def animal_section(plan: Plan) -> Html:
    """The figure and its words."""
    animal = look(plan)
    if not animal.populations and not animal.proteins:
        return el("p", "No population and no receptor is stated.")
    box = el("div", _drawing(animal), class_="wide", tabindex="0", role="region", aria_label="Populations and receptors")
    caption = (
        "Each population with what is in it; vectors on the left bring or change it; drugs and light on the right act on it, and "
        "states say what it was taken to be in. "
        "A broken border: changed from an untouched animal."
    )
    return join(figure(box, caption), el("h3", "The same in words"), el("ul", *(el("li", one) for one in in_words(animal))))


def look(plan: Plan) -> Animal:
    """What is stated of populations and proteins."""
    stated: dict[str, Any] = dict(collections_of_session(plan) if plan.is_complete else plan.loaded.collections)
    populations = {name: (one.cell_type, one.location) for name, one in stated.get("populations", {}).items()}
    proteins = (*_receptors(stated), *_indicators(stated), *_effectors(stated))
    vectors = {name: one.construct_name for name, one in stated.get("vectors", {}).items()}
    return Animal(populations, proteins, vectors, tuple(_agents(stated)), tuple(_states(stated)))


def _receptors(stated: dict[str, Any]) -> Iterator[Protein]:
    for name, one in stated.get("receptors", {}).items():
        state = one.status.replace("_", " ") + (f" by {one.by}" if one.by else "")
        changed = one.status in ("knocked_out", "knocked_down", "overexpressed", "exogenous")
        yield Protein(f"receptors.{name}", one.receptor, state, one.population, one.vector, changed, tuple(_evidence(name, stated)))


def _evidence(receptor: str, stated: dict[str, Any]) -> Iterator[str]:
    """What was measured of a receptor, in words."""
    for one in stated.get("expression", {}).values():
        if one.receptor == receptor:
            said = "; ".join([*_level(one), *([one.description] if one.description else [])])
            yield f"{one.assay}, {one.sample.replace('_', ' ')}: {said}"


def _level(one: Any) -> list[str]:
    """The measured level, if a measurement states one."""
    if one.value is None:
        return []
    return ["value unknown" if one.value == "unknown" else f"{one.value:g} {one.unit or ''}".strip()]


def _states(stated: dict[str, Any]) -> Iterator[Agent]:
    for one in stated.get("states", {}).values():
        by = f" by {', '.join(one.by)}" if one.by else ""
        yield Agent(f"{one.state}{by}", f"{one.from_} to {one.to}", tuple(f"receptors.{key}" for key in one.receptors))


def _indicators(stated: dict[str, Any]) -> Iterator[Protein]:
    indicators, seen = stated.get("indicators", {}), set()
    for plane in stated.get("planes", {}).values():
        for channel in plane.channels.values():
            one = indicators.get(channel.indicator)
            if one is not None and plane.population is not None and (channel.indicator, plane.population) not in seen:
                seen.add((channel.indicator, plane.population))
                yield Protein(f"indicators.{channel.indicator}", one.name, "indicator", plane.population, one.vector, True)


def _effectors(stated: dict[str, Any]) -> Iterator[Protein]:
    for name, site in stated.get("light_sites", {}).items():
        if site.population is not None:
            where = f"light effector, {site.compartment}" if site.compartment else "light effector"
            yield Protein(f"light_sites.{name}", site.effector, where, site.population, site.vector, True)


def _agents(stated: dict[str, Any]) -> Iterator[Agent]:
    for name, drug in stated.get("drugs", {}).items():
        what = ", ".join(str(one) for one in (drug.action.replace("_", " "), drug.dose, drug.route) if one is not None)
        yield Agent(name, what, tuple(f"receptors.{one}" for one in drug.receptors))
    for name, site in stated.get("light_sites", {}).items():
        laser = stated.get("devices", {}).get(site.laser)
        wavelength = site.wavelength or getattr(laser, "wavelength", None)
        light = "light" if wavelength is None else f"light, {wavelength}"
        yield Agent(site.laser, f"{light}, on {site.location}", (f"light_sites.{name}",) if site.population else ())


def in_words(animal: Animal) -> Iterator[str]:
    """One sentence for each thing that the figure shows."""
    by_key = {one.key: one for one in animal.proteins}
    for name, (cell, location) in animal.populations.items():
        inside = [one for one in animal.proteins if one.population == name]
        holds = "; ".join(f"{one.title} ({_said(one)})" for one in inside)
        yield f"Population {name}: {cell} in {location}" + (f". In it: {holds}." if holds else ".")
    for name, construct in animal.vectors.items():
        yield f"Vector {name}: {construct}."
    for agent in animal.agents:
        on = ", ".join(by_key[key].title for key in agent.on if key in by_key)
        yield f"{agent.name} ({agent.what}) " + (f"acts on {on}." if on else "acts on no receptor that is stated.")
    for state in animal.states:
        on = ", ".join(by_key[key].title for key in state.on if key in by_key)
        yield f"{on or 'a receptor'}: {state.name}, from {state.what}."


def _said(one: Protein) -> str:
    """State, vector and evidence of a protein."""
    return "; ".join([f"{one.state}{f', vector {one.vector}' if one.vector else ''}", *one.evidence])


# --- drawing ----------------------------------------------------------------------------------------------------------


def _drawing(animal: Animal) -> Html:
    parts: list[Html] = []
    middles: dict[str, float] = {}
    top = 4.0
    for name in dict.fromkeys((*animal.populations, *(one.population for one in animal.proteins))):
        inside = [one for one in animal.proteins if one.population == name]
        height = _HEAD + len(inside) * (_BOX + _GAP) + (4 if inside else 0)
        cell, location = animal.populations.get(name, ("not stated", ""))
        parts.append(_population(name, cell, location, top, height))
        for index, protein in enumerate(inside):
            at = top + _HEAD + index * (_BOX + _GAP)
            middles[protein.key] = at + _BOX / 2
            style = "protein changed" if protein.is_changed else "protein"
            parts.append(
                _box(protein.title, "; ".join([protein.state, *protein.evidence]), (_MIDDLE[0] + 16, _MIDDLE[1] - 32), at, style)
            )
        top += height + 18
    vectors = {name: [one.key for one in animal.proteins if one.vector == name] for name in animal.vectors}
    left, left_end = _side(vectors, animal.vectors, middles, _LEFT, "vector", _LEFT[0] + _LEFT[1], _MIDDLE[0] + 16)
    beside = (*animal.agents, *animal.states)
    agents = {f"{one.name}\0{one.what}": list(one.on) for one in beside}
    words = {f"{one.name}\0{one.what}": one.what for one in beside}
    right, right_end = _side(agents, words, middles, _RIGHT, "agent", _RIGHT[0], _MIDDLE[0] + _MIDDLE[1] - 16)
    height = max(top, left_end, right_end)
    return el(
        "svg",
        el("title", "Populations with their receptors, vectors, drugs, light and states; the list below says the same"),
        *parts,
        left,
        right,
        viewBox=f"-1 0 {WIDTH + 2:g} {height:g}",
        role="img",
        class_="axis",
    )


def _population(name: str, cell: str, location: str, top: float, height: float) -> Html:
    x, width = _MIDDLE
    return join(
        el("rect", x=x, y=top, width=width, height=height, rx=10, class_="population"),
        el("text", _cut(f"{name}: {cell}", width - 30, 8.0), x=x + 16, y=top + 20, class_="title"),
        el("text", _cut(location, width - 30), x=x + 16, y=top + 36, class_="below"),
    )


def _box(title: str, below: str, column: tuple[float, float], top: float, style: str) -> Html:
    x, width = column
    return el(
        "g",
        el("title", f"{title}: {below}"),
        el("rect", x=x, y=top, width=width, height=_BOX, rx=5, class_=style),
        el("text", _cut(title, width - 20, 8.0), x=x + 10, y=top + 18, class_="title"),
        el("text", _cut(below, width - 20), x=x + 10, y=top + 34, class_="below"),
    )


def _side(
    targets: dict[str, list[str]],
    words: dict[str, str],
    middles: dict[str, float],
    column: tuple[float, float],
    style: str,
    begin: float,
    end: float,
) -> tuple[Html, float]:
    """Boxes of a side, each as near to its targets as there is room, with a line to each; and where they end."""
    at = {name: [middles[key] for key in keys if key in middles] for name, keys in targets.items()}
    wanted = {name: sum(found) / len(found) if found else float("inf") for name, found in at.items()}
    parts: list[Html] = []
    free = 4.0
    for name in sorted(at, key=lambda one: wanted[one]):
        top = max(free, wanted[name] - _BOX / 2) if at[name] else free
        free = top + _BOX + _GAP
        half = (begin + end) / 2
        lines = "".join(
            f"M{begin:g} {top + _BOX / 2:.1f}C{half:g} {top + _BOX / 2:.1f} {half:g} {middle:.1f} {end:g} {middle:.1f}"
            for middle in at[name]
        )
        parts += [el("path", d=lines, class_=f"link {style}")] if lines else []
        parts.append(_box(name.partition("\0")[0], words[name], column, top, style))
    return join(*parts), free


def _cut(text: str, width: float, letter: float = 7.0) -> str:
    most = int(width / letter)
    return text if len(text) <= most else text[: most - 1] + "…"
