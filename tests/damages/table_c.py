"""Class c: convert with a damaged converter, and say what refused the file: ``python tests/damages/table_c.py [ID ...]``."""

from __future__ import annotations

import csv
import sys
import tempfile
import warnings
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER))

from damaged_converters import DAMAGES  # noqa: E402
from here import convert_here  # noqa: E402
from labs import Lab, make_lab  # noqa: E402

from bergmann.errors import BergmannError  # noqa: E402
from bergmann.proof.proving import ProofError  # noqa: E402


def refused_by(lab: Lab, out: Path, name: str) -> tuple[str, str]:
    """Who refused a conversion with a damage, and in which words; ``nobody`` if a file was written."""
    damage = DAMAGES[name]
    session = lab.session(*damage.sources, more=damage.more)
    with pytest.MonkeyPatch.context() as monkeypatch:
        damage.patch(monkeypatch)
        try:
            convert_here(session, out / name)
        except ProofError as error:
            assert not list((out / name).rglob("*.nwb")), "a file is there although the proof refused it"
            return "proof", error.findings[0].message
        except BergmannError as error:
            return "reader or writer", str(error).splitlines()[0]
    return "nobody", ""


def main(names: list[str]) -> None:
    rows = {row["id"]: row for row in csv.DictReader((FOLDER / "damages.csv").read_text(encoding="utf-8").splitlines())}
    lines = ["| id | patched | damage | refused by | in these words |", "|---|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lab = make_lab(Path(folder) / "lab")
        for name in names or DAMAGES:
            by, words = refused_by(lab, Path(folder), name)
            sys.stdout.write(f"{name} {by} {words[:150]}\n")
            sys.stdout.flush()
            row = rows[name]
            lines.append(f"| {name} | {row['on']} | {row['damage']} | {by} | {words.replace('|', '/')} |")
    if not names:
        (FOLDER / "table_c.md").write_text("\n".join([HEADING, *lines, ""]), encoding="utf-8", newline="\n")


HEADING = """\
# Damaged converters

Made by `python tests/damages/table_c.py`. Each row patches a reader or the writer, and converts a session of the simulated rig as
always. The second reading runs in the same, damaged process: only another way to the values can see the damage, not another
process.
"""

if __name__ == "__main__":
    main(sys.argv[1:])
