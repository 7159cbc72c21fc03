"""Sparkplug B: births, data, watermarks, commands and the backfill of the history."""
