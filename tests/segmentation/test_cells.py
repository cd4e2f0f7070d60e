"""Which cell each region is of: by a table of the lab, by class, and for all that the table leaves out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from bergmann.cells import Assignment, CellTable, read_cells
from bergmann.errors import SourceError

POPULATIONS = ("bg", "pc")


def table(path: Path, text: str, **keys: Any) -> CellTable:
    path.write_text(text, encoding="utf-8")
    columns = {"row": "ROI", "population": "whose", "compartment": "part", "cell": "cell"}
    return CellTable.model_validate({"path": path, "columns": columns, "first": "0", **keys})


def read(cells: CellTable, count: int = 4, **stated: str) -> list[tuple[int, str, str, int]]:
    (found,) = read_cells(cells, {"plane0": count}, POPULATIONS, **stated).values()
    return [(one.row, one.population, one.compartment, one.cell) for one in found]


def test_each_region_is_what_its_line_says(tmp_path: Path) -> None:
    cells = table(
        tmp_path / "cells.csv", "ROI,whose,part,cell\n2,pc,dendrite,7\n0,bg,process,3\n1,bg,whole cell,3\n3,bg,endfoot,\n"
    )
    assert read(cells) == [
        (0, "bg", "process", 3), (1, "bg", "whole_cell", 3), (2, "pc", "dendrite", 7), (3, "bg", "endfoot", -1),
    ]  # fmt: skip


@pytest.mark.parametrize("sign", ["\t", ";"])
def test_cells_with_names_are_numbered_and_rows_count_as_stated(tmp_path: Path, sign: str) -> None:
    text = "ROI,whose,part,cell\n1,bg,soma,left\n2,bg,process,left\n4,pc,soma,right\n".replace(",", sign)
    cells = table(tmp_path / "cells.tsv", text, first="1")
    assert read(cells) == [(0, "bg", "soma", 0), (1, "bg", "process", 0), (3, "pc", "soma", 1)]


def test_classes_stand_for_cells_and_the_rest_is_as_stated_for_all(tmp_path: Path) -> None:
    cells = table(
        tmp_path / "cells.csv",
        "ROI,type\n1,P\n3,B\n",
        columns={"row": "ROI", "class": "type"},
        classes={"P": {"population": "pc", "compartment": "dendrite"}, "B": {"population": "bg"}},
    )
    assert read(cells, population="bg", compartment="process") == [
        (0, "bg", "process", -1), (1, "pc", "dendrite", -1), (2, "bg", "process", -1), (3, "bg", "process", -1),
    ]  # fmt: skip


def test_planes_are_told_apart_by_a_column(tmp_path: Path) -> None:
    text = "ROI,whose,part,p\n0,bg,soma,plane0\n0,pc,soma,plane1\n"
    columns = {"row": "ROI", "population": "whose", "compartment": "part"}
    counts = {"plane0": 1, "plane1": 1}
    with pytest.raises(SourceError, match=r"cells\.csv: there are 2 planes \(plane0, plane1\); name the column `plane`"):
        read_cells(table(tmp_path / "cells.csv", text, columns=columns), counts, POPULATIONS)
    cells = table(tmp_path / "cells.csv", text, columns={**columns, "plane": "p"})
    assert read_cells(cells, counts, POPULATIONS) == {
        "plane0": (Assignment(row=0, population="bg", compartment="soma"),),
        "plane1": (Assignment(row=0, population="pc", compartment="soma"),),
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ROI,whose,part,cell\n0,bgg,soma,1\n", r"line 2: there is no population 'bgg'; .*stated: bg, pc"),
        ("ROI,whose,part,cell\n0,,soma,1\n", r"line 2: it does not say whose cell it is"),
        ("ROI,whose,part,cell\n0,bg,arm,1\n", r"line 2: 'arm' is no part of a cell; write one of: soma, process, endfoot"),
        ("ROI,whose,part,cell\n0,bg,,1\n", r"line 2: it does not say which part of the cell it is"),
        ("ROI,whose,part,cell\n4,bg,soma,1\n", r"line 2: there is no number 4; they are 0 to 3 \(`first: 0`\)"),
        ("ROI,whose,part,cell\n-1,bg,soma,1\n", r"line 2: '-1' is not the number of a region or unit"),
        ("ROI,whose,part,cell\n1,bg,soma,1\n1,pc,soma,1\n", r"line 3: an earlier line is about the same row"),
        ("ROI,whose,part\n1,bg,soma\n", r"no column 'cell'; the columns are: ROI, whose, part"),
        ("ROI,whose,part,cell\n1,bg,soma\n", r"line 2 has 3 cells under 4 columns"),
        ("ROI,whose,part,cell\n", r"1 lines with content"),
    ],
)
def test_a_line_that_cannot_be_is_refused_with_its_number(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SourceError, match=r"cells\.csv.*" + message):
        read(table(tmp_path / "cells.csv", text))


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    cells = table(tmp_path / "cells.csv", "x\n")
    (tmp_path / "cells.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SourceError, match=r"cells\.csv: not a table of text"):
        read(cells)
    (tmp_path / "cells.csv").unlink()
    with pytest.raises(SourceError, match=r"cells\.csv: there is no such file"):
        read(cells)


@pytest.mark.parametrize(
    ("columns", "message"), [({"population": "a"}, "must name `row`"), ({"row": "a", "x": "b"}, "`x` is not one")]
)
def test_the_columns_are_those_that_are_known(columns: dict[str, str], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        CellTable.model_validate({"path": "cells.csv", "columns": columns, "first": "0"})


def test_what_is_written_reads_back(nwbfile: Any, tmp_path: Path) -> None:
    """In the table beside the ROIs; `cell_id` is -1 where nobody says."""
    from pynwb import NWBHDF5IO
    from pynwb.ophys import OpticalChannel

    from bergmann.receptors.nwb import metadata_of
    from bergmann.receptors.stated import Population
    from bergmann.records import RoiPlane, Segmentation
    from bergmann.registry import Entry, Placed
    from bergmann.segmentation.nwb import add_segmentation
    from bergmann.segmentation.stated import SegmentationStated, check_segmentation
    from bergmann.segmentation.suite2p import MASK, Suite2pSource
    from bergmann.timing.times import RegularTimes

    (tmp_path / "cells.csv").write_text("ROI,type,cell\n0,P,5\n2,P,5\n", encoding="utf-8")
    cells = {
        "path": tmp_path / "cells.csv",
        "columns": {"row": "ROI", "class": "type", "cell": "cell"},
        "first": "0",
        "classes": {"P": {"population": "pc", "compartment": "dendrite"}},
    }
    stated = SegmentationStated.model_validate({"plane": "p", "population": "bg", "compartment": "process", "cells": cells})
    mask = np.array([(0, 0, 1.0)], dtype=MASK)
    plane = RoiPlane(name="plane0", image_shape=(2, 2), masks=(mask, mask, mask), traces={})
    record = Segmentation(files=(tmp_path / "stat.npy",), planes=(plane,), times=RegularTimes(0.0, 10.0, 4))
    entry = Entry(name="rois", record=record, stated=stated, source=Suite2pSource(path=tmp_path))
    populations = {name: Population(cell_type=one, location="CUL") for name, one in (("bg", "BG"), ("pc", "Purkinje cell"))}
    placed = Placed(stream=lambda array: array[slice(None)], collections={"populations": populations})
    channel = OpticalChannel(name="c", description="c", emission_lambda=525.0)
    placed.put(
        "planes",
        "p",
        nwbfile.create_imaging_plane(
            name="p", optical_channel=channel, description="p", device=nwbfile.create_device(name="d"), excitation_lambda=920.0,
            indicator="GCaMP6f", location="CUL",
        ),
    )  # fmt: skip
    assert list(check_segmentation(entry, placed.collections)) == []
    metadata_of(nwbfile, placed)
    add_segmentation(nwbfile, entry, placed)
    with NWBHDF5IO(tmp_path / "a.nwb", "w") as io:
        io.write(nwbfile)
    with NWBHDF5IO(tmp_path / "a.nwb", "r") as io:
        metadata = io.read().lab_meta_data["glial_receptor_metadata"]
        annotations = metadata.cell_annotations_tables["cell_annotations_rois"].to_dataframe(index=True)
        assert annotations["source"].tolist() == [0, 1, 2]
        assert [metadata.cell_populations["label"][row] for row in annotations["population"]] == ["pc", "bg", "pc"]
        assert annotations["compartment"].tolist() == ["dendrite", "process", "dendrite"]
        assert annotations["cell_id"].tolist() == [5, -1, 5]
    (tmp_path / "cells.csv").write_text("ROI,type,cell\n9,P,5\n", encoding="utf-8")
    (finding,) = check_segmentation(entry, placed.collections)
    assert (finding.severity, finding.location) == ("error", "cells")
    assert "there is no number 9" in finding.message
