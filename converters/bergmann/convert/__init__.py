"""From a plan to an NWB file in a local dandiset."""

from bergmann.convert.session import Conversion, convert_session

__all__ = ["Conversion", "convert_session"]
