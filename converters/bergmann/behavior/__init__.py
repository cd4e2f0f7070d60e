"""Pose, scored events, assays, video."""
