"""A simulated rig with known truth, writing real vendor files."""
