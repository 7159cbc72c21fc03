"""Serve records of a bus to a driver: a fault of the field as a regression test."""
