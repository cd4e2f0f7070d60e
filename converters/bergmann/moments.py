"""The one grammar of times: ``10 min after movie``, ``7 d after sni``, ``tag "+TGOT" of patch``, ``10:41 +- 30 s``, ``unknown``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

Basis = Literal["recorded", "tag", "notebook", "protocol", "unknown"]


@dataclass(frozen=True)
class When:
    """A time on the session's clock, and how it is known.

    Attributes
    ----------
    seconds : float
        Seconds after the session's start (negative: before); NaN if unknown.
    basis : {"recorded", "tag", "notebook", "protocol", "unknown"}
        How the time is known.
    uncertainty : float
        Half width in seconds; NaN if not stated.
    """

    seconds: float
    basis: Basis
    uncertainty: float = float("nan")


@dataclass(frozen=True)
class Moment:
    """A time as a person states it.

    Attributes
    ----------
    text : str
        As written.
    """

    text: str

    @classmethod
    def parse(cls, text: object) -> Moment:
        """Read one time expression."""
        if isinstance(text, Moment):
            return text
        if not isinstance(text, str):
            raise ValueError("expected a time, such as `10 min after movie`")
        return cls(text)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(cls.parse, serialization=core_schema.to_string_ser_schema())

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "description": "A time, such as `10 min after movie` or `7 d after sni`."}
