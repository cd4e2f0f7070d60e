"""Recorded channels of a DAQ or an amplifier."""
