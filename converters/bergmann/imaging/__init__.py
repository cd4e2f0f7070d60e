"""Movies of a microscope."""
