"""Backups: one signed file of site file, keys, state and history, and its restoration."""
