"""The local history and outbox."""
