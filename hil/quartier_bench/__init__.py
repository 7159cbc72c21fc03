"""Measurements and long simulations around the gateway; not part of the wheel."""
