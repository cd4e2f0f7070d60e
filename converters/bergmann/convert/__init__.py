"""From a plan to an NWB file in a local dandiset."""
