"""Whole fleets in one process, stepped by the fleet's kernel, and what their district sees of it."""
