"""Requests for single assets, and the orders written to points."""
