"""Wired M-Bus slaves on one line, encoded."""
