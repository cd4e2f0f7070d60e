"""Times: arrays in, arrays out. No files and no NWB here."""
