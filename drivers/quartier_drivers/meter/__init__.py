"""Smart meters: one folder per protocol, with common types and the wire for all of them."""
