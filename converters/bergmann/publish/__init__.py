"""From files of a local dandiset to an archive: what is refused before the first byte, and how each file gets there once."""
