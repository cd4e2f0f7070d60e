"""Stimulators that several rooms read the settings of: what they were told to give, as pulses."""
