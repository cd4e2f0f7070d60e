"""The page of the extension: its examples run, and its tables are the specification's."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pynwb
import pytest

import ndx_glial_receptors as glial

from .compatibility import load_types

PACKAGE = Path(glial.__file__).parent
PAGE = (PACKAGE / "README.md").read_text(encoding="utf-8")
REFUSE = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.startswith("ndx_"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Refuse())
"""


def test_what_the_page_writes_is_valid_and_reads_with_pynwb_alone(tmp_path: Path) -> None:
    write, read = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    subprocess.run([sys.executable, "-W", "error::UserWarning", "-c", write], cwd=tmp_path, check=True)
    assert pynwb.validate(path=tmp_path / "example.nwb") == []
    command = [sys.executable, "-W", "error::UserWarning", "-c", REFUSE + read]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "['knocked_down']\n"


@pytest.mark.parametrize("name", sorted(set(glial.__all__) - {"GlialReceptorMetadata"}))
def test_the_table_of_types_has_every_column_as_specified(name: str) -> None:
    (base, columns) = re.findall(rf"^\| `{name}` \| (\w+) \| (.*) \|$", PAGE, re.MULTILINE)[0]
    specified = load_types(PACKAGE / "spec")[name]
    assert base == specified["neurodata_type_inc"]
    for column in specified["datasets"]:
        if column["neurodata_type_inc"] == "VectorIndex":
            continue
        word = rf"(\*\*)?\b{column['name']}\b(\[\])?(\*\*)?"
        found = re.search(word, columns)
        assert found, column["name"]
        assert bool(found[1]) == ("quantity" not in column), column["name"]
        is_list = any(other["name"] == f"{column['name']}_index" for other in specified["datasets"])
        assert bool(found[2]) == is_list, column["name"]


def test_the_table_of_values_has_every_category() -> None:
    said = dict(re.findall(r"^\| (\w+) \| ([\w, ]+) \|$", PAGE.partition("| column | takes |")[2], re.MULTILINE))
    known = {
        name: ", ".join(values)
        for one in glial.__all__
        for name, values in getattr(getattr(glial, one), "known_values", {}).items()
    }
    assert said == known
