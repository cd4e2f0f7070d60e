"""Random corruption of a written file, and what is said of it: ``python tests/proof/corruption.py {verify,validate} FILE [SEEDS]``.

Each command has its section in ``corruption.md``. POSIX only.
"""

from __future__ import annotations

import multiprocessing
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from bergmann.errors import BergmannError
from bergmann.findings import Finding
from bergmann.proof.verify import verify_file
from bergmann.validate import validate_paths

LIMIT = 60.0
"""Seconds that an opening may take."""
LONGEST = 600.0
"""Seconds after which a validation counts as one that hangs: far more than the limit that it has itself."""
KINDS = ("flip", "flips", "stretch", "cut")

Judge = Callable[[Path], str]
"""Says of a damaged file, in one of the words of its table, what a command says of it."""


def corrupt(path: Path, seed: int) -> str:
    """Flip bits of a file, overwrite a stretch of it, or cut it off; gives what was done. The bytes are other than before."""
    generator = np.random.default_rng(seed)
    before = path.read_bytes()
    content = bytearray(before)
    kind = KINDS[seed % 4]
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


def judge_by_verify(copy: Path) -> str:
    errors = [one for one in verify_file(copy, limit=LIMIT) if one.severity != "note"]
    if not errors:
        return "not seen"
    if "did not come to an end" in errors[0].message:
        return "hung, ended"
    if "process" in errors[0].message:
        return "crashed, said"
    return "in no object" if errors[0].severity == "warning" else "found"


def said_by_validate(copy: Path) -> set[Finding]:
    """What `bergmann validate` says above a note, as it says it of a file whose reading ends it."""
    try:
        return {one for one in validate_paths([copy], apart=True) if one.severity != "note"}
    except BergmannError as error:  # no file can be opened
        return {Finding(severity="error", check="unreadable", location=copy.name, message=str(error))}


def judge_by_validate(before: set[Finding], copy: Path) -> str:
    """In a process of its own, so that a crash, a traceback or a hang of it would be counted."""
    ours, theirs = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=_send_word, args=(before, copy, theirs))
    process.start()
    theirs.close()
    try:
        return str(ours.recv()) if ours.poll(LONGEST) else "HANG"
    except EOFError:
        return "CRASH OR TRACEBACK"
    finally:
        process.kill()
        process.join()


def _send_word(before: set[Finding], copy: Path, answer: Connection) -> None:
    found = said_by_validate(copy) - before
    if any("did not survive" in one.message for one in found):
        answer.send("crashed or hung, said")
    elif any(one.check == "unreadable" for one in found):
        answer.send("cannot be read")
    else:
        answer.send("found" if found else "nothing said")


WORDS = {
    "verify": ("found", "crashed, said", "in no object", "not seen", "hung, ended"),
    "validate": ("found", "cannot be read", "crashed or hung, said", "nothing said", "CRASH OR TRACEBACK", "HANG"),
}
SAID = {
    "verify": """\
`crashed, said`: HDF5 ended the process that opened the file, and `verify` says so. `hung, ended`: HDF5 never came back,
and `verify` ended its process and says so. `in no object`: bytes that no reader sees; all values and texts are
as they were, and `verify` warns of the digest of the whole file.""",
    "validate": """\
`found`: something above a note that is not said of the file as it was. `cannot be read`: pynwb, h5py or a check fails at it, and it
is said where. `crashed or hung, said`: HDF5 ended the process that looks at the file first, or never came back, and `validate` says
so. `nothing said`: bytes that no reader sees, and values that are plausible, which `verify` finds: two thirds of this small file
are samples that are stored without compression, and any bit of such a number may be another. A crash, a traceback or a hang of
`validate` itself would stand in the last two columns.""",
}


def main(command: str, file: Path, seeds: int) -> None:
    found: Counter[tuple[str, str]] = Counter()
    slowest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(file.with_suffix(""), Path(folder) / file.stem)
        good = Path(shutil.copy(file, Path(folder) / file.name))
        judge: Judge = judge_by_verify if command == "verify" else partial(judge_by_validate, said_by_validate(good))
        begun = time.perf_counter()
        for seed in range(seeds):
            copy = Path(shutil.copy(file, good))
            kind, start = corrupt(copy, seed), time.perf_counter()
            said = judge(copy)
            slowest = max(slowest, time.perf_counter() - start)
            found[kind, said] += 1
            if said in {"not seen", "hung, ended"} or said.isupper():
                sys.stdout.write(f"seed {seed}: {kind}: {said}\n")
                sys.stdout.flush()
    words = WORDS[command]
    text = f"""\
## `bergmann {command}`

Made by `python tests/proof/corruption.py {command} FILE {seeds}`, on a session of the demo ({file.stat().st_size / 1e6:.1f} MB),
each seed on a fresh copy; {time.perf_counter() - begun:.0f} s in all, the slowest {slowest:.1f} s.
{SAID[command]}

| damage | {" | ".join(words)} |
{"|---" * (len(words) + 1)}|
"""
    text += "".join(f"| {kind} | {' | '.join(str(found[kind, word]) for word in words)} |\n" for kind in KINDS)
    put_section(Path(__file__).with_name("corruption.md"), command, text)


def put_section(page: Path, command: str, section: str) -> None:
    """Put the section of a command in place of the one that stands there, or at the end."""
    parts = re.split(r"(?m)^(?=## )", page.read_text(encoding="utf-8"))
    kept = [part for part in parts if not part.startswith(f"## `bergmann {command}`")]
    page.write_text("\n\n".join(part.strip() for part in [*kept, section]) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 1000)
