"""Errors of the gateway's own forecast on records of homes."""
