"""OPC UA: parts of a server's address space as devices, secure by default."""
