"""What the values of categorical columns mean, in the file itself: a `MeaningsTable` of hdmf-common 1.10 (NWB 2.11) a column."""

from __future__ import annotations

from typing import Any

from hdmf.common import MeaningsTable

from ndx_glial_receptors.tables import tables_in


def add_meanings(nwbfile: Any) -> None:
    """Give each categorical column of this extension's tables the meanings of its values, those that do not occur too.

    To be called when the tables are in the file. It is safe to call it again: what has meanings is left as it is.

    Parameters
    ----------
    nwbfile : pynwb.NWBFile
    """
    for table in tables_in(nwbfile):
        for name, values in table.known_values.items():
            if name in table.colnames and table.get_meanings_for_column(col_name=name) is None:
                meanings = MeaningsTable(target=table[name])
                for value, meaning in values.items():
                    meanings.add_row(value=value, meaning=meaning)
                table.add_meanings_table(meanings)
