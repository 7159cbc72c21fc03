"""Recorded bytes of a bus as a file that others can read (pure)."""
