"""Inputs of a Linux GPIO chip."""
