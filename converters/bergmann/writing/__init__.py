"""The HDF5 writer: bounded memory, atomic."""
