"""Validation: pynwb, NWB Inspector and dandi in one list of findings."""
