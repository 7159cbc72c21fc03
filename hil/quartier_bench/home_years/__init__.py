"""Measured homes for a year: what a battery saves by the plain rule, by a plan, and with foresight."""
