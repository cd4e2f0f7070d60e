"""Random corruption of a written file, and what `bergmann verify` says of it: ``python tests/proof/corruption.py FILE [SEEDS]``."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

from bergmann.proof.verify import verify_file

LIMIT = 60.0
"""Seconds that an opening may take."""


def corrupt(path: Path, seed: int) -> str:
    """Flip bits of a file, overwrite a stretch of it, or cut it off; gives what was done. The bytes are other than before."""
    generator = np.random.default_rng(seed)
    before = path.read_bytes()
    content = bytearray(before)
    kind = ("flip", "flips", "stretch", "cut")[seed % 4]
    if kind == "cut":
        del content[int(generator.integers(0, len(content))) :]
    elif kind == "stretch":
        start, length = int(generator.integers(0, len(content))), int(generator.integers(1, 4096))
        content[start : start + length] = generator.integers(0, 256, len(content[start : start + length]), np.uint8).tobytes()
    else:
        for place in generator.integers(0, len(content), 1 if kind == "flip" else 64).tolist():
            content[place] ^= 1 << int(generator.integers(0, 8))
    assert bytes(content) != before
    path.write_bytes(bytes(content))
    return kind


def main(file: Path, seeds: int) -> None:
    found: Counter[tuple[str, str]] = Counter()
    slowest, begun = 0.0, time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(file.with_suffix(""), Path(folder) / file.stem)
        for seed in range(seeds):
            copy = Path(shutil.copy(file, Path(folder) / file.name))
            kind = corrupt(copy, seed)
            start = time.perf_counter()
            errors = [one for one in verify_file(copy, limit=LIMIT) if one.severity != "note"]
            slowest = max(slowest, time.perf_counter() - start)
            if not errors:
                said = "not seen"
            elif "did not come to an end" in errors[0].message:
                said = "too long"
            else:
                said = (
                    "crashed, said"
                    if "process" in errors[0].message
                    else "in no object"
                    if errors[0].severity == "warning"
                    else "found"
                )
            found[kind, said] += 1
            if said in {"not seen", "too long"}:
                sys.stdout.write(f"seed {seed}: {kind}: {said}\n")
    words = ("found", "crashed, said", "in no object", "not seen", "too long")
    lines = [
        "# Random corruption",
        "",
        f"Made by `python tests/proof/corruption.py FILE {seeds}`, on a session of the demo ({file.stat().st_size / 1e6:.1f} MB),",
        f"each seed on a fresh copy; {time.perf_counter() - begun:.0f} s in all, the slowest opening {slowest:.1f} s.",
        "`crashed, said`: HDF5 ended the process that opened the file, and `verify` says so. `in no object`: bytes that no reader",
        "sees; all values, texts and attributes are as they were, and `verify` warns of the digest of the whole file.",
        "",
        "| damage | " + " | ".join(words) + " |",
        "|---" * (len(words) + 1) + "|",
        *(
            f"| {kind} | " + " | ".join(str(found[kind, word]) for word in words) + " |"
            for kind in ("flip", "flips", "stretch", "cut")
        ),
        "",
    ]
    (Path(__file__).with_name("corruption.md")).write_text("\n".join(lines), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1000)
