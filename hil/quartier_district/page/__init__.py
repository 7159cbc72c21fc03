"""The live page of the reference district, served on this machine alone."""
