"""Costs of energy: prices, CO2 and peaks."""
