"""Mending what is stated in a written NWB file, with all that follows of it, without converting again."""

from bergmann.patch.patching import Patch, carry_out, prepare

__all__ = ["Patch", "carry_out", "prepare"]
