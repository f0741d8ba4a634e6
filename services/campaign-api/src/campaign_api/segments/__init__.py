"""Segments: filters saved under a name."""
