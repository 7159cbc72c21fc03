"""Smart meters: one folder a protocol, the common words and the wire around them."""
