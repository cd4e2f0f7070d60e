"""What the CURIEs of a file stand for, in the file itself: external references (HERD) at ``/general/external_resources``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ndx_glial_receptors.tables import tables_in

_OBO = "http://purl.obolibrary.org/obo/{prefix}_{number}"
_ADDRESSES = {
    "CL": _OBO,
    "UBERON": _OBO,
    "CHEBI": _OBO,
    "NCBITaxon": _OBO,
    "PR": _OBO,
    "IUPHAR": "https://www.guidetopharmacology.org/GRAC/ObjectDisplayForward?objectId={number}",
    "NCBIGene": "https://www.ncbi.nlm.nih.gov/gene/{number}",
    "UniProtKB": "https://www.uniprot.org/uniprotkb/{number}",
    "pubchem.compound": "https://pubchem.ncbi.nlm.nih.gov/compound/{number}",
}
"""Addresses of terms by the prefix of their CURIE: the term's own IRI in the OBO ontologies, else the page of its database."""
_RESOLVER = "https://identifiers.org/{prefix}:{number}"
"""For every other prefix: the resolver of the Identifiers.org registry."""


class _Reference(NamedTuple):
    """A text or a CURIE of a column, and what it stands for."""

    column: Any
    key: str
    curie: str


def uri_of(curie: str) -> str:
    """The address of what a CURIE stands for.

    Parameters
    ----------
    curie : str
        Such as ``CL:0000644``.
    """
    prefix, _, number = curie.partition(":")
    return _ADDRESSES.get(prefix, _RESOLVER).format(prefix=prefix, number=number)


def add_references(nwbfile: Any) -> None:
    """Say in the file what each CURIE of this extension's tables stands for.

    The reference is of the text that the CURIE identifies (the cell type of a ``cell_type_id``), where that text has no other
    CURIE in the table; else it is of the CURIE itself. To be called when the tables are in the file; it is safe to call it again.

    Parameters
    ----------
    nwbfile : pynwb.NWBFile
    """
    for table in tables_in(nwbfile):
        for one in _references(table):
            resources = nwbfile.get_external_resources()  # made where there is none
            if one.curie not in _entities(resources, one.column, one.key):
                resources.add_ref(container=one.column, key=one.key, entity_id=one.curie, entity_uri=uri_of(one.curie))


def _entities(resources: Any, column: Any, key: str) -> set[str]:
    """What a key of a column is said to stand for; hdmf 6.2 writes a reference once more when it is added again."""
    uses = [
        use for row in resources.objects.which(object_id=column.object_id) for use in resources.object_keys.which(objects_idx=row)
    ]
    keys = {int(resources.object_keys["keys_idx", use]) for use in uses}
    links = [link for row in keys if resources.keys["key", row] == key for link in resources.entity_keys.which(keys_idx=row)]
    return {str(resources.entities["entity_id", resources.entity_keys["entities_idx", link]]) for link in links}


def _references(table: Any) -> Iterator[_Reference]:
    """One reference for each text and CURIE that stand together in a row."""
    for name, identifier in table.identifiers.items():
        if name not in table.colnames:
            continue
        curies = list(table[name].data)
        texts = list(table[identifier.of].data) if identifier.of in table.colnames else [""] * len(curies)
        pairs = dict.fromkeys((text, curie) for text, curie in zip(texts, curies, strict=True) if curie)
        for text, curie in pairs:
            is_sure = text and sum(other == text for other, _ in pairs) == 1
            yield _Reference(table[identifier.of], text, curie) if is_sure else _Reference(table[name], curie, curie)
