"""Simulate a whole fleet of buildings in one process with the fleet's kernel, and what their district
sees.
"""
