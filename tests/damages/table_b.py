"""Class b: damage a written file, and verify it: ``python tests/damages/table_b.py [ID ...]``."""

from __future__ import annotations

import csv
import shutil
import sys
import tempfile
import warnings
from pathlib import Path

import h5py

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER))

from damage_files import CHANGES, CONTROLS, sign_anew  # noqa: E402

from bergmann.errors import WriteError  # noqa: E402
from bergmann.findings import Finding  # noqa: E402
from bergmann.proof.verify import verify_file, verify_with_sources  # noqa: E402

SOURCES = ("b052", "b053", "b054", "b055", "b056", "b057")
"""Damages that only the sources show."""


def copy_of(file: Path, folder: Path) -> Path:
    """The file and its videos in another folder."""
    folder.mkdir(parents=True)
    shutil.copytree(file.with_suffix(""), folder / file.stem)
    return Path(shutil.copy(file, folder / file.name))


def found_by_record(file: Path, name: str, folder: Path) -> tuple[Finding, ...]:
    """What `bergmann verify FILE` says of a damaged copy; the digest of the whole file is no part of it."""
    copy = copy_of(file, folder / name)
    with h5py.File(copy, "r+") as opened:
        CHANGES[name](opened)
    return errors(verify_file(copy))


def found_by_sources(file: Path, rig: Path, name: str, folder: Path) -> tuple[Finding, ...]:
    """What `bergmann verify FILE --sources DIR` says; the record was signed anew, so that it shows nothing."""
    copy, sources = copy_of(file, folder / name), Path(shutil.copytree(rig, folder / f"{name}-rig"))
    movie = sorted((sources / "BG042" / "2p").glob("*.tif"))
    if name == "b056":
        content = bytearray(movie[0].read_bytes())
        content[-1000] ^= 1
        movie[0].write_bytes(bytes(content))
    elif name == "b057":
        movie[-1].unlink()
    else:
        with h5py.File(copy, "r+") as opened:
            CHANGES[name](opened)
        sign_anew(copy)
        assert not errors(verify_file(copy))
    try:
        return errors(verify_with_sources(copy, sources / "BG042" / "session.yaml"))
    except WriteError as error:
        return (Finding(severity="error", check="verify", location=name, message=str(error)),)


def errors(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    return tuple(one for one in findings if one.severity == "error")


def main(names: list[str], demo: Path) -> None:
    rows = {row["id"]: row for row in csv.DictReader((FOLDER / "damages.csv").open(encoding="utf-8"))}
    (file,) = (demo / "dandiset" / "sub-BG042").glob("*ophys.nwb")
    lines = ["| id | damaged | damage | against | found | in these words |", "|---|---|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in names or (*CHANGES, *SOURCES[-2:]):
            by_sources = name in SOURCES
            found = (
                found_by_sources(file, demo / "rig", name, Path(folder))
                if by_sources
                else found_by_record(file, name, Path(folder))
            )
            words = found[0].message if found else "nothing, as it should be" if name in CONTROLS else ""
            sys.stdout.write(f"{name} {len(found)} {words[:150]}\n")
            sys.stdout.flush()
            said = "yes" if found else "control" if name in CONTROLS else "NO"
            where = rows[name]["on"]
            against = "sources" if by_sources else "record"
            line = f"| {name} | {where} | {rows[name]['damage']} | {against} | {said} | {words} |"
            lines.append(line.replace("\n", " "))
    if not names:
        (FOLDER / "table_b.md").write_text("\n".join([HEADING, *lines, ""]), encoding="utf-8", newline="\n")


HEADING = """\
# Damaged files, verified

Made by `python tests/damages/table_b.py DEMO`, of the folder of a `bergmann demo`. Each row changes a copy of one of its files
through plain h5py, and verifies it. The digest of the whole file is not used. Controls change how values are stored, and no value.
"""

if __name__ == "__main__":
    main(sys.argv[2:], Path(sys.argv[1]))
