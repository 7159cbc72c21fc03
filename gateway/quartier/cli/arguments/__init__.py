"""Parsers of all commands; they import little, so that each command loads only what it needs."""
