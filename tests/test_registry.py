"""Files are found by pattern in natural order; a pattern without files says what is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from bergmann.errors import SourceError
from bergmann.registry import expand


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a_1.tif", "a_10.tif", "a_2.tif", "b.txt"):
        (tmp_path / name).touch()
    (tmp_path / "odd [1]").mkdir()
    (tmp_path / "odd [1]" / "c_1.tif").touch()
    return tmp_path


def test_a_pattern_gives_files_in_natural_order(folder: Path) -> None:
    assert [path.name for path in expand(folder / "a_*.tif")] == ["a_1.tif", "a_2.tif", "a_10.tif"]


def test_a_name_that_exists_is_itself_even_with_brackets(folder: Path) -> None:
    assert expand(folder / "odd [1]") == (folder / "odd [1]",)
    assert [path.name for path in expand(folder / "odd [1]" / "c_*.tif")] == ["c_1.tif"]


def test_a_missing_file_lists_the_folder(folder: Path) -> None:
    with pytest.raises(SourceError, match=r"there is no 'c\.tif'; the folder .* has: a_1\.tif, a_2\.tif, a_10\.tif, b\.txt"):
        expand(folder / "c.tif")


def test_a_pattern_without_files_lists_the_folder(folder: Path) -> None:
    with pytest.raises(SourceError, match=r"no file matches 'z_\*\.tif'; the folder .* has: a_1\.tif"):
        expand(folder / "z_*.tif")


def test_a_folder_that_is_not_there_lists_the_nearest(folder: Path) -> None:
    with pytest.raises(SourceError, match=rf"c\.tif: there is no folder 'nowhere'; the folder '{folder.name}' has: a_1\.tif"):
        expand(folder / "nowhere" / "deep" / "c.tif")
