"""Our formats as NeuroConv data interfaces, for use in any `NWBConverter`.

An interface takes the keys of its format as in a session file. A format that is derived from another source takes that one's keys
inline, with the part it needs::

    DeepLabCutInterface(path="pawDLC.csv", of={"format": "video", "path": "paw.avi"})
    ChannelLightInterface(of={"format": "wavesurfer", "path": "daq.h5", "part": "LaserCmd"})

What a person states stands in the metadata under ``Bergmann``: ``sources`` by metadata key, and the collections (``devices``,
``planes``, ``light_sites`` ...) by name, as in a session file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from hdmf.data_utils import GenericDataChunkIterator
from neuroconv.basedatainterface import BaseDataInterface
from neuroconv.utils.dict import DeepDict
from numpy.typing import NDArray
from pynwb import NWBFile

from bergmann.arrays import LazyArray
from bergmann.convert.nwbfile import add_devices
from bergmann.convert.session import COLLECTIONS_AFTER, COLLECTIONS_BEFORE
from bergmann.errors import SourceError
from bergmann.records import Record
from bergmann.registry import (
    Entry,
    Format,
    Placed,
    Source,
    load_collection_writers,
    load_collections,
    load_entry_writers,
    load_formats,
    load_stated,
)
from bergmann.stated import Ref

BLOCK = "Bergmann"
_SMALL = 1_000_000  # bytes below which an array is handed over whole


class _Blocks(GenericDataChunkIterator):  # type: ignore[misc]  # hdmf has no types
    """A lazy array as hdmf reads it: any selection, a block of the first axis at a time."""

    def __init__(self, array: LazyArray) -> None:
        self._array = array
        super().__init__()

    def _get_data(self, selection: tuple[slice, ...]) -> NDArray[Any]:
        first, *rest = selection
        block: NDArray[Any] = np.asarray(self._array[first])[(slice(None), *rest)]
        return block

    def _get_maxshape(self) -> tuple[int, ...]:
        return tuple(self._array.shape)

    def _get_dtype(self) -> np.dtype[Any]:
        return np.dtype(self._array.dtype)


def _stream(array: LazyArray) -> Any:
    n_bytes = int(np.prod(array.shape)) * np.dtype(array.dtype).itemsize
    return np.asarray(array[slice(None)]) if n_bytes < _SMALL else _Blocks(array)


def _inline(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Replace every ``$ref`` of a schema by what it names, because NeuroConv moves schemas under other roots."""
    definitions = schema.get("$defs", {})

    def walk(node: Any) -> Any:
        if isinstance(node, list):
            return [walk(item) for item in node]
        if not isinstance(node, Mapping):
            return node
        if "$ref" in node:
            return walk(definitions[node["$ref"].rsplit("/", 1)[1]])
        return {key: walk(value) for key, value in node.items() if key != "$defs"}

    inlined: dict[str, Any] = walk(schema)
    return inlined


def _format_named(key: str, keys: Mapping[str, Any]) -> Format:
    known = [one for one in load_formats() if one.key == key]
    if not known:
        raise SourceError(f"{key!r} is not a format; known: {', '.join(sorted({one.key for one in load_formats()}))}")
    return next((one for one in known if one.chosen_by in keys), known[0])


def _references(source: type[Source]) -> list[str]:
    """The fields of a source that name another one."""
    return [name for name, field in source.model_fields.items() if "Ref[" in str(field.annotation)]


def _read(one: Format, keys: Mapping[str, Any]) -> tuple[Source, Record]:
    """Read a source and, inline, what it is derived from."""
    fields = dict(keys)
    inputs: dict[str, Record] = {}
    for name in _references(one.source):
        inline = fields.pop(name, None)
        if inline is not None:
            parent = {key: value for key, value in inline.items() if key not in {"format", "part"}}
            _, inputs[name] = _read(_format_named(inline["format"], parent), parent)
            fields[name] = Ref(name, inline.get("part"))
    source = one.source.model_validate({"format": one.key, **fields})
    return source, one.read(source, inputs)


class FormatInterface(BaseDataInterface):  # type: ignore[misc]  # NeuroConv has no types
    """A NeuroConv interface over one `Format`; a subclass only names the format."""

    format: ClassVar[Format]

    def __init__(self, *, verbose: bool = False, metadata_key: str | None = None, **source_data: Any) -> None:
        """Read the source's header; its arrays stay lazy.

        Parameters
        ----------
        verbose : bool
            Taken for NeuroConv's sake; nothing is printed.
        metadata_key : str, optional
            Key under ``metadata["Bergmann"]["sources"]``, and name of what is written; by default the format's key.
        **source_data
            Keys of the format, as in a session file.
        """
        super().__init__(verbose=verbose, **source_data)
        self.metadata_key = metadata_key or self.format.key
        self.source, self.record = _read(self.format, source_data)

    @classmethod
    def get_source_schema(cls) -> dict[str, Any]:
        """The keys of the format as a JSON schema without references."""
        schema = _inline(cls.format.source.model_json_schema())
        schema["properties"].pop("format", None)
        for name in _references(cls.format.source):
            schema["properties"][name] = {
                "type": "object",
                "description": "The source it is derived from: its `format`, its keys, and the `part` of it.",
                "required": ["format"],
            }
        schema["properties"]["metadata_key"] = {"type": ["string", "null"]}
        schema["properties"]["verbose"] = {"type": "boolean"}
        return schema

    def get_metadata_schema(self) -> dict[str, Any]:
        """NeuroConv's schema, and the block of what a person states."""
        schema: dict[str, Any] = super().get_metadata_schema()
        collections = {
            name: {"type": "object", "additionalProperties": _inline(model.model_json_schema())}
            for name, model in load_collections().items()
        }
        stated = _inline(load_stated()[self.format.record].model_json_schema())
        sources = {"type": "object", "properties": {self.metadata_key: stated}}
        schema["properties"][BLOCK] = {"type": "object", "properties": {"sources": sources, **collections}}
        return schema

    def get_metadata(self) -> DeepDict:
        """What the source itself records; the start of the session is left to the person, who knows its time zone."""
        return super().get_metadata()

    def add_to_nwbfile(self, nwbfile: NWBFile, metadata: dict[str, Any] | None = None) -> None:
        """Add the source, and the stated things that it names, to an NWB file object.

        Raises
        ------
        pydantic.ValidationError
            If what is stated under ``metadata["Bergmann"]`` is not complete.
        """
        block = (metadata or {}).get(BLOCK, {})
        stated = load_stated()[self.format.record].model_validate(block.get("sources", {}).get(self.metadata_key, {}))
        collections = {
            name: {key: model.model_validate(value) for key, value in block.get(name, {}).items()}
            for name, model in load_collections().items()
        }
        placed = Placed(stream=_stream, collections=collections)
        self._add_collections(nwbfile, COLLECTIONS_BEFORE, placed)
        entry = Entry(name=self.metadata_key, record=self.record, stated=stated, source=self.source)
        load_entry_writers()[self.format.record](nwbfile, entry, placed)
        self._add_collections(nwbfile, COLLECTIONS_AFTER, placed)

    @staticmethod
    def _add_collections(nwbfile: NWBFile, names: tuple[str, ...], placed: Placed) -> None:
        writers = {**load_collection_writers(), "devices": add_devices}
        for name in names:
            if placed.collections.get(name):
                writers[name](nwbfile, placed.collections[name], placed)
