"""Frequency and voltage of the public grid: rows, readings, detection and effects."""
