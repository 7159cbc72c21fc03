"""Checks of a site file beyond the type of each key."""
