"""Checks of a run: compare what was promised with what was measured (pure)."""
