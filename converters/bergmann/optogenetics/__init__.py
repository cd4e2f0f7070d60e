"""Light (and other) stimuli."""
