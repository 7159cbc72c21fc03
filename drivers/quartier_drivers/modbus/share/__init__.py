"""Sharing a connection with other clients: their requests, their limits, their turns."""
