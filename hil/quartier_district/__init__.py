"""The reference district: a small Sparkplug host and optimiser that shares no code with the gateway."""
