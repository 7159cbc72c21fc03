"""The plan of several assets of a site together."""
