"""Spikes of single units."""
