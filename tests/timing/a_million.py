"""How long a million pulses take, and how much memory: run it for the table that ``random_rigs.md`` has."""

from __future__ import annotations

import sys
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np

from bergmann.timing.barcodes import LAYOUTS, read_barcodes
from bergmann.timing.clock_map import fit_map
from bergmann.timing.match import match_events
from bergmann.timing.pulses import find_levels, find_pulses, without_glitches

if __package__:
    from .random_rigs import send
else:
    from random_rigs import send


def steps(n: int) -> dict[str, Callable[[], Any]]:
    """What is done with so many pulses, each a call."""
    random = np.random.default_rng(1)
    line = np.tile(np.array([0, 0, 0, 0, 0, 0, 30000, 30000, 30000, 30000], dtype=np.int16), n)
    line += random.integers(-50, 50, len(line), dtype=np.int16)

    def read(start: int, stop: int) -> Any:
        return line[start:stop]

    found = find_pulses(read, len(line), threshold=15000, hysteresis=3000)
    own = np.cumsum(random.uniform(0.5, 1.5, n)) / 100
    true = own * (1 + 50e-6) + np.maximum(own - own[n // 3], 0) * 20e-6 + 3.5
    seen = random.random(n) > 0.05
    other = np.sort(np.append(true[seen] + random.normal(0, 5e-5, int(seen.sum())), random.uniform(4, true[-1], n // 50)))
    noise = random.normal(0, 5e-5, n)
    word = send(0xA5C3F00F, LAYOUTS["open ephys"])
    words = np.concatenate([word + 2.0 * number for number in range(2 * n // len(word))])
    return {
        "levels of the line (10 samples a pulse)": lambda: find_levels(read, len(line)),
        "pulses of the line": lambda: find_pulses(read, len(line), threshold=15000, hysteresis=3000),
        "glitches": lambda: without_glitches(found, shortest=3),
        "fit of a map with a bend": lambda: fit_map(own, true + noise),
        "match by intervals, and fit": lambda: match_events(own, other),
        "barcodes": lambda: read_barcodes(words[::2], words[1::2], LAYOUTS["open ephys"]),
    }


def measured(call: Callable[[], Any]) -> tuple[float, float]:
    """Seconds of the processor, and most memory beside the input, in MB."""
    begun = time.process_time()
    call()
    seconds = time.process_time() - begun
    tracemalloc.start()
    call()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return seconds, most / 1e6


if __name__ == "__main__":
    sizes = [int(size) for size in sys.argv[1:]] or [100_000, 1_000_000]
    made = [steps(n) for n in sizes]
    sys.stdout.write(f"| what | {' | '.join(f'{n:,} pulses' for n in sizes)} |\n|---|{'---|' * len(sizes)}\n")
    for name in made[0]:
        cells = " | ".join("{:.2f} s, {:.0f} MB".format(*measured(one[name])) for one in made)
        sys.stdout.write(f"| {name} | {cells} |\n")
        sys.stdout.flush()
