"""The digests that a file carries: what they are taken of stands in the specification, so that another program can take them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bergmann.proof.digests import DAMAGED, digest_file, sample_of
from bergmann.proof.record import OF_THE_RECORD, is_sealed, read_digests, seal, whole_digest, write_digests


def digests(path: Path) -> dict[str, Any]:
    with h5py.File(path, "r") as file:
        return dict(digest_file(file, leave_out=OF_THE_RECORD))


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.h5"


def test_numbers_are_digested_as_in_memory_little_endian(path: Path) -> None:
    values = np.arange(6, dtype=">i4").reshape(2, 3)
    with h5py.File(path, "w") as file:
        file["big"] = values
        file.create_dataset("chunked", data=values.astype("<i4"), chunks=(1, 2), compression="gzip")
        file["flag"] = True
    found = digests(path)
    expected = sha256(bytes([0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0]))
    assert (found["big"].dtype, found["big"].shape, found["big"].sha256) == ("<i4", "2 x 3", expected)
    assert found["big"] == found["chunked"]
    assert (found["flag"].dtype, found["flag"].shape, found["flag"].sha256) == ("bool", "", sha256(b"\x01"))


def test_texts_and_references_are_digested_with_a_zero_byte_behind_each(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["text"] = ["µm", "b"]
        file["fixed"] = np.array([b"ab", b"c"])
        file.create_group("target")
        file.create_dataset("to", data=[file["target"].ref, file["text"].ref], dtype=h5py.ref_dtype)
    found = digests(path)
    assert (found["text"].dtype, found["text"].sha256) == ("text", sha256("µm\0b\0".encode()))
    assert found["fixed"].sha256 == sha256(b"ab\0c\0")
    assert (found["to"].dtype, found["to"].sha256) == ("reference", sha256(b"/target\0/text\0"))


def test_compounds_are_digested_row_by_row_without_gaps(path: Path) -> None:
    padded = np.dtype({"names": ["x", "w"], "formats": ["<u4", "<f4"], "offsets": [0, 8], "itemsize": 16})
    rows = np.zeros(2, padded)
    rows["x"], rows["w"] = [1, 2], [0.5, 0.25]
    with h5py.File(path, "w") as file:
        file["mask"] = rows
        file["named"] = np.array([(7, b"a")], dtype=[("n", "<u2"), ("t", h5py.string_dtype())])
    found = digests(path)
    packed = b"".join(np.array([x], "<u4").tobytes() + np.array([w], "<f4").tobytes() for x, w in ((1, 0.5), (2, 0.25)))
    assert (found["mask"].dtype, found["mask"].sha256) == ("(x <u4, w <f4)", sha256(packed))
    assert found["named"].sha256 == sha256(b"\x07\x00a\0")


def test_links_are_digested_by_their_target_and_circles_end(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["a/values"] = [1]
        file["b"] = h5py.SoftLink("/a/values")
        file["c"] = h5py.ExternalLink("other.h5", "/x")
        file["a/back"] = file["/"]
        file["second"] = file["a/values"]
    found = digests(path)
    assert (found["b"].dtype, found["b"].sha256) == ("soft link", sha256(b"/a/values"))
    assert (found["c"].dtype, found["c"].sha256) == ("external link", sha256(b"other.h5\0/x"))
    assert (found["a/back"].dtype, found["a/back"].sha256) == ("hard link", sha256(b""))
    assert {found["a/values"].dtype, found["second"].dtype} == {"<i8", "hard link"}


def test_every_attribute_counts_with_its_type(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["a"] = 1
        file["a"].attrs["unit"] = "V"
    before = digests(path)["a"]
    for name, value in (("unit", "mV"), ("other", 1), ("unit", np.bytes_(b"V"))):
        with h5py.File(path, "r+") as file:
            file["a"].attrs[name] = value
        after = digests(path)["a"]
        assert after.sha256 == before.sha256
        assert (after.attributes != before.attributes) == (name != "unit" or value == "mV")
        with h5py.File(path, "r+") as file:
            file["a"].attrs.clear()
            file["a"].attrs["unit"] = "V"
    assert digests(path)["a"] == before


@given(st.integers(1, 5), st.integers(1, 40), st.sampled_from(["<i2", ">f8", "|u1", "<f4"]), st.integers(1, 9), st.integers(1, 9))
@settings(max_examples=30, deadline=None)
def test_the_digest_does_not_depend_on_how_values_are_stored(
    tmp_path_factory: pytest.TempPathFactory, rows: int, columns: int, dtype: str, height: int, width: int
) -> None:
    values = (np.arange(rows * columns) % 100).reshape(rows, columns).astype(dtype)
    path = tmp_path_factory.mktemp("stored") / "a.h5"
    with h5py.File(path, "w") as file:
        file["plain"] = values
        file.create_dataset("chunked", data=values, chunks=(min(height, rows), min(width, columns)), shuffle=True, compression=1)
    found = digests(path)
    assert found["plain"] == found["chunked"]
    assert found["plain"].sha256 == sha256(values.astype(np.dtype(dtype).newbyteorder("<")).tobytes())


def test_a_sample_has_the_first_and_the_last_elements() -> None:
    assert sample_of((1000, 10, 10), 2) == ()
    rows = sample_of((100_000, 512, 512), 2)
    assert len(rows) == 16
    assert (rows[0][0], rows[-1][1]) == (0, 100_000)
    assert sum(stop - start for start, stop in rows) * 512 * 512 * 2 <= 1 << 26


def test_the_table_comes_back_and_says_when_a_row_was_changed(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["a"] = [1.5]
        file.create_group("general/bergmann_conversion").attrs["namespace"] = "ndx-bergmann"
    found = digests(path)
    with h5py.File(path, "r+") as file:
        write_digests(file, found, {"a": "daq"})
        rows = list(read_digests(file))
        assert {place: (one, source) for place, one, source in rows if place in found} == {
            place: (one, "daq" if place == "a" else "") for place, one in found.items()
        }
        assert is_sealed(rows)
        assert not is_sealed(rows[1:])
        assert not is_sealed([(place, one, "other") for place, one, _ in rows])


def test_the_digest_of_the_whole_file_is_in_the_file(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_group("general/bergmann_conversion").attrs["namespace"] = "ndx-bergmann"
        write_digests(file, {}, {})
    seal(path)
    with h5py.File(path, "r") as file:
        stored, place = (
            file["general/bergmann_conversion/file_sha256"][()],
            file["general/bergmann_conversion/file_sha256"].id.get_offset(),
        )
    content = path.read_bytes()
    assert content[place : place + 64] == stored
    assert stored.decode() == sha256(content[:place] + b"0" * 64 + content[place + 64 :]) == whole_digest(path, place)


def test_what_cannot_be_read_is_said_and_the_rest_is_read(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["good"] = [1]
        file.create_dataset("bad", data=np.zeros(100, np.int16), chunks=(100,), compression="gzip")
        place = file["bad"].id.get_chunk_info(0)
    content = bytearray(path.read_bytes())
    content[place.byte_offset : place.byte_offset + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(bytes(content))
    found = digests(path)
    assert found["bad"].dtype == DAMAGED
    assert found["good"].dtype == "<i8"
