"""Alarms, losses, ledger and values of the gateway, for people and the district."""
