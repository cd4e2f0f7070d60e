"""Class a: damage good files, and see who notices: ``python tests/damages/table_a.py DEMO [ID ...]``.

DEMO is the folder of a `bergmann demo`. What a validator says of the good file is set aside; anything more that it says of the
damaged one counts, whatever its words. Without ids, ``table_a.md`` is written.
"""

from __future__ import annotations

import csv
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import h5py

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER))

from damage_sessions import DAMAGES, ON, as_of_another_program  # noqa: E402
from other_sessions import make_sessions  # noqa: E402

from bergmann.errors import BergmannError  # noqa: E402
from bergmann.findings import Finding  # noqa: E402
from bergmann.validate import validate_paths  # noqa: E402

WHO = ("pynwb", "nwbinspector", "dandi", "bergmann")
"""Whose findings are told apart, by `Finding.origin`."""


def copy_of(file: Path, folder: Path) -> Path:
    """A file with its videos, in a folder of its own, without the digests."""
    folder.mkdir(parents=True)
    if file.with_suffix("").is_dir():
        shutil.copytree(file.with_suffix(""), folder / file.stem)
    copy = Path(shutil.copy(file, folder / file.name))
    with h5py.File(copy, "r+") as opened:
        as_of_another_program(opened)
    return copy


def said_of(file: Path) -> set[Finding]:
    """What all validators say, notes included."""
    try:
        return set(validate_paths([file]))
    except BergmannError as error:
        return {Finding(severity="error", check="unreadable", location=file.name, message=str(error))}


def noticed(name: str, good: Path, before: set[Finding], folder: Path) -> Mapping[str, set[Finding]]:
    """What each validator says of a damaged copy and not of the good file."""
    copy = copy_of(good, folder / name)
    with h5py.File(copy, "r+") as opened:
        DAMAGES[name](opened)
    more = said_of(copy) - before
    return {who: {one for one in more if one.origin == who} for who in WHO}


def main(demo: Path, names: list[str]) -> None:
    rows = {
        row["id"]: row
        for row in csv.DictReader((FOLDER / "damages.csv").read_text(encoding="utf-8").splitlines())
        if row["class"] == "a"
    }
    files = {
        kind: next((demo / "dandiset" / "sub-BG042").glob(pattern))
        for kind, pattern in {"session": "*ophys.nwb", "assay": "*vonfrey-pod7.nwb"}.items()
    }
    lines = ["| id | damage | ought to see it | pynwb | NWB Inspector | dandi | bergmann |", "|---|---|---|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        files |= make_sessions(folder / "others")
        before = {kind: said_of(copy_of(file, folder / kind)) for kind, file in files.items()}
        for name in names or rows:
            ought = rows[name]["check"] or f"nobody can: {rows[name]['unknowable']}"
            kind = ON.get(name, "session")
            found = noticed(name, files[kind], before[kind], folder)
            cells = [", ".join(sorted({f"{one.check}" for one in found[who]})) or "-" for who in WHO]
            sys.stdout.write(f"{name} {' | '.join(cells)}\n")
            sys.stdout.flush()
            lines.append(f"| {name} | {rows[name]['damage']} | {ought} | {' | '.join(cells)} |")
            shutil.rmtree(folder / name)
    if not names:
        (FOLDER / "table_a.md").write_text("\n".join([HEADING, summary(lines[2:]), "", *lines, ""]), encoding="utf-8", newline="\n")


def summary(lines: list[str]) -> str:
    """How many of the damages each validator sees, and which bergmann ought to see and does not."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    seen = {who: sum(row[3 + number] != "-" for row in rows) for number, who in enumerate(WHO)}
    missed = [row[0] for row in rows if row[-1] == "-" and not row[2].startswith("nobody can")]
    hidden = sum(row[-1] == "-" and row[2].startswith("nobody can") for row in rows)
    told = ", ".join(f"{who} {count}" for who, count in seen.items())
    return (
        f"Of {len(rows)} damages, these are seen: {told}. Of those that bergmann does not see, {hidden} cannot be "
        f"known from the file; the others: {', '.join(missed) or 'none'}."
    )


HEADING = """\
# Damaged files, validated

Made by `python tests/damages/table_a.py DEMO`. Each row damages a copy of a file of the demo (or of `other_sessions.py`), whose
digests were taken away; a cell names the checks of what a validator says of it and not of the good file, `-` where it says nothing
more.
"""

if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
