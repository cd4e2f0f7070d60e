"""The one generic interface, and its schemas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from neuroconv.basedatainterface import BaseDataInterface
from pynwb import NWBFile

from bergmann.convert.align import put_on_clock
from bergmann.errors import SourceError
from bergmann.neuroconv_interfaces.adding import BLOCK, Added, refuse_contradictions, refuse_dangling, stated_collections
from bergmann.neuroconv_interfaces.reading import read_source, validated
from bergmann.plan.frame_clock import fit_line
from bergmann.plan.references import ref_fields
from bergmann.records import Recording
from bergmann.registry import Entry, Format, entry_writer, load_collections, load_stated
from bergmann.stated import Ref
from bergmann.timing.fit import ClockFit


def _inline(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema as NeuroConv can move and merge it.

    Every ``$ref`` is replaced by what it names, since schemas are moved under other roots. Schemas in lists (``anyOf``) get a name:
    NeuroConv joins lists, and knows by the names of their mappings that two are one.
    """
    definitions = schema.get("$defs", {})

    def walk(node: Any) -> Any:
        if isinstance(node, list):
            return [{"name": str(index), **walk(item)} if isinstance(item, Mapping) else item for index, item in enumerate(node)]
        if not isinstance(node, Mapping):
            return node
        named = definitions[node["$ref"].rsplit("/", 1)[1]] if "$ref" in node else {}
        return {key: walk(value) for key, value in {**named, **node}.items() if key not in {"$defs", "$ref"}}

    inlined: dict[str, Any] = walk(schema)
    return inlined


def _schema_of_inline(info: str) -> dict[str, Any]:
    return {
        "type": "object",
        "description": f"The source that it is derived from ({info}): its `format`, its keys, and the `part` of it.",
        "required": ["format"],
        "properties": {"format": {"type": "string"}, "part": {"type": "string"}},
    }


class FormatInterface(BaseDataInterface):  # type: ignore[misc]  # NeuroConv has no types
    """A NeuroConv interface over one `Format`; a subclass only names the format.

    Attributes
    ----------
    metadata_key : str
    source : Source
    record : Record
        What the source says; its arrays are lazy.
    """

    format: ClassVar[Format]

    def __init_subclass__(cls) -> None:
        cls.display_name = cls.info = cls.format.label

    def __init__(self, *, verbose: bool = False, metadata_key: str | None = None, **source_data: Any) -> None:
        """Read the source's header; its arrays stay lazy.

        Parameters
        ----------
        verbose : bool
            Taken for NeuroConv's sake; nothing is printed.
        metadata_key : str, optional
            Key under ``metadata["Bergmann"]["sources"]``, and name of what is written; by default the format's key.
        **source_data
            Keys of the format, as in a session file; a source that it is derived from inline.

        Raises
        ------
        SourceError
            If a key is wrong, or the source cannot be read.
        """
        super().__init__(verbose=verbose, **source_data)
        self.metadata_key = metadata_key or self.format.key
        reading = read_source(self.format, source_data)
        self.source, self.record, self._parents = reading.source, reading.record, reading.parents

    @classmethod
    def get_source_schema(cls) -> dict[str, Any]:
        """The keys of the format as a JSON schema without references."""
        schema = _inline(cls.format.source.model_json_schema())
        schema["properties"].pop("format")
        schema.setdefault("required", [])
        for name in ref_fields(cls.format.source):
            schema["properties"][name] = _schema_of_inline(name)
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

    def set_aligned_starting_time(self, aligned_starting_time: float) -> None:
        """Shift every time of the source, which starts at 0 on its instrument's own clock.

        Parameters
        ----------
        aligned_starting_time : float
            How long after the start of the session the instrument's clock showed 0, in seconds.
        """
        self.record = self.record.aligned(aligned_starting_time)

    def align_to_line(self, recording: FormatInterface, channel: str) -> ClockFit:
        """Put the source on the clock of a recording, a line of which ticked once a frame.

        Parameters
        ----------
        recording : FormatInterface
            Of a format that reads recordings, on the session's clock already.
        channel : str
            The line.

        Returns
        -------
        ClockFit
            For `set_aligned_clock` of what is derived from this source; ``residual`` is the largest deviation of a frame from its
            pulse, in seconds.

        Raises
        ------
        SourceError
            If there is not one pulse a frame, the source has no frames, or the other one is no recording.
        """
        if not isinstance(recording.record, Recording):
            raise SourceError(f"{recording.metadata_key}: is no recording, so it has no line that could tick for frames")
        if self.record.clock_times is None:
            raise SourceError(f"{self.metadata_key}: has no frames that a line could tick for")
        clock = Ref[Recording](recording.metadata_key, channel)
        fit = fit_line(self.record.clock_times, self.metadata_key, recording.record, clock)
        self.set_aligned_clock(fit)
        return fit

    def set_aligned_clock(self, fit: ClockFit) -> None:
        """Put the source on a clock that another source of the same instrument was fitted to: what is derived from that one.

        Parameters
        ----------
        fit : ClockFit
            What `align_to_line` gave for the other source.
        """
        self.record = put_on_clock(self.record, fit)

    def add_to_nwbfile(self, nwbfile: NWBFile, metadata: dict[str, Any] | None = None) -> None:
        """Add the source, and what is stated with it, to an NWB file object.

        Raises
        ------
        SourceError
            If what is stated under ``metadata["Bergmann"]`` is not complete, or contradicts the source.
        """
        block = (metadata or {}).get(BLOCK, {})
        collections = stated_collections(block)
        added = Added.to(nwbfile)
        entry = self._entry(block.get("sources", {}).get(self.metadata_key, {}), added)
        refuse_dangling(entry.stated, f"{BLOCK}.sources.{self.metadata_key}", collections)
        refuse_contradictions(entry, collections)
        placed = added.add_collections(nwbfile, collections)
        entry_writer(self.format.record)(nwbfile, entry, placed)
        added.sources[self.metadata_key] = self.source

    def _entry(self, keys: Mapping[str, Any], added: Added) -> Entry[Any, Any]:
        """What is to be written: the source refers to what has been added, and to nothing else."""
        stated = validated(load_stated()[self.format.record], keys, f"{BLOCK}.sources.{self.metadata_key}")
        links = {name: added.link(parent, getattr(self.source, name)) for name, parent in self._parents.items()}
        source = self.source.model_copy(update=links)
        return Entry(name=self.metadata_key, record=self.record, stated=stated, source=source)
