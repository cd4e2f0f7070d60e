"""Names of channels that can be told apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence


def distinct_names(names: Sequence[str]) -> tuple[str, ...]:
    """The names in their order, a repeated one with the number of its repeat behind it: ``AI0``, ``AI0 (2)``."""
    taken = set(names)
    seen: Counter[str] = Counter()
    distinct = []
    for name in names:
        seen[name] += 1
        new = name
        while seen[name] > 1 and new in taken:
            new = f"{name} ({seen[name]})"
            seen[name] += new in taken
        taken.add(new)
        distinct.append(new)
    return tuple(distinct)


def repeats_note(names: Sequence[str], distinct: Sequence[str]) -> dict[str, str]:
    """What to note of names that had to be changed, nothing if none had to."""
    changed = [f"{new!r} is another channel named {name!r}" for name, new in zip(names, distinct, strict=True) if name != new]
    return {"renamed channels": "; ".join(changed)} if changed else {}
