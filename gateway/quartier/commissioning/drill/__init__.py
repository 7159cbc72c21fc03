"""Losses that are caused on purpose: the steps, and the results (pure)."""
