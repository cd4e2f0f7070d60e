"""Records and stated things to NWB objects."""
