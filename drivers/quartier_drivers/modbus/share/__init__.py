"""Others on our connection: their requests, their limits, their turn."""
