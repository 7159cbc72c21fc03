"""The doors: one folder per protocol, device profiles as data."""
