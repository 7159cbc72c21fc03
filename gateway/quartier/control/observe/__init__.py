"""Observations of assets, meters, clocks and inputs."""
