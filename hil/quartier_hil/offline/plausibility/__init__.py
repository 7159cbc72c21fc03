"""Whether the gateway finds a connection meter that lies, and never suspects one that does not."""
