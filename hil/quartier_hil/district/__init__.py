"""The other end: a small reference district that shares no code with the gateway."""
