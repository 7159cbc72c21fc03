"""The plan of one battery."""
