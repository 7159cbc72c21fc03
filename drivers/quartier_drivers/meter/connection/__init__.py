"""The connection to meters: port, settings that are tried, and who listens."""
